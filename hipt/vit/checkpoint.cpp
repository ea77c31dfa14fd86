#include "hipt/vit/checkpoint.h"

#include <algorithm>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/byte_file.h"
#include "hipt/io/safetensors.h"
#include "hipt/io/torch_file.h"
#include "hipt/vit/state_dict.h"

namespace hipt::vit {
namespace {

std::string key_text(const io::TorchValue& key) {
  if (const auto* const text = std::get_if<std::string>(&key.value)) return *text;
  if (const auto* const number = std::get_if<std::int64_t>(&key.value)) return std::to_string(*number);
  return "?";
}

// Walks a file's object and writes down its tensors and all else.
class Summariser {
 public:
  explicit Summariser(CheckpointSummary& summary) : summary_(summary) {}

  void walk(const std::string& name, const io::TorchValue& value) {
    if (const io::TorchDict* const dict = value.dict()) {
      for (const auto& [key, item] : *dict) walk(joined(name, key_text(key)), item);
    } else if (const Array* const tensor = value.tensor()) {
      summary_.tensors.push_back({name, tensor->dtype(), tensor->shape()});
    } else if (const auto* const list = std::get_if<io::TorchList>(&value.value);
               list != nullptr && holds_tensors(*list)) {
      for (std::size_t i = 0; i < list->size(); ++i) walk(joined(name, std::to_string(i)), (*list)[i]);
    } else {
      summary_.others.emplace_back(name, shown(value));
    }
  }

 private:
  static std::string joined(const std::string& name, const std::string& part) {
    return name.empty() ? part : fmt::format("{}.{}", name, part);
  }
  static bool holds_tensors(const io::TorchList& list) {
    return std::any_of(list.begin(), list.end(), [](const io::TorchValue& item) {
      const auto* const inner = std::get_if<io::TorchList>(&item.value);
      return item.dict() != nullptr || item.tensor() != nullptr || (inner != nullptr && holds_tensors(*inner));
    });
  }
  static std::string shown(const io::TorchValue& value) {
    struct Visitor {
      std::string operator()(std::monostate) const { return "None"; }
      std::string operator()(bool flag) const { return flag ? "True" : "False"; }
      std::string operator()(std::int64_t number) const { return std::to_string(number); }
      std::string operator()(double number) const { return fmt::format("{}", number); }
      std::string operator()(const std::string& text) const { return fmt::format("\"{}\"", text); }
      std::string operator()(const io::TorchOpaque& opaque) const { return opaque.class_name; }
      std::string operator()(const io::TorchList& list) const { return fmt::format("list of {}", list.size()); }
      std::string operator()(const std::shared_ptr<Array>&) const { return "tensor"; }
      std::string operator()(const std::shared_ptr<io::TorchDict>&) const { return "dict"; }
    };
    return std::visit(Visitor{}, value.value);
  }

  CheckpointSummary& summary_;
};

std::string torch_format(const std::filesystem::path& file) {
  const auto mapped = io::MappedFile::open(file);
  return !mapped->bytes().empty() && mapped->bytes()[0] == std::byte{'P'} ? "torch zip" : "torch legacy";
}

}  // namespace

CheckpointSummary summarise_checkpoint(const std::filesystem::path& file) {
  CheckpointSummary summary;
  if (io::is_safetensors_name(file)) {
    summary.format = "safetensors";
    for (const auto& [name, tensor] : io::read_safetensors(file)) {
      summary.tensors.push_back({name, tensor.dtype(), tensor.shape()});
    }
  } else {
    summary.format = torch_format(file);
    Summariser(summary).walk("", io::read_torch_file(file));
    if (summary.tensors.size() <= 1) return summary;  // a bag of features, or no tensors at all: no model to recognise
  }
  if (const auto model = recognise(read_state_dict(file))) summary.model = *model;
  return summary;
}

void export_safetensors(const std::filesystem::path& file, const Weights& weights) {
  std::vector<std::pair<std::string, const Array*>> tensors;
  for (const auto& [name, tensor] : weights.tensors) tensors.emplace_back(name, &tensor);
  io::AtomicFile atomic(file);
  io::write_safetensors(
      atomic.temporary_path(), tensors,
      {{"format", "pt"}, {"model", weights.config.name}, {"origin", weights.origin}, {"sha256", weights.sha256()}});
  atomic.commit();
}

}  // namespace hipt::vit
