#include "hipt/subtype/predict.h"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "hipt/bags/bag_files.h"
#include "hipt/bags/clusters.h"
#include "hipt/bags/graphs.h"
#include "hipt/base/error.h"
#include "hipt/base/sha256.h"
#include "hipt/base/text.h"
#include "hipt/io/csv.h"
#include "hipt/io/torch_file.h"
#include "hipt/mil/model.h"
#include "hipt/subtype/options.h"
#include "hipt/subtype/prediction_file.h"
#include "hipt/train/thread.h"

namespace hipt::subtype {
namespace {

namespace fs = std::filesystem;

// Models of one checkpoint, as many as threads ask for at once: one is not for two threads.
class ModelPool {
 public:
  explicit ModelPool(const fs::path& checkpoint) : state_(mil::read_checkpoint(checkpoint)) {
    with_context(checkpoint.string(), [&] {
      options_ = mil::options_of(state_);
      idle_.push_back(make());
    });
  }

  const mil::ModelOptions& options() const { return options_; }

  mil::ModelOutput predict(const mil::Bag& bag) {
    train::prepare_training_thread();
    std::unique_ptr<mil::Model> model = take();
    mil::ModelOutput output = model->predict(bag);
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(model));
    return output;
  }

 private:
  std::unique_ptr<mil::Model> make() const {
    train::prepare_training_thread();
    auto model = std::make_unique<mil::Model>(options_);
    model->load(state_);
    return model;
  }
  std::unique_ptr<mil::Model> take() {
    {
      const std::scoped_lock lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<mil::Model> model = std::move(idle_.back());
        idle_.pop_back();
        return model;
      }
    }
    return make();
  }

  const io::StateDict state_;
  mil::ModelOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<mil::Model>> idle_;
};

// Bags of the folder itself, or of what the model takes in a folder that hipt encode wrote.
std::vector<bags::BagFile> find_bags_for(const std::string& source, const mil::ModelOptions& model) {
  const cohort::StudyFolder study{source};
  fs::path features;
  if (model.type == mil::ModelType::HiptGp) {
    features = study.region_features("", "").parent_path();
  } else if (model.input_dim == 1024) {
    features = study.resnet_features("", "").parent_path();
  } else {
    features = study.patch_features("", "").parent_path();
  }
  std::error_code ignored;
  return bags::bags_in(fs::is_directory(features, ignored) ? features : fs::path(source));
}

// mi_fcn attends to clusters [1, 10]: each patch has that of its own [1, N].
Array of_patches(const Array& of_clusters, const std::vector<std::int64_t>& clusters) {
  Array values = Array::of<float>({1, std::ssize(clusters)});
  std::ranges::transform(clusters, values.as_mutable<float>().begin(), [&](std::int64_t cluster) {
    return of_clusters.as<float>()[static_cast<std::size_t>(cluster)];
  });
  return values;
}

// Whether dgcn was trained on graphs by place: a checkpoint of ours says so.
bool trained_on_places(const fs::path& checkpoint) {
  const std::optional<std::string> record = io::read_torch_record(checkpoint, "hipt.json");
  const auto trained = record ? cohort::Fingerprint::parse(*record) : std::nullopt;
  if (!trained) return false;
  const auto edges = trained->entries().find("edges");
  return edges != trained->entries().end() && edges->second == "spatial";
}

class Prediction {
 public:
  Prediction(const PredictOptions& options, bool no_auto_skip, RunContext& context)
      : save_dir_(options.save_dir),
        no_auto_skip_(no_auto_skip),
        context_(context),
        models_(options.predict),
        model_(models_.options()),
        class_names_(parts_between_commas(options.class_names)) {
    if (!class_names_.empty() && std::ssize(class_names_) != model_.classes) {
      throw Error(ErrorCode::InvalidArgument, fmt::format("--class_names: {} names, and the model has {} classes",
                                                          class_names_.size(), model_.classes));
    }
    made_by_.set("checkpoint_sha256", sha256_hex_of_file(options.predict));
    if (model_.type == mil::ModelType::MiFcn) read_centres(options.cluster_centres);
    edges_by_place_ = model_.type == mil::ModelType::Dgcn && trained_on_places(options.predict);
    for (const bags::BagFile& bag : find_bags_for(options.source, model_)) {
      source_.slides.push_back({.path = bag.file, .id = bag.slide_id, .mpp = {}, .cells = {}, .list_row = {}});
    }
  }

  cohort::BatchSummary run() {
    cohort::BatchOptions batch;
    batch.verb = "subtype";
    batch.options = {made_by_.entries().begin(), made_by_.entries().end()};
    batch.slides_in_flight = std::clamp<std::size_t>(context_.pool.size(), 1, source_.slides.size());
    cohort::BatchSummary summary =
        cohort::process_slides(source_, cohort::StudyFolder{save_dir_}, batch, context_,
                               [&](const cohort::SlideEntry& slide, const cohort::StillOurs& still_ours) {
                                 return predict(slide, still_ours);
                               });
    write_table();
    return summary;
  }

 private:
  void read_centres(const std::string& file) {
    if (file.empty()) {
      throw Error(ErrorCode::InvalidArgument,
                  "--cluster_centres: mi_fcn needs cluster_centres.pt of the cohort that it was trained on");
    }
    centres_ = bags::read_centres(file);
    made_by_.set("cluster_centres_sha256", sha256_hex_of_file(file));
  }

