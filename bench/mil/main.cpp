// hipt_bench_mil DATA [--repeats N] [--threads N] [--models gated_attention,dsmil ...]: the house's models on MUSK1,
// MUSK2, Elephant, Fox and Tiger (DATA/<name>.csv), 10-fold, as Markdown. The models, their losses, step and optimiser
// are those that train on slides.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <exception>
#include <mutex>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/text.h"
#include "hipt/base/thread_pool.h"
#include "hipt/mil/model.h"
#include "hipt/mil/training_step.h"
#include "hipt/train/thread.h"

#include "bench/mil/benchmark_data.h"

namespace hipt::bench {
namespace {

constexpr std::int64_t kFolds = 10;
constexpr const char* kDataSets[] = {"musk1", "musk2", "elephant", "fox", "tiger"};
constexpr std::size_t kDataSetCount = std::size(kDataSets);

// Mean accuracy and its printed deviation, in the order of kDataSets.
struct Published {
  double mean;
  double deviation;
};

struct Contestant {
  std::string_view name;
  mil::ModelType type;
  std::string_view source;  // of the published numbers; "" for none
  Published published[kDataSetCount];
};

constexpr std::string_view kIlse = "published: Ilse et al. 2018";
constexpr std::string_view kLi = "published: Li et al. 2021";
constexpr Contestant kContestants[] = {
    {"gated attention",
     mil::ModelType::Amil,
     kIlse,
     {{0.900, 0.050}, {0.863, 0.042}, {0.857, 0.027}, {0.603, 0.029}, {0.845, 0.018}}},
    {"dsmil",
     mil::ModelType::Dsmil,
     kLi,
     {{0.932, 0.023}, {0.930, 0.020}, {0.925, 0.007}, {0.729, 0.018}, {0.869, 0.008}}},
    {"mil", mil::ModelType::Mil, "", {}},
    {"clam_sb", mil::ModelType::ClamSb, "", {}},
    {"clam_mb", mil::ModelType::ClamMb, "", {}},
    {"deepset", mil::ModelType::DeepSet, "", {}},
    {"mi_fcn", mil::ModelType::MiFcn, "", {}},
    {"dgcn", mil::ModelType::Dgcn, "", {}},
};

struct Settings {
  std::string data;
  std::int64_t repeats = 5;
  std::int64_t threads = 0;
  std::vector<std::string> models;  // empty: all
  std::int64_t epochs = 40;
  double learning_rate = 2e-4;  // with the weight decay: of dsmil's published program for these data sets
  double weight_decay = 5e-3;
};

// Of one fold of one repetition.
struct FoldResult {
  double last = 0.0;  // accuracy after the last epoch, the class of largest probability
  double best = 0.0;  // largest over the epochs, each at the threshold that suits the test part best
};

mil::TrainingOptions training_options(const Settings& settings, mil::ModelType type) {
  mil::TrainingOptions options;
  options.learning_rate = settings.learning_rate;
  options.weight_decay = settings.weight_decay;
  // The step divides the loss of all but CLAM by kAccumulatedBags. Adam does not see that; the decay has to follow.
  const bool divides = type != mil::ModelType::ClamSb && type != mil::ModelType::ClamMb;
  if (divides) options.weight_decay /= static_cast<double>(mil::kAccumulatedBags);
  return options;
}

// Accuracy where true positives less false positives are most, as dsmil's published program counts.
double accuracy_at_best_threshold(std::vector<std::pair<double, std::int64_t>> scored) {
  std::ranges::sort(scored, std::greater{});
  const auto positives = static_cast<double>(std::ranges::count(scored, 1, &std::pair<double, std::int64_t>::second));
  const double negatives = static_cast<double>(scored.size()) - positives;
  double best = 0.0;  // nothing called positive
  double correct = negatives;
  double hits = 0.0;
  double alarms = 0.0;
  for (std::size_t i = 0; i < scored.size(); ++i) {
    (scored[i].second == 1 ? hits : alarms) += 1.0;
    const bool is_threshold = i + 1 == scored.size() || scored[i + 1].first < scored[i].first;
    const double gain = hits / std::max(positives, 1.0) - alarms / std::max(negatives, 1.0);
    if (!is_threshold || gain <= best) continue;
    best = gain;
    correct = hits + negatives - alarms;
  }
  return correct / static_cast<double>(scored.size());
}

FoldResult run_fold(const BenchmarkData& data, const std::vector<std::vector<std::size_t>>& folds, std::size_t fold,
                    mil::ModelType type, std::int64_t seed, const Settings& settings) {
  train::prepare_training_thread();
  std::vector<std::size_t> order;
  for (std::size_t other = 0; other < folds.size(); ++other) {
    if (other != fold) order.insert(order.end(), folds[other].begin(), folds[other].end());
  }
  mil::ModelOptions options;
  options.type = type;
  options.seed = seed;
  options.input_dim = data.dim;
  mil::Model model(options);
  mil::TrainingStep step(model, training_options(settings, type));
  std::mt19937 random(static_cast<std::uint32_t>(seed));
  FoldResult result;
  for (std::int64_t epoch = 0; epoch < settings.epochs; ++epoch) {
    std::shuffle(order.begin(), order.end(), random);
    for (const std::size_t bag : order) step.train(data.bags[bag], data.labels[bag]);
    std::vector<std::pair<double, std::int64_t>> scored;
    std::size_t right = 0;
    for (const std::size_t bag : folds[fold]) {
      const mil::ModelOutput output = model.predict(data.bags[bag]);
      scored.emplace_back(static_cast<double>(output.probabilities.as<float>()[1]), data.labels[bag]);
      if (output.prediction == data.labels[bag]) ++right;
    }
    result.last = static_cast<double>(right) / static_cast<double>(folds[fold].size());
    result.best = std::max(result.best, accuracy_at_best_threshold(std::move(scored)));
  }
  return result;
}

struct Statistics {
  double mean = 0.0;
  double error = 0.0;  // standard error of the mean over folds
};

Statistics statistics(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0.0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / (count - 1) / count)};
}

