#include <cstring>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/io/byte_file.h"
#include "hipt/io/pickle.h"
#include "hipt/io/pickle_file.h"
#include "hipt/io/utf32.h"

namespace hipt::io {
namespace {

constexpr int kMaxPlainDepth = 32;  // of dicts and lists in each other; values may point in circles

template <class T>
const T* part(const std::vector<PickleValue*>& items, std::size_t i) {
  return i < items.size() ? std::get_if<T>(&items[i]->data) : nullptr;
}

struct NumpyType {
  std::optional<DType> dtype;   // nothing for text
  std::size_t text_length = 0;  // characters of four bytes
};

// numpy.dtype("f4", False, True) with its state (3, "<", ...): little-endian numbers and texts.
std::optional<NumpyType> numpy_type(const PickleObject& object) {
  const std::string* const code = part<std::string>(object.arguments, 0);
  if (object.class_name != "numpy.dtype" || code == nullptr || object.state == nullptr) return std::nullopt;
  const auto* const state = std::get_if<PickleTuple>(&object.state->data);
  const std::string* const order = state != nullptr ? part<std::string>(state->items, 1) : nullptr;
  if (order == nullptr || *order == ">") return std::nullopt;
  static constexpr std::pair<std::string_view, DType> kTypes[] = {
      {"f8", DType::Float64}, {"f4", DType::Float32}, {"f2", DType::Float16},
      {"i8", DType::Int64},   {"i4", DType::Int32},   {"i2", DType::Int16},
      {"i1", DType::Int8},    {"u1", DType::UInt8},   {"b1", DType::Bool}};
  for (const auto& [name, dtype] : kTypes) {
    if (*code == name) return NumpyType{dtype, 0};
  }
  if (code->starts_with('U') && code->size() <= 7) {
    std::size_t length = 0;
    for (const char digit : code->substr(1)) {
      if (digit < '0' || digit > '9') return std::nullopt;
      length = 10 * length + static_cast<std::size_t>(digit - '0');
    }
    return NumpyType{std::nullopt, length};
  }
  return std::nullopt;
}

// NumPy fills a text up with zeros.
std::string text_of_memory(std::string_view memory) {
  std::u32string characters(memory.size() / sizeof(char32_t), U'\0');
  std::memcpy(characters.data(), memory.data(), characters.size() * sizeof(char32_t));
  characters.resize(characters.find_last_not_of(U'\0') + 1);
  return utf8_of(characters);
}

// The array or text of `type` whose memory is `data`; nothing when the sizes do not fit.
std::optional<TorchValue> numpy_value(const NumpyType& type, const Shape& shape, std::string_view data) {
  const auto count = static_cast<std::size_t>(element_count(shape));
  const std::size_t size = type.dtype ? size_of(*type.dtype) : 4 * type.text_length;
  if (size == 0 || data.size() % size != 0 || data.size() / size != count) return std::nullopt;
  if (!type.dtype) {
    if (count != 1) return std::nullopt;
    return TorchValue{text_of_memory(data)};
  }
  auto array = std::make_shared<Array>(*type.dtype, shape);
  if (!data.empty()) std::memcpy(array->mutable_bytes(), data.data(), data.size());
  if (*type.dtype == DType::Bool) {
    for (const char byte : data) {
      if (byte != 0 && byte != 1) return std::nullopt;
    }
  }
  return TorchValue{std::move(array)};
}

std::optional<TorchValue> numpy_array(const PickleTuple* dimensions, const PickleObject* type_object, bool fortran,
                                      const std::string* data) {
  if (dimensions == nullptr || type_object == nullptr || data == nullptr) return std::nullopt;
  Shape shape;
  for (std::size_t i = 0; i < dimensions->items.size(); ++i) {
    const auto* const dimension = part<std::int64_t>(dimensions->items, i);
    if (dimension == nullptr) return std::nullopt;
    shape.push_back(*dimension);
  }
  const std::optional<NumpyType> type = numpy_type(*type_object);
  if (!type || (fortran && shape.size() > 1)) return std::nullopt;
  return numpy_value(*type, shape, *data);
}

// An ndarray: by _reconstruct and its state (version, shape, dtype, is Fortran's order, memory), or, from protocol 5
// on, by _frombuffer(memory, dtype, shape, order).
std::optional<TorchValue> numpy_array(const PickleObject& object) {
  const std::vector<PickleValue*>& given = object.arguments;
  if (object.class_name.ends_with(".numeric._frombuffer")) {
    const auto* const order = part<std::string>(given, 3);
    return numpy_array(part<PickleTuple>(given, 2), part<PickleObject>(given, 1), order == nullptr || *order != "C",
                       part<std::string>(given, 0));
  }
  if (!object.class_name.ends_with(".multiarray._reconstruct") || object.state == nullptr) return std::nullopt;
  const auto* const state = std::get_if<PickleTuple>(&object.state->data);
  if (state == nullptr) return std::nullopt;
  const auto* const fortran = part<bool>(state->items, 3);
  return numpy_array(part<PickleTuple>(state->items, 1), part<PickleObject>(state->items, 2),
                     fortran == nullptr || *fortran, part<std::string>(state->items, 4));
}

// numpy.core.multiarray.scalar(dtype, memory).
std::optional<TorchValue> numpy_scalar(const PickleObject& object) {
  if (!object.class_name.ends_with(".multiarray.scalar")) return std::nullopt;
  const auto* const type_object = part<PickleObject>(object.arguments, 0);
  const auto* const data = part<std::string>(object.arguments, 1);
  if (type_object == nullptr || data == nullptr) return std::nullopt;
  const std::optional<NumpyType> type = numpy_type(*type_object);
  if (!type) return std::nullopt;
  std::optional<TorchValue> value = numpy_value(*type, {}, *data);
  if (!value || value->tensor() == nullptr) return value;
  const Array& array = *value->tensor();
  if (array.dtype() == DType::Float64) return TorchValue{array.as<double>()[0]};
  if (array.dtype() == DType::Int64) return TorchValue{array.as<std::int64_t>()[0]};
  if (array.dtype() == DType::Bool) return TorchValue{array.bytes()[0] != std::byte{0}};
  return TorchValue{static_cast<double>(array.to_float32().as<float>()[0])};
}

// Copies what the machine read; a value that is met often is copied as often, within the budget.
class PlainValues {
 public:
  TorchValue of(const PickleValue& value, int depth = 0) {
    if (depth > kMaxPlainDepth) throw Error(ErrorCode::Unsupported, "containers in each other more than 32 deep");
    if (++values_ > kMaxPickleValues) throw Error(ErrorCode::Unsupported, "values that repeat each other without end");
    return std::visit([&](const auto& data) { return convert(data, depth); }, value.data);
  }

