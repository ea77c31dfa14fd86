#include "hipt/io/npy.h"

#include <array>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/byte_file.h"

namespace hipt::io {
namespace {

constexpr std::string_view kNpyMagic = "\x93NUMPY";
constexpr std::size_t kNpyAlignment = 64;  // of the data within the file
constexpr std::size_t kMaxNpyRank = 32;    // numpy's own limit was 32 until version 2

struct NpyTypeName {
  DType dtype;
  std::string_view name;
};
constexpr std::array kNpyTypes{
    NpyTypeName{DType::Float32, "<f4"}, NpyTypeName{DType::Float64, "<f8"}, NpyTypeName{DType::Float16, "<f2"},
    NpyTypeName{DType::Bool, "|b1"},    NpyTypeName{DType::UInt8, "|u1"},   NpyTypeName{DType::Int8, "|i1"},
    NpyTypeName{DType::Int16, "<i2"},   NpyTypeName{DType::Int32, "<i4"},   NpyTypeName{DType::Int64, "<i8"},
};

[[noreturn]] void throw_corrupt_header(std::string_view text) {
  throw Error(ErrorCode::Corrupt, fmt::format("not a .npy header: {}", text.substr(0, 120)));
}

// What stands after "'key':" in the header's dictionary, which numpy writes with single quotes and fixed keys.
std::string_view header_value(std::string_view header, std::string_view key) {
  const std::string quoted = fmt::format("'{}':", key);
  const std::size_t at = header.find(quoted);
  if (at == std::string_view::npos) throw_corrupt_header(header);
  std::string_view value = header.substr(at + quoted.size());
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return value;
}

DType npy_dtype(std::string_view header) {
  const std::string_view value = header_value(header, "descr");
  if (value.starts_with('[')) throw Error(ErrorCode::Unsupported, "structured element types");
  const std::size_t end = value.find('\'', 1);
  if (!value.starts_with('\'') || end == std::string_view::npos) throw_corrupt_header(header);
  const std::string_view name = value.substr(1, end - 1);
  for (const NpyTypeName& known : kNpyTypes) {
    if (known.name == name) return known.dtype;
  }
  throw Error(ErrorCode::Unsupported, fmt::format("element type '{}'", name));
}

Shape npy_shape(std::string_view header) {
  std::string_view value = header_value(header, "shape");
  const std::size_t end = value.find(')');
  if (!value.starts_with('(') || end == std::string_view::npos) throw_corrupt_header(header);
  value = value.substr(1, end - 1);
  Shape shape;
  while (!value.empty()) {
    std::int64_t dimension = 0;
    const auto [next, failure] = std::from_chars(value.data(), value.data() + value.size(), dimension);
    if (failure != std::errc{} || dimension < 0 || shape.size() == kMaxNpyRank) throw_corrupt_header(header);
    shape.push_back(dimension);
    value.remove_prefix(static_cast<std::size_t>(next - value.data()));
    value.remove_prefix(std::min(value.find_first_not_of(", "), value.size()));
  }
  return shape;
}

Array parse_npy(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kNpyMagic) || text.size() < 12) throw Error(ErrorCode::Corrupt, "is not a .npy file");
  const int version = static_cast<unsigned char>(text[6]);
  if (version < 1 || version > 3) throw Error(ErrorCode::Unsupported, fmt::format("format version {}", version));
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  std::size_t header_size = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) {
    header_size |= std::size_t{static_cast<unsigned char>(text[8 + i])} << (8 * i);
  }
  const std::size_t start = 8 + length_bytes;
  if (header_size > text.size() - start) throw Error(ErrorCode::Corrupt, "the header is longer than the file");
  const std::string_view header = text.substr(start, header_size);
  const DType dtype = npy_dtype(header);
  Shape shape = npy_shape(header);
  if (header_value(header, "fortran_order").starts_with("True") && shape.size() > 1) {
    throw Error(ErrorCode::Unsupported, "Fortran order");
  }
  const std::span<const std::byte> data = bytes.subspan(start + header_size);
  const auto count = static_cast<std::size_t>(element_count(shape));
  if (count > data.size() / size_of(dtype)) {
    throw Error(ErrorCode::Corrupt, fmt::format("{} bytes of data, fewer than {} of {} need", data.size(),
                                                to_string(shape), to_string(dtype)));
  }
  Array array(dtype, std::move(shape));
  if (array.byte_size() > 0) std::memcpy(array.mutable_bytes(), data.data(), array.byte_size());
  return array;
}

}  // namespace

Array read_npy(const std::filesystem::path& file) {
  const auto mapped = MappedFile::open(file);
  return with_context(file.string(), [&] { return parse_npy(mapped->bytes()); });
}

void write_npy(const std::filesystem::path& file, const Array& array) {
  std::string_view name;
  for (const NpyTypeName& known : kNpyTypes) {
    if (known.dtype == array.dtype()) name = known.name;
  }
  if (name.empty()) {
    throw Error(ErrorCode::Unsupported, fmt::format("{}: .npy has no {}", file.string(), to_string(array.dtype())));
  }
  std::string shape;
  for (const std::int64_t dimension : array.shape()) shape += fmt::format("{}, ", dimension);
  if (array.rank() > 1) shape.resize(shape.size() - 2);
  if (array.rank() == 1) shape.pop_back();  // "(3,)"
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", name, shape);
  const std::size_t unpadded = kNpyMagic.size() + 4 + header.size() + 1;
  header.append((kNpyAlignment - unpadded % kNpyAlignment) % kNpyAlignment, ' ');
  header += '\n';

  AtomicFile atomic(file);
  ByteWriter writer(atomic.temporary_path());
  writer.write(kNpyMagic);
  const std::array<char, 4> version_and_size{1, 0, static_cast<char>(header.size() & 0xff),
                                             static_cast<char>(header.size() >> 8)};
  writer.write(std::string_view(version_and_size.data(), version_and_size.size()));
  writer.write(header);
  writer.write({array.bytes(), array.byte_size()});
  writer.close();
  atomic.commit();
}

}  // namespace hipt::io
