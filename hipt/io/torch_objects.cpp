#include "hipt/io/torch_objects.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "hipt/base/error.h"

namespace hipt::io {
namespace {

constexpr std::size_t kMaxRank = 16;  // no model comes near

struct StorageType {
  std::string_view name;
  std::size_t element_size;
  std::optional<DType> dtype;
};
// The sizes of types that Array lacks are needed to step over them in the legacy format.
constexpr std::array kStorageTypes{
    StorageType{"torch.FloatStorage", 4, DType::Float32},
    StorageType{"torch.DoubleStorage", 8, DType::Float64},
    StorageType{"torch.HalfStorage", 2, DType::Float16},
    StorageType{"torch.BFloat16Storage", 2, DType::BFloat16},
    StorageType{"torch.BoolStorage", 1, DType::Bool},
    StorageType{"torch.ByteStorage", 1, DType::UInt8},
    StorageType{"torch.CharStorage", 1, DType::Int8},
    StorageType{"torch.ShortStorage", 2, DType::Int16},
    StorageType{"torch.IntStorage", 4, DType::Int32},
    StorageType{"torch.LongStorage", 8, DType::Int64},
    StorageType{"torch.UntypedStorage", 1, DType::UInt8},
    StorageType{"torch.storage.UntypedStorage", 1, DType::UInt8},
    StorageType{"torch.ComplexFloatStorage", 8, std::nullopt},
    StorageType{"torch.ComplexDoubleStorage", 16, std::nullopt},
    StorageType{"torch.QInt8Storage", 1, std::nullopt},
    StorageType{"torch.QUInt8Storage", 1, std::nullopt},
    StorageType{"torch.QUInt4x2Storage", 1, std::nullopt},
    StorageType{"torch.QUInt2x4Storage", 1, std::nullopt},
    StorageType{"torch.QInt32Storage", 4, std::nullopt},
};

// Reads the arguments of a call one by one.
class Arguments {
 public:
  Arguments(std::string_view function, const PickleTuple& tuple) : function_(function), items_(tuple.items) {}

  template <class T>
  const T& get(std::size_t index) const {
    if (index < items_.size()) {
      if (const T* const data = std::get_if<T>(&items_[index]->data)) return *data;
    }
    throw Error(ErrorCode::Corrupt, fmt::format("{}: argument {} is missing or of the wrong kind", function_, index));
  }
  bool has(std::size_t index) const {
    return index < items_.size() && !std::holds_alternative<std::monostate>(items_[index]->data);
  }
  std::uint64_t unsigned_at(std::size_t index) const {
    const std::int64_t value = get<std::int64_t>(index);
    if (value < 0) throw Error(ErrorCode::Corrupt, fmt::format("{}: argument {} is negative", function_, index));
    return static_cast<std::uint64_t>(value);
  }
  std::vector<std::int64_t> sizes_at(std::size_t index) const {
    const PickleTuple& tuple = get<PickleTuple>(index);
    if (tuple.items.size() > kMaxRank) {
      throw Error(ErrorCode::Corrupt, fmt::format("{}: {} dimensions", function_, tuple.items.size()));
    }
    std::vector<std::int64_t> sizes;
    for (std::size_t i = 0; i < tuple.items.size(); ++i) {
      sizes.push_back(static_cast<std::int64_t>(Arguments(function_, tuple).unsigned_at(i)));
    }
    return sizes;
  }

 private:
  std::string_view function_;
  const std::vector<PickleValue*>& items_;
};

// Throws Corrupt unless every element of the tensor lies in its storage's part.
void check_extent(const PickleTensor& tensor) {
  if (tensor.shape.size() != tensor.strides.size())
    throw Error(ErrorCode::Corrupt, "sizes and strides differ in number");
  if (element_count(tensor.shape) == 0) return;
  std::int64_t last = static_cast<std::int64_t>(tensor.first);
  bool overflow = false;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    std::int64_t reach = 0;
    overflow |= __builtin_mul_overflow(tensor.shape[i] - 1, tensor.strides[i], &reach);
    overflow |= __builtin_add_overflow(last, reach, &last);
  }
  const std::uint64_t held = tensor.storage->view_numel * tensor.storage->element_size / size_of(tensor.dtype);
  if (overflow || static_cast<std::uint64_t>(last) >= held) {
    throw Error(ErrorCode::Corrupt, fmt::format("a tensor of shape {} from element {} reaches beyond its storage of {}",
                                                to_string(tensor.shape), tensor.first, held));
  }
}

std::optional<DType> dtype_of_global(std::string_view name) {
  constexpr std::string_view kModule = "torch.";
  if (!name.starts_with(kModule)) return std::nullopt;
  for (const StorageType& type : kStorageTypes) {
    if (type.dtype && to_string(*type.dtype) == name.substr(kModule.size())) return type.dtype;
  }
  return std::nullopt;
}

// (storage, first element, sizes, strides, ...); the third version names a dtype over an untyped storage.
PickleData rebuild_tensor(const std::string& name, const PickleTuple& tuple) {
  const Arguments arguments(name, tuple);
  PickleTensor tensor;
  tensor.storage = arguments.get<std::shared_ptr<const PickleStorage>>(0);
  std::string type_name = tensor.storage->type_name;
  std::optional<DType> dtype = tensor.storage->dtype;
  if (name == "torch._utils._rebuild_tensor_v3") {
    type_name = arguments.get<PickleGlobal>(6).name;
    dtype = dtype_of_global(type_name);
  }
  if (!dtype) return PickleObject{fmt::format("tensor of {}", type_name), {}, nullptr};
  tensor.dtype = *dtype;
  tensor.first = arguments.unsigned_at(1);
  tensor.shape = arguments.sizes_at(2);
  tensor.strides = arguments.sizes_at(3);
  check_extent(tensor);
  return std::make_shared<const PickleTensor>(std::move(tensor));
}

// OrderedDict() or OrderedDict([[key, value], ...]), as Python 2 wrote it.
PickleData make_dict(const std::string& name, const PickleTuple& tuple) {
  PickleDict dict;
  if (name != "collections.OrderedDict" || tuple.items.empty()) return dict;
  auto* const items = std::get_if<PickleList>(&tuple.items[0]->data);
  if (items == nullptr) return PickleObject{name, {}, nullptr};
  // Taken from the list, not copied: a list that many calls name must not multiply.
  for (const PickleValue* const item : std::exchange(items->items, {})) {
    const auto* const list = std::get_if<PickleList>(&item->data);
    const auto* const pair = std::get_if<PickleTuple>(&item->data);
    const std::vector<PickleValue*>* const entry = list ? &list->items : pair ? &pair->items : nullptr;
    if (entry == nullptr || entry->size() != 2) throw Error(ErrorCode::Corrupt, "a dict entry that is no pair");
    dict.entries.emplace_back((*entry)[0], (*entry)[1]);
  }
  return dict;
}

}  // namespace

