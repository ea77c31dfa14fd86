#include "hipt/evaluate/predictions.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/pickle_file.h"

namespace hipt::evaluate {
namespace {

// One slide's entry of the published dict.
void append_slide(Predictions& predictions, const std::string& id, const io::TorchValue& entry) {
  const io::TorchValue* const probability = entry.find("prob");
  const io::TorchValue* const label_value = entry.find("label");
  const Array* const values = probability != nullptr ? probability->tensor() : nullptr;
  if (values == nullptr || label_value == nullptr || values->empty()) {
    throw Error(ErrorCode::Corrupt, fmt::format("{}: has no array 'prob' and number 'label'", id));
  }
  const auto classes = static_cast<std::int64_t>(values->size());
  if (predictions.size() > 0 && classes != predictions.classes) {
    throw Error(ErrorCode::Corrupt,
                fmt::format("{}: {} classes, the slides before have {}", id, classes, predictions.classes));
  }
  predictions.classes = classes;
  double label = -1;
  if (const auto* const whole = std::get_if<std::int64_t>(&label_value->value)) label = static_cast<double>(*whole);
  if (const auto* const number = std::get_if<double>(&label_value->value)) label = *number;
  if (!(label >= 0 && label < static_cast<double>(classes)) || label != std::floor(label)) {
    throw Error(ErrorCode::Corrupt, fmt::format("{}: its label is none of {} classes", id, classes));
  }
  predictions.slide_ids.push_back(id);
  predictions.labels.push_back(static_cast<std::int64_t>(label));
  if (values->dtype() == DType::Float64) {
    predictions.probabilities.insert(predictions.probabilities.end(), values->as<double>().begin(),
                                     values->as<double>().end());
  } else {
    const Array numbers = values->to_float32();
    for (const float value : numbers.as<float>()) predictions.probabilities.push_back(static_cast<double>(value));
  }
}

}  // namespace

std::vector<double> Predictions::scores(std::int64_t label) const {
  std::vector<double> values(size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = probability(i, label);
  return values;
}

void check(const Predictions& predictions) {
  const auto fail = [](const std::string& what) { throw Error(ErrorCode::InvalidArgument, "predictions: " + what); };
  const auto classes = static_cast<std::size_t>(std::max<std::int64_t>(predictions.classes, 0));
  if (classes < 2) fail(fmt::format("{} classes; at least two are needed", predictions.classes));
  if (predictions.slide_ids.size() != predictions.size() ||
      predictions.probabilities.size() != predictions.size() * classes) {
    fail(fmt::format("{} slides, {} labels, {} probabilities of {} classes", predictions.slide_ids.size(),
                     predictions.size(), predictions.probabilities.size(), classes));
  }
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    if (predictions.labels[i] < 0 || predictions.labels[i] >= predictions.classes) {
      fail(fmt::format("{}: label {} of {} classes", predictions.slide_ids[i], predictions.labels[i], classes));
    }
    for (std::int64_t label = 0; label < predictions.classes; ++label) {
      if (!std::isfinite(predictions.probability(i, label))) {
        fail(fmt::format("{}: the probability of class {} is no number", predictions.slide_ids[i], label));
      }
    }
  }
}

void write_results_pickle(const std::filesystem::path& file, const Predictions& predictions) {
  check(predictions);
  io::PickleWriter writer;
  writer.begin_dict();
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    Array probability = Array::of<float>({1, predictions.classes});
    for (std::int64_t label = 0; label < predictions.classes; ++label) {
      probability.as_mutable<float>()[static_cast<std::size_t>(label)] =
          static_cast<float>(predictions.probability(i, label));
    }
    writer.text(predictions.slide_ids[i]);
    writer.begin_dict();
    writer.text("slide_id");
    writer.text_array(predictions.slide_ids[i]);
    writer.text("prob");
    writer.array(probability);
    writer.text("label");
    writer.integer(predictions.labels[i]);
    writer.end_dict();
  }
  writer.end_dict();
  io::write_text_file(file, std::move(writer).finish());
}

Predictions read_results_pickle(const std::filesystem::path& file) {
  const io::TorchValue value = io::read_pickle_file(file);
  return with_context(file.string(), [&] {
    const io::TorchDict* const slides = value.dict();
    if (slides == nullptr) throw Error(ErrorCode::Corrupt, "holds no dict of slides");
    Predictions predictions;
    for (const auto& [key, entry] : *slides) {
      const auto* const id = std::get_if<std::string>(&key.value);
      if (id == nullptr) throw Error(ErrorCode::Corrupt, "a slide's name is no text");
      append_slide(predictions, *id, entry);
    }
    check(predictions);
    return predictions;
  });
}

}  // namespace hipt::evaluate
