#include "hipt/io/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/error.h"
#include "hipt/io/bool_bytes.h"
#include "hipt/io/byte_file.h"
#include "hipt/io/little_endian.h"

namespace hipt::io {
namespace {

constexpr std::size_t kLengthBytes = 8;                         // of the header's length, little-endian
constexpr std::uint64_t kMaxHeader = std::uint64_t{100} << 20;  // the reference implementation's limit
constexpr std::string_view kMetadataKey = "__metadata__";

struct SafetensorsType {
  DType dtype;
  std::string_view name;
};
constexpr std::array kSafetensorsTypes{
    SafetensorsType{DType::Float32, "F32"}, SafetensorsType{DType::Float64, "F64"},
    SafetensorsType{DType::Float16, "F16"}, SafetensorsType{DType::BFloat16, "BF16"},
    SafetensorsType{DType::Bool, "BOOL"},   SafetensorsType{DType::UInt8, "U8"},
    SafetensorsType{DType::Int8, "I8"},     SafetensorsType{DType::Int16, "I16"},
    SafetensorsType{DType::Int32, "I32"},   SafetensorsType{DType::Int64, "I64"},
};

struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::Float32;
  Shape shape;
  std::uint64_t begin = 0;  // bytes of the data part
  std::uint64_t end = 0;
};

[[noreturn]] void throw_corrupt_entry(const std::string& what) {
  throw Error(ErrorCode::Corrupt, what);
}

std::uint64_t unsigned_of(const nlohmann::json& value, std::string_view what) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
    throw_corrupt_entry(fmt::format("{} is not a size", what));
  }
  return value.get<std::uint64_t>();
}

DType safetensors_dtype(const nlohmann::json& value) {
  if (!value.is_string()) throw_corrupt_entry("dtype is not a text");
  for (const SafetensorsType& type : kSafetensorsTypes) {
    if (value.get_ref<const std::string&>() == type.name) return type.dtype;
  }
  throw Error(ErrorCode::Unsupported, fmt::format("dtype {}", value.get_ref<const std::string&>()));
}

SafetensorsEntry parse_entry(const std::string& name, const nlohmann::json& description) {
  return with_context(name, [&] {
    const auto field = [&](const char* key) -> const nlohmann::json& {
      if (!description.is_object() || !description.contains(key)) throw_corrupt_entry(fmt::format("has no {}", key));
      return description.at(key);
    };
    SafetensorsEntry entry{name, safetensors_dtype(field("dtype")), {}, 0, 0};
    const nlohmann::json& offsets = field("data_offsets");
    if (!field("shape").is_array() || !offsets.is_array() || offsets.size() != 2) {
      throw_corrupt_entry("shape or data_offsets is no list");
    }
    for (const nlohmann::json& size : field("shape")) {
      entry.shape.push_back(static_cast<std::int64_t>(unsigned_of(size, "a dimension")));
    }
    entry.begin = unsigned_of(offsets[0], "an offset");
    entry.end = unsigned_of(offsets[1], "an offset");
    const auto count = static_cast<std::uint64_t>(element_count(entry.shape));
    if (entry.end < entry.begin || (entry.end - entry.begin) / size_of(entry.dtype) != count ||
        (entry.end - entry.begin) % size_of(entry.dtype) != 0) {
      throw_corrupt_entry(fmt::format("shape {} of {} does not fill bytes {} to {}", to_string(entry.shape),
                                      to_string(entry.dtype), entry.begin, entry.end));
    }
    return entry;
  });
}

std::vector<SafetensorsEntry> parse_header(std::string_view header) {
  const auto json = nlohmann::json::parse(header, nullptr, false);
  if (!json.is_object()) throw_corrupt_entry("its header is not a JSON object");
  std::vector<SafetensorsEntry> entries;
  for (const auto& [name, description] : json.items()) {
    if (name != kMetadataKey) entries.push_back(parse_entry(name, description));
  }
  return entries;
}

