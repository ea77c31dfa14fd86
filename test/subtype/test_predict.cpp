#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "hipt/bags/clusters.h"
#include "hipt/io/csv.h"
#include "hipt/io/hdf5.h"
#include "hipt/io/torch_file.h"
#include "hipt/mil/model.h"
#include "hipt/subtype/predict.h"

#include "test/support/support.h"

using namespace hipt;

namespace {

// Numbers in -1 .. 1 by a formula.
Array made_features(const Shape& shape, double seed) {
  Array features = Array::of<float>(shape);
  double phase = seed;
  for (float& value : features.as_mutable<float>()) {
    phase += 0.7548776662466927;
    phase -= std::floor(phase);
    value = static_cast<float>(2 * phase - 1);
  }
  return features;
}

void write_pt(const std::filesystem::path& file, const Array& features) {
  std::filesystem::create_directories(file.parent_path());
  io::TorchTensorWriter writer(file, features.dtype(), features.shape());
  writer.append({features.bytes(), features.byte_size()});
  writer.close();
}

// Corners on a row, side 512 at level 0, as CLAM's attributes say it.
void write_coordinates(const std::filesystem::path& file, std::int64_t count, std::int64_t side) {
  Array corners = Array::of<std::int64_t>({count, 2});
  for (std::int64_t i = 0; i < count; ++i) {
    corners.as_mutable<std::int64_t>()[static_cast<std::size_t>(2 * i)] = 1000 + i * side;
    corners.as_mutable<std::int64_t>()[static_cast<std::size_t>(2 * i + 1)] = 2000;
  }
  io::Hdf5File h5 = io::Hdf5File::create(file);
  h5.write_dataset("coords", corners);
  h5.write_attributes("coords", {{"patch_size", side / 2}, {"downsample", std::vector<double>{2.0, 2.0}}});
  h5.close();
}

subtype::PredictOptions options_of(const test::TemporaryFolder& folder, const std::filesystem::path& checkpoint) {
  subtype::PredictOptions options;
  options.predict = checkpoint.string();
  options.source = (folder / "bags").string();
  options.save_dir = (folder / "out").string();
  return options;
}

// A model that starts from its seed.
std::filesystem::path write_model(const test::TemporaryFolder& folder, const mil::ModelOptions& options) {
  std::filesystem::path file = folder / "checkpoint.pt";
  mil::Model(options).save(file);
  return file;
}

io::CsvTable table_of(const test::TemporaryFolder& folder) {
  return io::read_csv(folder / "out/predictions.csv");
}

}  // namespace

TEST_CASE("predict: CLAM's demonstration checkpoint on a slide without labels") {
  const auto checkpoint = test::shared_data("checkpoints/clam-demo-s_0_checkpoint.pt");
  if (!checkpoint) return test::skip("no ../shared/data/checkpoints/clam-demo-s_0_checkpoint.pt");
  const test::TemporaryFolder folder;
  const Array features = made_features({5, 1024}, 0.25);
  write_pt(folder / "bags/Präparat 1.pt", features);
  write_coordinates(folder / "bags/Präparat 1.h5", 5, 512);
  subtype::PredictOptions options = options_of(folder, *checkpoint);
  options.class_names = "normal,tumor";
  const cohort::BatchSummary summary = subtype::predict_slides(options, false, test::quiet_context());

  // The model's own words, which test/mil compares with the published program's.
  const mil::Model model = mil::load_model(*checkpoint);
  mil::Bag bag;
  bag.features = features.clone();
  const mil::ModelOutput expected = model.predict(bag);
  REQUIRE(summary.outcomes.size() == 1);
  CHECK(summary.outcomes[0].status == cohort::Status::Processed);

  const io::CsvTable table = table_of(folder);
  CHECK(table.columns == std::vector<std::string>{"slide_id", "prediction", "probability_normal", "probability_tumor"});
  REQUIRE(table.rows.size() == 1);
  CHECK(table.rows[0][0] == "Präparat 1");
  CHECK(table.rows[0][1] == (expected.prediction == 0 ? "normal" : "tumor"));
  const io::Hdf5File h5 = io::Hdf5File::open(folder / "out/attention/Präparat 1.h5");
  const Array attention = h5.read_dataset("attention");
  REQUIRE(attention.shape() == Shape{5, 1});
  CHECK(std::ranges::equal(attention.as<float>(), expected.attention.as<float>()));
  CHECK(h5.dataset_shape("attention_scores") == Shape{5, 1});
  CHECK(std::ranges::equal(h5.read_dataset("probabilities").as<float>(), expected.probabilities.as<float>()));
  CHECK(h5.read_dataset("coords").as<std::int64_t>()[8] == 1000 + 4 * 512);

  const auto json = nlohmann::json::parse(test::read_text(folder / "out/attention/Präparat 1.geojson"));
  REQUIRE(json["features"].size() == 5);
  const auto& square = json["features"][1];
  CHECK(square["geometry"]["coordinates"][0].dump() == "[[1512,2000],[2024,2000],[2024,2512],[1512,2512],[1512,2000]]");
  CHECK(square["properties"]["measurements"]["attention"].get<float>() == expected.attention.as<float>()[1]);
}

