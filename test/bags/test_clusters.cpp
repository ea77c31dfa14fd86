// The twin is brute force written anew: Lloyd's rule is checked at its fixed point, assignments in long double.

#include <algorithm>
#include <fstream>
#include <set>

#include <doctest/doctest.h>

#include "hipt/bags/clusters.h"
#include "hipt/base/formula.h"
#include "hipt/cohort/output.h"
#include "hipt/io/pickle_file.h"
#include "hipt/io/torch_file.h"

#include "test/support/support.h"

using namespace hipt;

namespace {

void write_tensor(const std::filesystem::path& file, const Array& values) {
  std::filesystem::create_directories(file.parent_path());
  io::TorchTensorWriter writer(file, values.dtype(), values.shape());
  writer.append({values.bytes(), values.byte_size()});
  writer.close();
}

// Patches around ten corners of a cube, far apart; the true group of each is known.
std::size_t group_of(const std::string& slide, std::int64_t row) {
  return FormulaWords("groups", slide)[static_cast<std::size_t>(row)] % 10;
}

Array grouped_bag(const std::string& slide, std::int64_t patches) {
  constexpr std::int64_t kDim = 12;
  const FormulaWords noise("noise", slide);
  Array bag = Array::of<float>({patches, kDim});
  const std::span<float> values = bag.as_mutable<float>();
  for (std::int64_t row = 0; row < patches; ++row) {
    for (std::int64_t d = 0; d < kDim; ++d) {
      const auto at = static_cast<std::size_t>(row * kDim + d);
      const bool high = static_cast<std::int64_t>(group_of(slide, row)) == d;
      values[at] = (high ? 10.0F : 0.0F) + static_cast<float>(noise[at] % 1000) / 1000.0F;
    }
  }
  return bag;
}

struct Cohort {
  test::TemporaryFolder folder;
  std::vector<bags::BagFile> bags;

  explicit Cohort(std::int64_t slides = 5, std::int64_t patches = 60) {
    for (std::int64_t i = 0; i < slides; ++i) {
      const std::string name = "s" + std::to_string(i);
      write_tensor(folder / ("pt_files/" + name + ".pt"), grouped_bag(name, patches + i));
    }
    bags = bags::bags_in(folder.path());
  }
};

std::size_t nearest_by_hand(const float* row, const Array& centres) {
  std::size_t best = 0;
  long double least = -1;
  const auto dim = static_cast<std::size_t>(centres.dim(1));
  for (std::size_t c = 0; c < 10; ++c) {
    long double sum = 0;
    for (std::size_t d = 0; d < dim; ++d) {
      const long double difference = static_cast<long double>(row[d]) - centres.as<float>()[c * dim + d];
      sum += difference * difference;
    }
    if (least < 0 || sum < least) {
      least = sum;
      best = c;
    }
  }
  return best;
}

std::string bytes_of(const std::filesystem::path& file) {
  return test::read_text(file);
}

}  // namespace

TEST_CASE("clusters: centres are the means of what is nearest to them and every patch has its nearest") {
  const Cohort cohort;
  const Array centres = bags::learn_centres(cohort.bags, {.iterations = 100}, test::quiet_context());
  std::vector<std::vector<double>> sums(10, std::vector<double>(12));
  std::vector<std::size_t> counts(10);
  for (const bags::BagFile& file : cohort.bags) {
    const Array bag = bags::read_bag(file.file);
    const std::vector<std::int64_t> ids = bags::nearest_centres(bag, centres);
    for (std::size_t row = 0; row < ids.size(); ++row) {
      const float* const values = bag.as<float>().data() + row * 12;
      const auto id = static_cast<std::size_t>(ids[row]);
      CHECK(id == nearest_by_hand(values, centres));
      ++counts[id];
      for (std::size_t d = 0; d < 12; ++d) sums[id][d] += values[d];
    }
  }
  for (std::size_t c = 0; c < 10; ++c) {
    REQUIRE(counts[c] > 0);
    for (std::size_t d = 0; d < 12; ++d) {
      CHECK(centres.as<float>()[c * 12 + d] ==
            doctest::Approx(sums[c][d] / static_cast<double>(counts[c])).epsilon(1e-5));
    }
  }
}

