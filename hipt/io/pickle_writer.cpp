#include <bit>
#include <limits>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/io/pickle_file.h"

namespace hipt::io {
namespace {

// Opcodes, as Lib/pickletools.py of Python names them.
constexpr std::string_view kStart = "\x80\x03";  // PROTO 3
constexpr char kNewDict = '}';
constexpr char kMarkStart = '(';
constexpr char kMakeTuple = 't';

std::string little_endian(std::uint64_t value, int size) {
  std::string text;
  for (int i = 0; i < size; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

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

PickleWriter::PickleWriter() : out_(kStart) {}

void PickleWriter::begin_dict() {
  out_ += kNewDict;
  out_ += kMarkStart;
}

void PickleWriter::end_dict() {
  out_ += 'u';  // SETITEMS
}

void PickleWriter::text(std::string_view utf8) {
  out_ += 'X';  // BINUNICODE
  out_ += little_endian(utf8.size(), 4);
  out_ += utf8;
}

void PickleWriter::bytes(std::string_view data) {
  if (data.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorCode::Unsupported, "a pickled array of more than 4 GiB");
  }
  out_ += 'B';  // BINBYTES
  out_ += little_endian(data.size(), 4);
  out_ += data;
}

void PickleWriter::integer(std::int64_t value) {
  if (value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max()) {
    out_ += 'J';  // BININT
    out_ += little_endian(static_cast<std::uint64_t>(value), 4);
  } else {
    out_ += '\x8a';  // LONG1
    out_ += '\x08';
    out_ += little_endian(static_cast<std::uint64_t>(value), 8);
  }
}

void PickleWriter::number(double value) {
  out_ += 'G';  // BINFLOAT, big-endian
  const std::string bits = little_endian(std::bit_cast<std::uint64_t>(value), 8);
  out_.append(bits.rbegin(), bits.rend());
}

void PickleWriter::global(std::string_view module, std::string_view name) {
  out_ += 'c';  // GLOBAL
  out_ += module;
  out_ += '\n';
  out_ += name;
  out_ += '\n';
}

// numpy.dtype(code, False, True) and its state.
void PickleWriter::data_type(std::string_view code, std::string_view order, std::int64_t size, std::int64_t alignment,
                             std::int64_t flags) {
  global("numpy", "dtype");
  text(code);
  out_ += "\x89\x88\x87R";  // False, True, a tuple of three, REDUCE
  out_ += kMarkStart;
  integer(3);
  text(order);
  out_ += "NNN";
  integer(size);
  integer(alignment);
  integer(flags);
  out_ += kMakeTuple;
  out_ += 'b';  // BUILD
}

// numpy.core.multiarray is the name that every NumPy since 1.0 finds.
void PickleWriter::begin_array() {
  global("numpy.core.multiarray", "_reconstruct");
  global("numpy", "ndarray");
  integer(0);
  out_ += '\x85';  // (0,)
  bytes("b");
  out_ += "\x87R";
}

void PickleWriter::array(const Array& values) {
  const std::string code = numpy_code(values.dtype());
  begin_array();
  out_ += kMarkStart;
  integer(1);  // version
  out_ += kMarkStart;
  for (const std::int64_t dimension : values.shape()) integer(dimension);
  out_ += kMakeTuple;
  data_type(code, size_of(values.dtype()) == 1 ? "|" : "<", -1, -1, 0);
  out_ += '\x89';  // not Fortran's order
  bytes({reinterpret_cast<const char*>(values.bytes()), values.byte_size()});
  out_ += kMakeTuple;
  out_ += 'b';
}

void PickleWriter::text_array(std::string_view ascii) {
  std::string wide;  // UTF-32
  for (const char character : ascii) wide += little_endian(static_cast<unsigned char>(character), 4);
  if (wide.empty()) wide.assign(4, '\0');  // NumPy's shortest text is of one character
  const auto size = static_cast<std::int64_t>(wide.size());
  begin_array();
  out_ += kMarkStart;
  integer(1);
  out_ += ')';  // ()
  data_type(fmt::format("U{}", size / 4), "<", size, 4, 8);
  out_ += '\x89';
  bytes(wide);
  out_ += kMakeTuple;
  out_ += 'b';
}

std::string PickleWriter::finish() && {
  out_ += '.';
  return std::move(out_);
}

}  // namespace hipt::io
