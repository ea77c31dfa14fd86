#include "hipt/subtype/memory.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace hipt::subtype {
namespace {

// The number after `name` in a file of "name: number kB" lines.
std::optional<std::int64_t> kilobytes_in(const std::filesystem::path& file, const std::string& name) {
  std::ifstream in(file);
  for (std::string key; in >> key;) {
    std::int64_t value = 0;
    if (key == name && in >> value) return value * 1024;
    std::getline(in, key);
  }
  return std::nullopt;
}

std::optional<std::int64_t> number_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::int64_t value = 0;
  return in >> value ? std::optional(value) : std::nullopt;
}

// What the control group (version 2, or 1) leaves; nothing where it sets no limit.
std::optional<std::int64_t> left_in_group() {
  const std::filesystem::path root = "/sys/fs/cgroup";
  auto limit = number_in(root / "memory.max"), used = number_in(root / "memory.current");
  if (!limit) limit = number_in(root / "memory/memory.limit_in_bytes");
  if (!used) used = number_in(root / "memory/memory.usage_in_bytes");
  if (!limit || !used) return std::nullopt;
  return std::max<std::int64_t>(*limit - *used, 0);
}

}  // namespace

std::int64_t available_memory_bytes() {
  constexpr std::int64_t kGuess = std::int64_t{2} << 30;
  const std::int64_t available = kilobytes_in("/proc/meminfo", "MemAvailable:").value_or(kGuess);
  return std::min(available, left_in_group().value_or(available));
}

std::int64_t training_bytes(const mil::ModelOptions& model, std::int64_t instances) {
  constexpr std::int64_t kProgram = std::int64_t{250} << 20;
  const std::int64_t row =
      4 * (model.input_dim + 4096);  // an instance and what the layers keep of it for the gradients
  switch (model.type) {
    case mil::ModelType::HiptLgp:
      if (!model.freeze_4k) return kProgram + instances * (std::int64_t{32} << 20);
      [[fallthrough]];
    case mil::ModelType::HiptGp:
      return kProgram + instances * row + 64 * instances * instances;
    case mil::ModelType::HiptN:
      return kProgram + instances * 256 * row;
    default:
      return kProgram + instances * row;
  }
}

}  // namespace hipt::subtype