TEST_CASE("clusters: groups far apart are found whole from a sample of the cohort") {
  const Cohort cohort(8, 200);
  // Seeds start from random patches, so not every one finds all ten groups: one of a few does.
  bool found_all = false;
  for (std::int64_t seed = 1; seed <= 20 && !found_all; ++seed) {
    const Array centres = bags::learn_centres(cohort.bags, {.seed = seed, .samples = 300}, test::quiet_context());
    std::set<std::pair<std::size_t, std::int64_t>> pairs;  // true group, cluster
    for (const bags::BagFile& file : cohort.bags) {
      const std::vector<std::int64_t> ids = bags::nearest_centres(bags::read_bag(file.file), centres);
      for (std::int64_t row = 0; row < std::ssize(ids); ++row) {
        pairs.emplace(group_of(file.slide_id, row), ids[static_cast<std::size_t>(row)]);
      }
    }
    found_all = pairs.size() == 10;
  }
  CHECK(found_all);
}

TEST_CASE("clusters: the same bytes at any number of threads and others for another seed") {
  const Cohort cohort;
  std::vector<std::string> files;
  for (const std::size_t threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    RunContext context{pool, silent_log(), silent_progress(), {}};
    const test::TemporaryFolder out;
    CHECK(bags::write_clusters(cohort.bags, out.path(), false, {.samples = 100}, context));
    files.push_back(bytes_of(out / "fast_cluster_ids.pkl") + bytes_of(out / "cluster_centres.pt"));
  }
  CHECK(files[0] == files[1]);
  CHECK(files[0] == files[2]);
  const test::TemporaryFolder out;
  bags::write_clusters(cohort.bags, out.path(), false, {.seed = 2, .samples = 100}, test::quiet_context());
  CHECK(files[0] != bytes_of(out / "fast_cluster_ids.pkl") + bytes_of(out / "cluster_centres.pt"));
}

TEST_CASE("clusters: what is there with an equal fingerprint stays and a killed run goes on from the centres") {
  const Cohort cohort;
  const std::filesystem::path& folder = cohort.folder.path();
  RunContext& context = test::quiet_context();
  CHECK(bags::write_clusters(cohort.bags, folder, false, {}, context));
  CHECK_FALSE(bags::write_clusters(bags::bags_in(folder), folder, false, {}, context));  // the centres are no bag
  const std::string ids = bytes_of(folder / "fast_cluster_ids.pkl");
  std::filesystem::remove(folder / "fast_cluster_ids.pkl");
  CHECK(bags::write_clusters(cohort.bags, folder, false, {}, context));
  CHECK(bytes_of(folder / "fast_cluster_ids.pkl") == ids);
  std::string message;
  test::error_of([&] { bags::write_clusters(cohort.bags, folder, false, {.seed = 2}, context); }, &message);
  CHECK(message.find("cluster_seed: 1 there, 2 now") != std::string::npos);
  write_tensor(folder / "pt_files/s0.pt", grouped_bag("other", 60));
  CHECK(test::error_of([&] { bags::write_clusters(cohort.bags, folder, false, {}, context); }, &message) ==
        ErrorCode::InvalidArgument);
  CHECK(message.find("features: ") != std::string::npos);
  CHECK(bags::write_clusters(cohort.bags, folder, true, {}, context));
  CHECK(bytes_of(folder / "fast_cluster_ids.pkl") != ids);
}