struct Row {
  const Contestant* contestant = nullptr;
  std::vector<Statistics> last;
  std::vector<Statistics> best;
};

Row run_contestant(const Contestant& contestant, const std::vector<BenchmarkData>& data, const Settings& settings,
                   ThreadPool& pool) {
  Row row{&contestant, {}, {}};
  for (const BenchmarkData& set : data) {
    const auto count = static_cast<std::size_t>(settings.repeats * kFolds);
    std::vector<double> last(count);
    std::vector<double> best(count);
    pool.parallel_for(count, [&](std::size_t i) {
      const auto repeat = static_cast<std::uint32_t>(i / kFolds);
      const auto folds = stratified_folds(set.labels, kFolds, repeat + 1);
      const FoldResult result =
          run_fold(set, folds, i % kFolds, contestant.type, static_cast<std::int64_t>(i) + 1, settings);
      last[i] = result.last;
      best[i] = result.best;
    });
    row.last.push_back(statistics(last));
    row.best.push_back(statistics(best));
    fmt::print(stderr, "{} {}: {:.3f}, {:.3f}\n", contestant.name, set.name, row.last.back().mean,
               row.best.back().mean);
  }
  return row;
}

void print_table(std::string_view heading, const std::vector<Row>& rows, std::vector<Statistics> Row::* column) {
  fmt::print("\n{}\n\n| model |", heading);
  for (const char* const name : kDataSets) fmt::print(" {} |", name);
  fmt::print("\n|---|---|---|---|---|---|\n");
  for (const Row& row : rows) {
    fmt::print("| {} |", row.contestant->name);
    for (const Statistics& cell : row.*column) fmt::print(" {:.3f} ± {:.3f} |", cell.mean, cell.error);
    fmt::print("\n");
    if (row.contestant->source.empty()) continue;
    fmt::print("| {} |", row.contestant->source);
    for (const Published& cell : row.contestant->published) fmt::print(" {:.3f} ± {:.3f} |", cell.mean, cell.deviation);
    fmt::print("\n");
  }
}

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    parts.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return parts;
}

template <class Number>
Number number_of(std::string_view flag, std::string_view text) {
  const auto value = parse_number<Number>(text);
  if (!value || *value < 0) throw Error(ErrorCode::InvalidArgument, fmt::format("{} {}: no number", flag, text));
  return *value;
}

Settings parse(std::span<const std::string> words) {
  Settings settings;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].starts_with("--")) {
      settings.data = words[i];
      continue;
    }
    const std::string& flag = words[i];
    if (i + 1 == words.size()) throw Error(ErrorCode::InvalidArgument, flag + " needs a value");
    const std::string& value = words[++i];
    if (flag == "--repeats") {
      settings.repeats = std::max<std::int64_t>(1, number_of<std::int64_t>(flag, value));
    } else if (flag == "--threads") {
      settings.threads = number_of<std::int64_t>(flag, value);
    } else if (flag == "--epochs") {
      settings.epochs = std::max<std::int64_t>(1, number_of<std::int64_t>(flag, value));
    } else if (flag == "--lr") {
      settings.learning_rate = number_of<double>(flag, value);
    } else if (flag == "--reg") {
      settings.weight_decay = number_of<double>(flag, value);
    } else if (flag == "--models") {
      settings.models = split(value);
    } else {
      throw Error(ErrorCode::InvalidArgument, "no flag " + flag);
    }
  }
  if (settings.data.empty()) throw Error(ErrorCode::InvalidArgument, "name the folder of musk1.csv ... tiger.csv");
  return settings;
}

void run(const Settings& settings) {
  const auto threads = settings.threads > 0 ? static_cast<std::size_t>(settings.threads) : usable_cores();
  ThreadPool pool(threads, train::prepare_training_thread);
  RunContext context{pool, silent_log(), silent_progress(), {}};
  std::vector<BenchmarkData> data;
  for (const char* const name : kDataSets) {
    data.push_back(read_benchmark(std::filesystem::path(settings.data) / (std::string(name) + ".csv"), context));
  }
  std::vector<Row> rows;
  for (const Contestant& contestant : kContestants) {
    if (!settings.models.empty() && std::ranges::count(settings.models, contestant.name) == 0) continue;
    rows.push_back(run_contestant(contestant, data, settings, pool));
  }
  fmt::print("{} x {}-fold, {} epochs, Adam, learning rate {}, weight decay {}\n", settings.repeats, kFolds,
             settings.epochs, settings.learning_rate, settings.weight_decay);
  print_table("Accuracy after the last epoch, the class of largest probability:", rows, &Row::last);
  print_table("Best epoch and threshold chosen on the test part, as dsmil's program counts:", rows, &Row::best);
}

}  // namespace
}  // namespace hipt::bench

int main(int argc, char** argv) {
  try {
    hipt::bench::run(hipt::bench::parse(std::vector<std::string>(argv + 1, argv + argc)));
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "hipt_bench_mil: {}\n", error.what());
    return 1;
  }
}
