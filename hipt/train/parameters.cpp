#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/base/error.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/torch_file.h"
#include "hipt/train/parameters_torch.h"
#include "hipt/train/tensor_torch.h"

namespace hipt::train {

ParameterSet::ParameterSet(std::uint64_t seed) : generator_(at::make_generator<at::CPUGeneratorImpl>(seed)) {}

at::Tensor ParameterSet::add(std::string name, at::Tensor initial) {
  add_buffer(std::move(name), std::move(initial));
  entries_.back().is_buffer = false;
  return entries_.back().tensor.requires_grad_(true);
}

at::Tensor ParameterSet::add_buffer(std::string name, at::Tensor initial) {
  const auto is_taken = [&](const Entry& entry) { return entry.name == name; };
  if (std::ranges::any_of(entries_, is_taken)) {
    throw Error(ErrorCode::Internal, fmt::format("two parameters are called {}", name));
  }
  entries_.push_back({std::move(name), std::move(initial), true});
  return entries_.back().tensor;
}

void ParameterSet::reseed(std::uint64_t seed) {
  generator_.set_current_seed(seed);
}

void ParameterSet::freeze(std::string_view prefix) {
  for (Entry& entry : entries_) {
    if (!entry.is_buffer && entry.name.starts_with(prefix)) entry.tensor.requires_grad_(false);
  }
}

std::vector<at::Tensor> ParameterSet::trainable() const {
  std::vector<at::Tensor> tensors;
  for (const Entry& entry : entries_) {
    if (entry.tensor.requires_grad()) tensors.push_back(entry.tensor);
  }
  return tensors;
}

io::ParameterShapes ParameterSet::shapes(std::string_view prefix) const {
  io::ParameterShapes shapes;
  for (const Entry& entry : entries_) {
    if (entry.is_buffer || !entry.name.starts_with(prefix)) continue;
    shapes.emplace_back(entry.name.substr(prefix.size()), entry.tensor.sizes().vec());
  }
  return shapes;
}

void ParameterSet::load(const io::StateDict& state, std::string_view prefix) {
  io::ParameterShapes expected = shapes(prefix);
  for (const Entry& entry : entries_) {
    const std::string name = entry.name.starts_with(prefix) ? entry.name.substr(prefix.size()) : std::string();
    if (entry.is_buffer && state.tensors.contains(name)) expected.emplace_back(name, entry.tensor.sizes().vec());
  }
  const std::vector<std::string> found = io::differences(state, expected);
  if (!found.empty()) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("the weights do not fit the model: {}", fmt::join(found, "; ")));
  }
  const at::NoGradGuard no_gradients;
  for (Entry& entry : entries_) {
    if (!entry.name.starts_with(prefix)) continue;
    const auto tensor = state.tensors.find(entry.name.substr(prefix.size()));
    if (tensor != state.tensors.end()) entry.tensor.copy_(to_tensor(*tensor->second));
  }
}

void ParameterSet::save(const std::filesystem::path& file,
                        std::vector<std::pair<std::string, std::string>> records) const {
  std::vector<Array> arrays;
  arrays.reserve(entries_.size());
  std::vector<std::pair<std::string, const Array*>> named;
  for (const Entry& entry : entries_) named.emplace_back(entry.name, &arrays.emplace_back(to_array(entry.tensor)));
  io::AtomicFile output(file);
  io::write_torch_tensors(output.temporary_path(), named, std::move(records));
  output.commit();
}

}  // namespace hipt::train
