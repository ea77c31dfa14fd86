// The twin sorts all distances of each patch, in long double.

#include <algorithm>
#include <numeric>

#include <doctest/doctest.h>

#include "hipt/bags/graphs.h"
#include "hipt/base/formula.h"
#include "hipt/io/hdf5.h"
#include "hipt/io/torch_file.h"

#include "test/support/support.h"

using namespace hipt;

namespace {

Array made_features(std::int64_t patches, std::int64_t dim) {
  const FormulaWords words("features", "graphs");
  Array features = Array::of<float>({patches, dim});
  std::size_t i = 0;
  for (float& value : features.as_mutable<float>()) value = static_cast<float>(words[i++] % 100000) / 1000.0F - 50.0F;
  return features;
}

// A grid with gaps, 256 px apart, so that many distances are equal.
Array made_corners(std::int64_t patches) {
  const FormulaWords words("corners", "graphs");
  Array corners = Array::of<std::int64_t>({patches, 2});
  const std::span<std::int64_t> values = corners.as_mutable<std::int64_t>();
  std::int64_t cell = 0;
  for (std::size_t row = 0; row < static_cast<std::size_t>(patches); ++row) {
    cell += 1 + static_cast<std::int64_t>(words[row] % 3);
    values[2 * row] = 256 * (cell / 20);
    values[2 * row + 1] = 256 * (cell % 20);
  }
  return corners;
}

template <class T>
Array edges_by_hand(const Array& points, std::int64_t neighbours) {
  const auto rows = static_cast<std::size_t>(points.dim(0));
  const auto dim = static_cast<std::size_t>(points.dim(1));
  const std::size_t each = std::min(static_cast<std::size_t>(neighbours), rows - 1);
  Array edges = Array::of<std::int64_t>({2, static_cast<std::int64_t>(rows * each)});
  const std::span<std::int64_t> values = edges.as_mutable<std::int64_t>();
  for (std::size_t row = 0; row < rows; ++row) {
    std::vector<std::pair<long double, std::size_t>> all;
    for (std::size_t other = 0; other < rows; ++other) {
      long double sum = 0;
      for (std::size_t d = 0; d < dim; ++d) {
        const long double difference =
            static_cast<long double>(points.as<T>()[row * dim + d]) - points.as<T>()[other * dim + d];
        sum += difference * difference;
      }
      if (other != row) all.emplace_back(sum, other);
    }
    std::ranges::sort(all);
    for (std::size_t i = 0; i < each; ++i) {
      values[row * each + i] = static_cast<std::int64_t>(row);
      values[(rows + row) * each + i] = static_cast<std::int64_t>(all[i].second);
    }
  }
  return edges;
}

bool equal(const Array& a, const Array& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.as<std::int64_t>(), b.as<std::int64_t>());
}

void write_h5(const std::filesystem::path& file, const Array* features, const Array* corners) {
  std::filesystem::create_directories(file.parent_path());
  io::Hdf5File h5 = io::Hdf5File::create(file);
  if (features != nullptr) h5.write_dataset("features", *features);
  if (corners != nullptr) h5.write_dataset("coords", *corners);
  h5.close();
}

void write_pt(const std::filesystem::path& file, const Array& values) {
  std::filesystem::create_directories(file.parent_path());
  io::TorchTensorWriter writer(file, values.dtype(), values.shape());
  writer.append({values.bytes(), values.byte_size()});
  writer.close();
}

}  // namespace

TEST_CASE("graphs: neighbours by place equal a sort of all distances with many equal ones") {
  for (const std::int64_t patches : {1, 2, 8, 9, 10, 150, 600}) {
    CAPTURE(patches);
    const Array corners = made_corners(patches);
    CHECK(equal(bags::nearest_by_place(corners, 8), edges_by_hand<std::int64_t>(corners, 8)));
  }
  Array same = Array::of<std::int64_t>({30, 2});  // all at one place
  CHECK(equal(bags::nearest_by_place(same, 8), edges_by_hand<std::int64_t>(same, 8)));
}

TEST_CASE("graphs: neighbours by features equal a sort of all distances at any number of threads") {
  for (const std::int64_t patches : {1, 2, 9, 300, 700}) {
    CAPTURE(patches);
    const Array features = made_features(patches, 40);
    const Array expected = edges_by_hand<float>(features, 8);
    for (const std::size_t threads : {1, 3}) {
      ThreadPool pool(threads);
      RunContext context{pool, silent_log(), silent_progress(), {}};
      CHECK(equal(bags::nearest_by_features(features, 8, context), expected));
    }
  }
}

TEST_CASE("graphs: equal features never join a patch to itself") {
  const Array same = Array::of<float>({50, 16});
  const Array edges = bags::nearest_by_features(same, 8, test::quiet_context());
  REQUIRE(edges.shape() == Shape{2, 400});
  const std::span<const std::int64_t> values = edges.as<std::int64_t>();
  for (std::size_t i = 0; i < 400; ++i) CHECK(values[i] != values[400 + i]);
}