TEST_CASE("clusters of bags: made when missing and read when any program made them") {
  const Cohort cohort;
  RunContext& context = test::quiet_context();
  const bags::ClusterIds made = bags::clusters_of(cohort.bags, cohort.folder.path(), {}, context);
  const Array centres = bags::read_centres(cohort.folder / "cluster_centres.pt");
  CHECK(made.size() == 5);
  for (const bags::BagFile& bag : cohort.bags) {
    CHECK(made.at(bag.slide_id) == bags::nearest_centres(bags::read_bag(bag.file), centres));
  }
  const std::vector<bags::BagFile> two(cohort.bags.begin(), cohort.bags.begin() + 2);
  const bags::ClusterIds part = bags::clusters_of(two, cohort.folder.path(), {}, context);
  CHECK(part.size() == 2);
  CHECK(part.at("s1") == made.at("s1"));

  const test::TemporaryFolder published;
  io::PickleWriter pickle;
  pickle.begin_dict();
  pickle.text("s0.pt");
  Array ids = Array::of<std::int64_t>({3});
  ids.as_mutable<std::int64_t>()[1] = 9;
  pickle.array(ids);
  pickle.end_dict();
  test::write_text(published / "fast_cluster_ids.pkl", std::move(pickle).finish());
  const std::vector<bags::BagFile> one(cohort.bags.begin(), cohort.bags.begin() + 1);
  CHECK(bags::clusters_of(one, published.path(), {}, context).at("s0") == std::vector<std::int64_t>{0, 9, 0});
  std::string message;
  CHECK(test::error_of([&] { bags::clusters_of(two, published.path(), {}, context); }, &message) == ErrorCode::Corrupt);
  CHECK(message.find("no clusters of s1") != std::string::npos);
}

TEST_CASE("clusters: regions count patch by patch") {
  const test::TemporaryFolder folder;
  Array patches = grouped_bag("r", 2 * 4);
  write_tensor(folder / "r.pt", std::move(patches).reshaped({2, 4, 12}));
  write_tensor(folder / "q.pt", grouped_bag("q", 20));
  const bags::ClusterIds ids =
      bags::clusters_of(bags::bags_in(folder.path()), folder.path(), {}, test::quiet_context());
  CHECK(ids.at("r").size() == 8);
  CHECK(ids.at("q").size() == 20);
}

TEST_CASE("clusters: wrong cohorts and broken files are told") {
  RunContext& context = test::quiet_context();
  const test::TemporaryFolder folder;
  std::string message;
  CHECK(test::error_of([&] { bags::bags_in(folder.path()); }) == ErrorCode::NotFound);
  write_tensor(folder / "few.pt", grouped_bag("few", 9));
  CHECK(test::error_of([&] { bags::learn_centres(bags::bags_in(folder.path()), {}, context); }, &message) ==
        ErrorCode::InvalidArgument);
  CHECK(message == "the cohort has 9 patches: 10 clusters need as many at least");
  write_tensor(folder / "wide.pt", Array::of<float>({2, 13}));
  CHECK(test::error_of([&] { bags::learn_centres(bags::bags_in(folder.path()), {}, context); }, &message) ==
        ErrorCode::InvalidArgument);
  CHECK(message.find("wide.pt: its features are 13 wide, those of the bags before 12") != std::string::npos);

  const auto refused = [&](const auto& fill) {
    io::PickleWriter pickle;
    pickle.begin_dict();
    fill(pickle);
    pickle.end_dict();
    test::write_text(folder / "ids.pkl", std::move(pickle).finish());
    CHECK(test::error_of([&] { bags::read_clusters(folder / "ids.pkl"); }, &message) == ErrorCode::Corrupt);
    return message;
  };
  CHECK(refused([](io::PickleWriter& pickle) {
          pickle.text("a.pt");
          Array ids = Array::of<std::int32_t>({2});
          ids.as_mutable<std::int32_t>()[1] = 10;
          pickle.array(ids);
        }).find("a.pt: patch 1 is in cluster 10: 0 to 9 are possible") != std::string::npos);
  CHECK(refused([](io::PickleWriter& pickle) {
          pickle.text("a.pt");
          pickle.array(Array::of<float>({2, 2}));
        }).find("no array of one dimension") != std::string::npos);
  CHECK(refused([](io::PickleWriter& pickle) {
          pickle.integer(3);
          pickle.array(Array::of<float>({2}));
        }).find("a key that is no name") != std::string::npos);
  write_tensor(folder / "cluster_centres.pt", Array::of<float>({9, 12}));
  CHECK(test::error_of([&] { bags::read_centres(folder / "cluster_centres.pt"); }) == ErrorCode::Corrupt);
}