TEST_CASE("predict: DS-MIL's checkpoint without coordinates says so and writes no GeoJSON") {
  const auto checkpoint = test::shared_data("checkpoints/dsmil-c16_aggregator.pth");
  if (!checkpoint) return test::skip("no ../shared/data/checkpoints/dsmil-c16_aggregator.pth");
  const test::TemporaryFolder folder;
  write_pt(folder / "bags/a.pt", made_features({4, 512}, 0.5));
  const auto summary = subtype::predict_slides(options_of(folder, *checkpoint), false, test::quiet_context());
  REQUIRE(summary.outcomes.size() == 1);
  CHECK(summary.outcomes[0].reason.find("no coordinates") != std::string::npos);
  CHECK(!std::filesystem::exists(folder / "out/attention/a.geojson"));
  const io::Hdf5File h5 = io::Hdf5File::open(folder / "out/attention/a.h5");
  CHECK(!h5.has_dataset("coords"));
  CHECK(h5.dataset_shape("attention") == Shape{4, 1});
  CHECK(h5.dataset_shape("attention_scores") == Shape{4, 1});
  CHECK(h5.dataset_shape("instance_logits") == Shape{4, 1});
  CHECK(table_of(folder).columns == std::vector<std::string>{"slide_id", "prediction", "probability_0"});
}

TEST_CASE("predict: a second run leaves the bytes, a new bag is made otherwise, and a bad slide stops no other") {
  const test::TemporaryFolder folder;
  const auto checkpoint = write_model(folder, {.type = mil::ModelType::ClamMb, .classes = 3, .input_dim = 384});
  write_pt(folder / "bags/a.pt", made_features({6, 384}, 0.1));
  write_pt(folder / "bags/b.pt", made_features({6, 100}, 0.2));  // of another width
  write_pt(folder / "bags/c.pt", made_features({3, 384}, 0.3));
  const subtype::PredictOptions options = options_of(folder, checkpoint);
  auto summary = subtype::predict_slides(options, false, test::quiet_context());
  CHECK(summary.count(cohort::Status::Processed) == 2);
  CHECK(summary.count(cohort::Status::Failed) == 1);
  CHECK(table_of(folder).rows.size() == 2);
  CHECK(io::Hdf5File::open(folder / "out/attention/a.h5").dataset_shape("attention") == Shape{6, 3});
  const std::string before = test::read_text(folder / "out/attention/a.h5");

  summary = subtype::predict_slides(options, false, test::quiet_context());
  CHECK(summary.count(cohort::Status::AlreadyExist) == 2);
  CHECK(test::read_text(folder / "out/attention/a.h5") == before);
  summary = subtype::predict_slides(options, true, test::quiet_context());
  CHECK(summary.count(cohort::Status::Processed) == 2);
  CHECK(test::read_text(folder / "out/attention/a.h5") == before);

  write_pt(folder / "bags/a.pt", made_features({6, 384}, 0.4));
  summary = subtype::predict_slides(options, false, test::quiet_context());
  CHECK(summary.count(cohort::Status::Failed) == 2);
  CHECK(summary.outcomes[0].reason.find("--no_auto_skip") != std::string::npos);
}

