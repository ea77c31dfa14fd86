#include <bit>
#include <limits>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/io/pickle_file.h"
#include "hipt/io/pickle_opcodes.h"
#include "hipt/io/utf32.h"

namespace hipt::io {
namespace {

constexpr std::uint8_t kProtocol = 3;

// NumPy's name of the type: kind and bytes.
std::string numpy_code(DType dtype) {
  switch (dtype) {
    case DType::Float16:
    case DType::Float32:
    case DType::Float64:
      return fmt::format("f{}", size_of(dtype));
    case DType::Bool:
      return "b1";
    case DType::UInt8:
      return "u1";
    case DType::Int8:
    case DType::Int16:
    case DType::Int32:
    case DType::Int64:
      return fmt::format("i{}", size_of(dtype));
    case DType::BFloat16:
      break;
  }
  throw Error(ErrorCode::Unsupported, "NumPy has no bfloat16");
}

}  // namespace

PickleWriter::PickleWriter() {
  put({kProto, kProtocol});
}

void PickleWriter::put(std::initializer_list<std::uint8_t> codes) {
  append_opcodes(out_, codes);
}

void PickleWriter::begin_dict() {
  put({kEmptyDict, kMark});
}

void PickleWriter::end_dict() {
  put({kSetItems});
}

void PickleWriter::text(std::string_view utf8) {
  append_text(out_, utf8);
}

void PickleWriter::bytes(std::string_view data) {
  if (data.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorCode::Unsupported, "a pickled array of more than 4 GiB");
  }
  put({kBinBytes});
  append_little_endian(out_, data.size(), 4);
  out_ += data;
}

void PickleWriter::integer(std::int64_t value) {
  if (value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max()) {
    put({kBinInt});
    append_little_endian(out_, static_cast<std::uint64_t>(value), 4);
  } else {
    put({kLong1, sizeof(value)});
    append_little_endian(out_, static_cast<std::uint64_t>(value), 8);
  }
}

void PickleWriter::number(double value) {
  put({kBinFloat});  // big-endian
  std::string bits;
  append_little_endian(bits, std::bit_cast<std::uint64_t>(value), 8);
  out_.append(bits.rbegin(), bits.rend());
}

void PickleWriter::global(std::string_view module, std::string_view name) {
  append_global(out_, module, name);
}

// numpy.dtype(code, False, True) and its state.
void PickleWriter::data_type(std::string_view code, std::string_view order, std::int64_t size, std::int64_t alignment,
                             std::int64_t flags) {
  global("numpy", "dtype");
  text(code);
  put({kNewFalse, kNewTrue, kTuple3, kReduce, kMark});
  integer(3);
  text(order);
  put({kNone, kNone, kNone});
  integer(size);
  integer(alignment);
  integer(flags);
  put({kTuple, kBuild});
}

// numpy.core.multiarray is the name that every NumPy since 1.0 finds.
void PickleWriter::begin_array() {
  global("numpy.core.multiarray", "_reconstruct");
  global("numpy", "ndarray");
  integer(0);
  put({kTuple1});
  bytes("b");
  put({kTuple3, kReduce});
}

void PickleWriter::array(const Array& values) {
  const std::string code = numpy_code(values.dtype());
  begin_array();
  put({kMark});
  integer(1);  // version
  put({kMark});
  for (const std::int64_t dimension : values.shape()) integer(dimension);
  put({kTuple});
  data_type(code, size_of(values.dtype()) == 1 ? "|" : "<", -1, -1, 0);
  put({kNewFalse});  // not Fortran's order
  bytes({reinterpret_cast<const char*>(values.bytes()), values.byte_size()});
  put({kTuple, kBuild});
}

void PickleWriter::text_array(std::string_view utf8) {
  std::string wide;
  for (const char32_t character : utf32_of(utf8)) append_little_endian(wide, character, 4);
  if (wide.empty()) wide.assign(4, '\0');  // NumPy's shortest text is of one character
  const auto size = static_cast<std::int64_t>(wide.size());
  begin_array();
  put({kMark});
  integer(1);
  put({kEmptyTuple});
  data_type(fmt::format("U{}", size / 4), "<", size, 4, 8);
  put({kNewFalse});
  bytes(wide);
  put({kTuple, kBuild});
}

std::string PickleWriter::finish() && {
  put({kStop});
  return std::move(out_);
}

}  // namespace hipt::io