 private:
  TorchValue convert(const std::string& text, int) {
    bytes_ += text.size();
    if (bytes_ > kMaxPickleBytes) throw Error(ErrorCode::Unsupported, "texts that repeat each other without end");
    return {text};
  }
  TorchValue convert(const PickleTuple& tuple, int depth) { return list(tuple.items, depth); }
  TorchValue convert(const PickleList& items, int depth) { return list(items.items, depth); }
  TorchValue convert(const PickleDict& dict, int depth) {
    auto entries = std::make_shared<TorchDict>();
    for (const auto& [key, value] : dict.entries) entries->emplace_back(of(*key, depth + 1), of(*value, depth + 1));
    return {std::move(entries)};
  }
  TorchValue convert(const PickleObject& object, int) {
    std::optional<TorchValue> value = numpy_array(object);
    if (!value) value = numpy_scalar(object);
    if (!value) return {TorchOpaque{object.class_name}};
    if (const Array* const array = value->tensor()) bytes_ += array->byte_size();
    if (bytes_ > kMaxPickleBytes) throw Error(ErrorCode::Unsupported, "arrays that repeat each other without end");
    return std::move(*value);
  }
  TorchValue convert(const PickleGlobal& global, int) { return {TorchOpaque{global.name}}; }
  TorchValue convert(const std::shared_ptr<const PickleStorage>&, int) { return {TorchOpaque{"torch storage"}}; }
  TorchValue convert(const std::shared_ptr<const PickleTensor>&, int) { return {TorchOpaque{"torch tensor"}}; }
  TorchValue convert(std::monostate, int) { return {std::monostate{}}; }
  TorchValue convert(bool value, int) { return {value}; }
  TorchValue convert(std::int64_t value, int) { return {value}; }
  TorchValue convert(double value, int) { return {value}; }

  TorchValue list(const std::vector<PickleValue*>& items, int depth) {
    TorchList values;
    for (const PickleValue* item : items) values.push_back(of(*item, depth + 1));
    return {std::move(values)};
  }

  std::size_t values_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

TorchValue read_pickle_file(const std::filesystem::path& file) {
  return with_context(file.string(), [&] {
    const auto mapped = MappedFile::open(file);
    if (mapped->bytes().size() > kMaxPickleBytes) {
      throw Error(ErrorCode::Unsupported, fmt::format("a pickle of {} bytes", mapped->bytes().size()));
    }
    PickleArena arena;
    return PlainValues().of(*PickleMachine(mapped->bytes(), arena).load());
  });
}

}  // namespace hipt::io