  void add_edges(const fs::path& file, mil::Bag& bag) {
    const std::int64_t neighbours = bags::GraphOptions().neighbours;
    Array edges;
    if (edges_by_place_) {
      const std::optional<Array> corners = bags::read_coordinates_of_bag(file, bag.features.dim(0));
      if (!corners) {
        throw Error(ErrorCode::NotFound,
                    fmt::format("{}: no coordinates lie beside it, and the model was trained on graphs by place",
                                file.string()));
      }
      edges = bags::nearest_by_place(*corners, neighbours);
    } else {
      edges = bags::nearest_by_features(bag.features, neighbours, context_);
    }
    const std::span<const std::int64_t> ends = edges.as<std::int64_t>();
    const std::size_t count = ends.size() / 2;
    for (std::size_t i = 0; i < count; ++i) bag.edges.push_back({ends[i], ends[count + i]});
  }

  cohort::Outcome predict(const cohort::SlideEntry& slide, const cohort::StillOurs& still_ours) {
    cohort::Outcome outcome;
    outcome.slide_id = slide.path.filename().string();
    cohort::Fingerprint now = made_by_;
    now.set("bag", sha256_hex(bags::identity_of_bag(slide.path)));
    const auto there = no_auto_skip_ ? std::nullopt : read_prediction(save_dir_, slide.id);
    if (there) {
      cohort::require_equal(prediction_file(save_dir_, slide.id), there->fingerprint, now);
      outcome.status = cohort::Status::AlreadyExist;
      return outcome;
    }
    mil::Bag bag;
    bag.features = bags::read_bag(slide.path);
    const BagMode mode = mode_of(model_.type);
    const bool are_patches_of_regions = bag.features.rank() == 3 && mode != BagMode::Pyramid && mode != BagMode::Region;
    if (are_patches_of_regions) {
      const Shape shape = bag.features.shape();
      bag.features = std::move(bag.features).reshaped({shape[0] * shape[1], shape[2]});
    }
    if (centres_) bag.clusters = bags::nearest_centres(bag.features, *centres_);
    if (model_.type == mil::ModelType::Dgcn) add_edges(slide.path, bag);
    mil::ModelOutput output = with_context(slide.path.string(), [&] { return models_.predict(bag); });
    if (centres_) {
      output.attention = of_patches(output.attention, bag.clusters);
      output.attention_scores = of_patches(output.attention_scores, bag.clusters);
    }
    const auto places = places_of_instances(slide.path, bag.features.dim(0), are_patches_of_regions);
    write_prediction(save_dir_, slide.id, model_.type, output, places, now, still_ours);
    outcome.summary = fmt::format("class {}", output.prediction);
    if (!places) outcome.reason = "no coordinates lie beside its features: no .geojson";
    return outcome;
  }

  // Of every slide that this model has predicted, in this run or an earlier one.
  void write_table() const {
    const auto name = [&](std::int64_t label) {
      return class_names_.empty() ? fmt::format("{}", label) : class_names_[static_cast<std::size_t>(label)];
    };
    io::CsvTable table{{"slide_id", "prediction"}, {}};
    for (std::int64_t label = 0; label < model_.classes; ++label) {
      table.columns.push_back("probability_" + name(label));
    }
    for (const cohort::SlideEntry& slide : source_.slides) {
      const std::optional<RecordedPrediction> recorded = read_prediction(save_dir_, slide.id);
      if (!recorded || !is_of_this_model(*recorded)) continue;
      std::vector<std::string> row{
          slide.id, model_.classes > 1 ? name(recorded->prediction) : fmt::format("{}", recorded->prediction)};
      for (const float probability : recorded->probabilities) row.push_back(fmt::format("{}", probability));
      table.rows.push_back(std::move(row));
    }
    io::write_csv(save_dir_ / "predictions.csv", table);
  }

  bool is_of_this_model(const RecordedPrediction& recorded) const {
    if (!recorded.fingerprint || std::ssize(recorded.probabilities) != model_.classes) return false;
    if (recorded.prediction < 0 || recorded.prediction >= std::max<std::int64_t>(model_.classes, 2)) return false;
    const auto& entries = recorded.fingerprint->entries();
    return std::ranges::all_of(made_by_.entries(), [&](const auto& entry) {
      const auto found = entries.find(entry.first);
      return found != entries.end() && found->second == entry.second;
    });
  }

  fs::path save_dir_;
  bool no_auto_skip_;
  RunContext& context_;
  ModelPool models_;
  const mil::ModelOptions model_;
  std::vector<std::string> class_names_;
  cohort::Fingerprint made_by_;  // but for the bag
  std::optional<Array> centres_;
  bool edges_by_place_ = false;
  cohort::Source source_;
};

}  // namespace

cohort::BatchSummary predict_slides(const PredictOptions& options, bool no_auto_skip, RunContext& context) {
  if (options.source.empty()) throw Error(ErrorCode::InvalidArgument, "--source: name a folder of features");
  if (options.save_dir.empty()) throw Error(ErrorCode::InvalidArgument, "--save_dir: name a folder for predictions");
  return Prediction(options, no_auto_skip, context).run();
}

}  // namespace hipt::subtype