// The tensors must follow each other from the first byte of the data to the last: no gaps, no bytes used twice.
void check_layout(std::vector<const SafetensorsEntry*> entries, std::uint64_t data_size) {
  std::sort(entries.begin(), entries.end(), [](const SafetensorsEntry* a, const SafetensorsEntry* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  std::uint64_t expected = 0;
  for (const SafetensorsEntry* const entry : entries) {
    if (entry->begin != expected) {
      throw_corrupt_entry(
          fmt::format("{} starts at byte {} where {} is expected", entry->name, entry->begin, expected));
    }
    expected = entry->end;
  }
  if (expected != data_size)
    throw_corrupt_entry(fmt::format("has {} bytes of data, its tensors {}", data_size, expected));
}

Array array_of(const SafetensorsEntry& entry, const std::shared_ptr<const MappedFile>& file, const std::byte* data) {
  const std::byte* const first = data + entry.begin;
  const std::size_t size = entry.end - entry.begin;
  const bool is_aligned = reinterpret_cast<std::uintptr_t>(first) % size_of(entry.dtype) == 0;
  const bool is_sound = entry.dtype != DType::Bool || are_bools({first, size});
  if (is_aligned && is_sound && size > 0) return Array::view(file, first, entry.dtype, entry.shape);
  Array copy(entry.dtype, entry.shape);
  if (size > 0) std::memcpy(copy.mutable_bytes(), first, size);
  normalise_bools(copy);
  return copy;
}

}  // namespace

bool is_safetensors_name(const std::filesystem::path& file) {
  return file.extension() == ".safetensors";
}

std::vector<std::pair<std::string, Array>> read_safetensors(const std::filesystem::path& file) {
  const auto mapped = MappedFile::open(file);
  return with_context(file.string(), [&] {
    const std::span<const std::byte> bytes = mapped->bytes();
    if (bytes.size() < kLengthBytes) throw_corrupt_entry("is too short for a safetensors file");
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < kLengthBytes; ++i) length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
    if (length > bytes.size() - kLengthBytes || length > kMaxHeader) {
      throw_corrupt_entry(fmt::format("is no safetensors file: a header of {} bytes", length));
    }
    const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
    const std::vector<SafetensorsEntry> entries = parse_header(header);
    std::vector<const SafetensorsEntry*> pointers;
    for (const SafetensorsEntry& entry : entries) pointers.push_back(&entry);
    check_layout(std::move(pointers), bytes.size() - kLengthBytes - length);
    std::vector<std::pair<std::string, Array>> tensors;
    for (const SafetensorsEntry& entry : entries) {
      tensors.emplace_back(entry.name, array_of(entry, mapped, bytes.data() + kLengthBytes + length));
    }
    return tensors;
  });
}

void write_safetensors(const std::filesystem::path& file,
                       const std::vector<std::pair<std::string, const Array*>>& tensors,
                       const std::vector<std::pair<std::string, std::string>>& metadata) {
  auto ordered = tensors;
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    const std::size_t a_size = size_of(a.second->dtype());
    const std::size_t b_size = size_of(b.second->dtype());
    return a_size != b_size ? a_size > b_size : a.first < b.first;
  });
  auto header = nlohmann::ordered_json::object();
  for (const auto& [key, text] : metadata) header[kMetadataKey][key] = text;
  std::uint64_t position = 0;
  for (const auto& [name, array] : ordered) {
    const auto type = std::find_if(kSafetensorsTypes.begin(), kSafetensorsTypes.end(),
                                   [&](const SafetensorsType& known) { return known.dtype == array->dtype(); });
    if (header.contains(name))
      throw Error(ErrorCode::InvalidArgument, fmt::format("{}: two tensors {}", file.string(), name));
    header[name] = {
        {"dtype", type->name}, {"shape", array->shape()}, {"data_offsets", {position, position + array->byte_size()}}};
    position += array->byte_size();
  }
  std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  ByteWriter writer(file);
  std::string length;
  append_little_endian(length, text.size(), static_cast<int>(kLengthBytes));
  writer.write(length);
  writer.write(text);
  for (const auto& [name, array] : ordered) writer.write({array->bytes(), array->byte_size()});
  writer.close();
}

}  // namespace hipt::io