TEST_CASE("graph of a bag: made when missing and read when there with places from where programs leave them") {
  RunContext& context = test::quiet_context();
  const Array features = made_features(40, 16);
  const Array corners = made_corners(40);
  const test::TemporaryFolder folder;
  write_h5(folder / "one/own.h5", &features, &corners);
  write_pt(folder / "two/pt_files/clam.pt", features);
  write_h5(folder / "two/h5_files/clam.h5", &features, &corners);
  write_pt(folder / "three/features/study.pt", features);
  write_h5(folder / "three/patches/study.h5", nullptr, &corners);
  for (const auto& [name, file] : {std::pair{"own", "one/own.h5"}, std::pair{"clam", "two/pt_files/clam.pt"},
                                   std::pair{"study", "three/features/study.pt"}}) {
    CAPTURE(name);
    const bags::BagFile bag{name, folder / file};
    const bags::Graph made = bags::graph_of(bag, folder / "graph_files", {}, context);
    CHECK(equal(made.edge_index, edges_by_hand<std::int64_t>(corners, 8)));
    CHECK(equal(made.edge_latent, edges_by_hand<float>(features, 8)));
    CHECK(made.centroid.as<float>()[79] == static_cast<float>(corners.as<std::int64_t>()[79]));
    const bags::Graph read = bags::graph_of(bag, folder / "graph_files", {}, context);
    CHECK(equal(read.edge_index, made.edge_index));
    CHECK(equal(read.edge_latent, made.edge_latent));
    CHECK(read.centroid.shape() == Shape{40, 2});
    std::string message;
    CHECK(test::error_of([&] { bags::graph_of(bag, folder / "graph_files", {.neighbours = 4}, context); }, &message) ==
          ErrorCode::InvalidArgument);
    CHECK(message.find("graph_neighbours: 8 there, 4 now") != std::string::npos);
  }
  write_pt(folder / "four/alone.pt", features);
  const bags::Graph alone = bags::graph_of({"alone", folder / "four/alone.pt"}, folder / "graph_files", {}, context);
  CHECK(alone.edge_index.shape() == Shape{2, 0});
  CHECK(alone.edge_latent.shape() == Shape{2, 320});
}

TEST_CASE("graphs of a cohort: one bad bag does not stop the others") {
  RunContext& context = test::quiet_context();
  const test::TemporaryFolder folder;
  const Array corners = made_corners(12);
  write_pt(folder / "a.pt", made_features(40, 16));
  write_pt(folder / "regions.pt", made_features(2, 256 * 4).reshaped({2, 256, 4}));
  write_pt(folder / "short.pt", made_features(40, 16));
  write_h5(folder / "short.h5", nullptr, &corners);
  test::write_text(folder / "text.pt", "no tensor");
  const auto bags = bags::bags_in(folder.path());
  const bags::GraphSummary first = bags::write_graphs(bags, folder / "graph_files", false, {}, context);
  CHECK(first.written == 2);
  CHECK(first.without_places == 2);
  REQUIRE(first.failed.size() == 2);
  CHECK(first.failed[0].second.find("coords are [12, 2], and the bag has 40 instances") != std::string::npos);
  CHECK(first.failed[1].first == "text");
  CHECK(bags::read_graph(folder / "graph_files/regions.pt", 512).edge_latent.shape() == Shape{2, 512 * 8});
  CHECK(bags::write_graphs(bags, folder / "graph_files", false, {}, context).present == 2);
  CHECK(bags::write_graphs(bags, folder / "graph_files", false, {.neighbours = 3}, context).failed.size() == 4);
  CHECK(bags::write_graphs(bags, folder / "graph_files", true, {.neighbours = 3}, context).written == 2);
}

TEST_CASE("graphs: files with edges out of the bag or of another form are refused") {
  const test::TemporaryFolder folder;
  Array edges = Array::of<std::int64_t>({2, 2});
  const Array none = Array::of<float>({0, 2});
  const auto refused = [&](std::int64_t target, const Array& centroid) {
    edges.as_mutable<std::int64_t>()[3] = target;
    io::write_torch_tensors(folder / "g.pt",
                            {{"edge_index", &edges}, {"edge_latent", &edges}, {"centroid", &centroid}});
    std::string message;
    CHECK(test::error_of([&] { bags::read_graph(folder / "g.pt", 5); }, &message) == ErrorCode::Corrupt);
    return message;
  };
  CHECK(refused(5, none).find("edge_index leads to patch 5, and the bag has 5") != std::string::npos);
  CHECK(refused(-1, none).find("patch -1") != std::string::npos);
  CHECK(refused(4, Array::of<float>({4, 2})).find("centroid is no [5, 2]") != std::string::npos);
  io::write_torch_tensors(folder / "g.pt", {{"edge_index", &edges}});
  CHECK(test::error_of([&] { bags::read_graph(folder / "g.pt", 5); }) == ErrorCode::Corrupt);
  write_pt(folder / "g.pt", none);
  CHECK(test::error_of([&] { bags::read_graph(folder / "g.pt", 5); }) == ErrorCode::Corrupt);
}