PickleData construct(const std::string& name, const PickleTuple& tuple) {
  if (name == "torch._utils._rebuild_tensor" || name == "torch._utils._rebuild_tensor_v2" ||
      name == "torch._utils._rebuild_tensor_v3") {
    return rebuild_tensor(name, tuple);
  }
  if (name == "torch._utils._rebuild_parameter" || name == "torch._utils._rebuild_parameter_with_state") {
    const Arguments arguments(name, tuple);
    if (tuple.items.empty() || std::holds_alternative<PickleObject>(tuple.items[0]->data))
      return PickleObject{name, {}, nullptr};
    return arguments.get<std::shared_ptr<const PickleTensor>>(0);
  }
  if (name == "torch._tensor._rebuild_from_type_v2") {  // (function, subclass of Tensor, its arguments, state)
    const Arguments arguments(name, tuple);
    const std::string& function = arguments.get<PickleGlobal>(0).name;
    if (function == name) throw Error(ErrorCode::Corrupt, fmt::format("{} calls itself", name));
    return construct(function, arguments.get<PickleTuple>(2));
  }
  if (name == "collections.OrderedDict" || name == "collections.defaultdict" || name == "builtins.dict" ||
      name == "__builtin__.dict") {
    return make_dict(name, tuple);
  }
  if (name == "torch.Size") {
    const PickleTuple& sizes = Arguments(name, tuple).get<PickleTuple>(0);
    if (sizes.items.size() > kMaxRank)
      throw Error(ErrorCode::Corrupt, fmt::format("{} dimensions", sizes.items.size()));
    return sizes;
  }
  return PickleObject{name, {}, nullptr};
}

PickleData persistent_object(const PickleValue& id) {
  const auto* const tuple = std::get_if<PickleTuple>(&id.data);
  if (tuple == nullptr) throw Error(ErrorCode::Corrupt, "a persistent id that is no tuple");
  const Arguments arguments("persistent id", *tuple);
  const std::string& kind = arguments.get<std::string>(0);
  if (kind == "module") return arguments.get<PickleGlobal>(1);  // ("module", class, source file, source)
  if (kind != "storage") throw Error(ErrorCode::Unsupported, fmt::format("persistent id of kind \"{}\"", kind));

  // ("storage", type, key, device, elements[, view]), a view being None or (key, first element, elements).
  PickleStorage storage;
  storage.type_name = arguments.get<PickleGlobal>(1).name;
  const auto type = std::find_if(kStorageTypes.begin(), kStorageTypes.end(),
                                 [&](const StorageType& known) { return known.name == storage.type_name; });
  if (type == kStorageTypes.end()) throw Error(ErrorCode::Unsupported, fmt::format("storage {}", storage.type_name));
  storage.dtype = type->dtype;
  storage.element_size = type->element_size;
  storage.key = arguments.get<std::string>(2);
  if (storage.key.size() > kMaxPickleName) throw Error(ErrorCode::Corrupt, "a storage key without end");
  storage.numel = storage.view_numel = arguments.unsigned_at(4);
  if (storage.numel > static_cast<std::uint64_t>(INT64_MAX) / storage.element_size) {
    throw Error(ErrorCode::Corrupt, fmt::format("storage {} of {} elements", storage.key, storage.numel));
  }
  if (arguments.has(5)) {
    const Arguments view("storage view", arguments.get<PickleTuple>(5));
    storage.view_first = view.unsigned_at(1);
    storage.view_numel = view.unsigned_at(2);
    if (storage.view_first > storage.numel || storage.view_numel > storage.numel - storage.view_first) {
      throw Error(ErrorCode::Corrupt, fmt::format("a view beyond the storage {}", storage.key));
    }
  }
  return std::make_shared<const PickleStorage>(std::move(storage));
}

}  // namespace hipt::io