TEST_CASE("predict: regions of hipt_lgp have attention each and their patches places in models of patches") {
  const test::TemporaryFolder folder;
  write_pt(folder / "bags/a.pt", made_features({2, 256, 384}, 0.1));
  write_coordinates(folder / "bags/a.h5", 2, 4096);
  for (const mil::ModelType type : {mil::ModelType::HiptLgp, mil::ModelType::ClamSb}) {
    const auto checkpoint = write_model(folder, {.type = type});
    subtype::PredictOptions options = options_of(folder, checkpoint);
    const auto summary = subtype::predict_slides(options, true, test::quiet_context());
    REQUIRE(summary.outcomes.size() == 1);
    CHECK(summary.outcomes[0].reason == "");
    const io::Hdf5File h5 = io::Hdf5File::open(folder / "out/attention/a.h5");
    const auto corners = h5.read_dataset("coords");
    if (type == mil::ModelType::HiptLgp) {
      CHECK(h5.dataset_shape("attention") == Shape{2, 1});
      CHECK(corners.shape() == Shape{2, 2});
    } else {
      CHECK(h5.dataset_shape("attention") == Shape{512, 1});
      // The second region's patch in row 1, column 2.
      CHECK(corners.as<std::int64_t>()[2 * (256 + 18)] == 1000 + 4096 + 2 * 256);
      CHECK(corners.as<std::int64_t>()[2 * (256 + 18) + 1] == 2000 + 256);
    }
  }
}

TEST_CASE("predict: every model says something of a slide") {
  const test::TemporaryFolder folder;
  const auto centres = folder / "cluster_centres.pt";
  write_pt(centres, made_features({bags::kClusters, 384}, 0.9));
  for (const auto& entry : mil::enum_names(mil::ModelType{})) {
    CAPTURE(entry.name);
    const bool takes_regions = entry.value == mil::ModelType::HiptN || entry.value == mil::ModelType::HiptLgp;
    const bool takes_vectors = entry.value == mil::ModelType::HiptGp;
    std::filesystem::remove_all(folder / "bags");
    write_pt(folder / "bags/a.pt", takes_regions   ? made_features({2, 256, 384}, 0.1)
                                   : takes_vectors ? made_features({2, 192}, 0.1)
                                                   : made_features({12, 384}, 0.1));
    mil::ModelOptions model{.type = entry.value};
    if (takes_vectors) model.input_dim = 192;
    subtype::PredictOptions options = options_of(folder, write_model(folder, model));
    options.cluster_centres = centres.string();
    if (!takes_regions && !takes_vectors) write_coordinates(folder / "bags/a.h5", 12, 512);
    const auto summary = subtype::predict_slides(options, true, test::quiet_context());
    REQUIRE(summary.outcomes.size() == 1);
    CHECK_MESSAGE(summary.outcomes[0].status == cohort::Status::Processed, summary.outcomes[0].reason);
    CHECK(table_of(folder).rows.size() == 1);
    const io::Hdf5File h5 = io::Hdf5File::open(folder / "out/attention/a.h5");
    if (h5.has_dataset("attention"))
      CHECK(h5.dataset_shape("attention")[0] == (takes_regions || takes_vectors ? 2 : 12));
  }
}

TEST_CASE("predict: what is missing is named") {
  const test::TemporaryFolder folder;
  write_pt(folder / "bags/a.pt", made_features({12, 384}, 0.1));
  subtype::PredictOptions options = options_of(folder, write_model(folder, {.type = mil::ModelType::MiFcn}));
  std::string message;
  const auto predict = [&] { subtype::predict_slides(options, false, test::quiet_context()); };
  CHECK(test::error_of(predict, &message) == ErrorCode::InvalidArgument);
  CHECK(message.find("--cluster_centres") != std::string::npos);
  options = options_of(folder, write_model(folder, {.type = mil::ModelType::Mil}));
  options.class_names = "one,two,three";
  CHECK(test::error_of(predict, &message) == ErrorCode::InvalidArgument);
  CHECK(message.find("--class_names") != std::string::npos);
  options.save_dir = "";
  CHECK(test::error_of(predict, &message) == ErrorCode::InvalidArgument);
  CHECK(message.find("--save_dir") != std::string::npos);
}
