#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <set>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/io/bool_bytes.h"
#include "hipt/io/byte_file.h"
#include "hipt/io/pickle.h"
#include "hipt/io/torch_file.h"
#include "hipt/io/zip_reader.h"

namespace hipt::io {
namespace {

constexpr std::string_view kZipMagic = "PK\x03\x04";
constexpr std::string_view kLegacyMagic = "int 0x1950a86a20f9469cfc6c";  // as PickleMachine shows a long integer
constexpr std::int64_t kLegacyProtocol = 1001;
constexpr int kMaxDepth = 100;  // of containers in containers
// A value that many places share is converted for each: these bound what nested sharing can multiply to.
constexpr std::uint64_t kMaxValues = 4 * kMaxPickleValues;
constexpr std::uint64_t kMaxTextBytes = 2 * kMaxPickleBytes;
// Tensors that are no plain view of the file are copied: strided, byte-swapped or expanded ones. Together they may fill
// this many times the file, so that a stride of zero does not turn a byte into a gigabyte.
constexpr std::uint64_t kMaxCopyRatio = 16;
constexpr std::uint64_t kMinCopyBytes = 1 << 20;

// A file's object with what its tensors need.
struct TorchObject {
  std::shared_ptr<const MappedFile> file;
  PickleArena arena;
  const PickleValue* root = nullptr;
  bool is_big_endian = false;
  ZipRecords storages;  // by key
};

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

const PickleTensor* as_tensor(const PickleValue& value) {
  const auto* const tensor = std::get_if<std::shared_ptr<const PickleTensor>>(&value.data);
  return tensor == nullptr ? nullptr : tensor->get();
}

// Every value that `root` reaches, each once.
std::set<const PickleValue*> reachable(const PickleValue* root) {
  std::set<const PickleValue*> seen;
  std::vector<const PickleValue*> waiting{root};
  while (!waiting.empty()) {
    const PickleValue* const value = waiting.back();
    waiting.pop_back();
    if (!seen.insert(value).second) continue;
    if (const auto* const dict = std::get_if<PickleDict>(&value->data)) {
      for (const auto& [key, item] : dict->entries) waiting.insert(waiting.end(), {key, item});
    } else if (const auto* const list = std::get_if<PickleList>(&value->data)) {
      waiting.insert(waiting.end(), list->items.begin(), list->items.end());
    } else if (const auto* const tuple = std::get_if<PickleTuple>(&value->data)) {
      waiting.insert(waiting.end(), tuple->items.begin(), tuple->items.end());
    }
  }
  return seen;
}

// Turns the machine's values into a tree of TorchValue, tensors into arrays.
class TorchConverter {
 public:
  explicit TorchConverter(const TorchObject& object)
      : object_(object), copy_bytes_left_(kMaxCopyRatio * object.file->bytes().size() + kMinCopyBytes) {}

  TorchValue convert(const PickleValue& value, int depth = 0);

 private:
  std::shared_ptr<TorchDict> convert_dict(const PickleValue& value, const PickleDict& dict, int depth);
  const std::string& spend(const std::string& text);
  TorchList convert_list(const std::vector<PickleValue*>& items, int depth);
  std::shared_ptr<Array> convert_tensor(const PickleValue& value, const PickleTensor& tensor);
  Array materialise(const PickleTensor& tensor);
  std::span<const std::byte> bytes_of(const PickleStorage& storage, std::shared_ptr<const void>& owner) const;

  const TorchObject& object_;
  std::uint64_t values_left_ = kMaxValues;
  std::uint64_t text_bytes_left_ = kMaxTextBytes;
  std::uint64_t copy_bytes_left_;
  std::map<const PickleValue*, std::shared_ptr<TorchDict>> dicts_;
  std::map<const PickleValue*, std::shared_ptr<Array>> tensors_;
};

TorchValue TorchConverter::convert(const PickleValue& value, int depth) {
  if (depth > kMaxDepth) throw Error(ErrorCode::Corrupt, fmt::format("containers nested more than {} deep", kMaxDepth));
  if (values_left_-- == 0) throw Error(ErrorCode::Corrupt, "shared containers multiply without end");
  struct Visitor {
    TorchConverter& self;
    const PickleValue& value;
    int depth;

    TorchValue operator()(std::monostate) const { return {}; }
    TorchValue operator()(bool flag) const { return {flag}; }
    TorchValue operator()(std::int64_t number) const { return {number}; }
    TorchValue operator()(double number) const { return {number}; }
    TorchValue operator()(const std::string& text) const { return {self.spend(text)}; }
    TorchValue operator()(const PickleTuple& tuple) const { return {self.convert_list(tuple.items, depth)}; }
    TorchValue operator()(const PickleList& list) const { return {self.convert_list(list.items, depth)}; }
    TorchValue operator()(const PickleDict& dict) const { return {self.convert_dict(value, dict, depth)}; }
    TorchValue operator()(const PickleGlobal& global) const { return {TorchOpaque{self.spend(global.name)}}; }
    TorchValue operator()(const PickleObject& object) const { return {TorchOpaque{self.spend(object.class_name)}}; }
    TorchValue operator()(const std::shared_ptr<const PickleStorage>& storage) const {
      return {TorchOpaque{storage->type_name}};
    }
    TorchValue operator()(const std::shared_ptr<const PickleTensor>& tensor) const {
      return {self.convert_tensor(value, *tensor)};
    }
  };
  return std::visit(Visitor{*this, value, depth}, value.data);
}

std::shared_ptr<TorchDict> TorchConverter::convert_dict(const PickleValue& value, const PickleDict& dict, int depth) {
  std::shared_ptr<TorchDict>& known = dicts_[&value];
  if (known) return known;
  auto entries = std::make_shared<TorchDict>();
  for (const auto& [key, item] : dict.entries) {
    TorchValue name = convert(*key, depth + 1);
    const std::string* const text = std::get_if<std::string>(&name.value);
    TorchValue content = with_context(text != nullptr ? *text : "entry", [&] { return convert(*item, depth + 1); });
    entries->emplace_back(std::move(name), std::move(content));
  }
  return known = entries;
}

const std::string& TorchConverter::spend(const std::string& text) {
  if (text.size() > text_bytes_left_) throw Error(ErrorCode::Corrupt, "shared texts multiply without end");
  text_bytes_left_ -= text.size();
  return text;
}

TorchList TorchConverter::convert_list(const std::vector<PickleValue*>& items, int depth) {
  TorchList list;
  for (const PickleValue* const item : items) list.push_back(convert(*item, depth + 1));
  return list;
}

std::shared_ptr<Array> TorchConverter::convert_tensor(const PickleValue& value, const PickleTensor& tensor) {
  std::shared_ptr<Array>& known = tensors_[&value];
  if (!known) known = std::make_shared<Array>(materialise(tensor));
  return known;
}

// The bytes of the storage's part.
std::span<const std::byte> TorchConverter::bytes_of(const PickleStorage& storage,
                                                    std::shared_ptr<const void>& owner) const {
  const auto found = object_.storages.find(storage.key);
  if (found == object_.storages.end()) {
    throw Error(ErrorCode::Corrupt, fmt::format("the file has no data for storage {}", storage.key));
  }
  const ZipRecord& record = found->second;
  if (record.bytes.size() < storage.numel * storage.element_size) {
    throw Error(ErrorCode::Corrupt, fmt::format("storage {} has {} bytes of {}", storage.key, record.bytes.size(),
                                                storage.numel * storage.element_size));
  }
  owner = record.owner;
  return record.bytes.subspan(storage.view_first * storage.element_size, storage.view_numel * storage.element_size);
}

bool is_contiguous(const PickleTensor& tensor) {
  std::int64_t expected = 1;
  for (std::size_t axis = tensor.shape.size(); axis-- > 0;) {
    if (tensor.shape[axis] != 1 && tensor.strides[axis] != expected) return false;
    expected *= tensor.shape[axis];
  }
  return true;
}

// Gathers a strided tensor's elements in row-major order.
void copy_strided(const PickleTensor& tensor, const std::byte* source, std::byte* out) {
  const std::size_t size = size_of(tensor.dtype);
  Shape index(tensor.shape.size(), 0);
  std::int64_t element = 0;
  for (std::int64_t left = element_count(tensor.shape); left > 0; --left) {
    std::memcpy(out, source + static_cast<std::size_t>(element) * size, size);
    out += size;
    for (std::size_t axis = index.size(); axis-- > 0;) {
      element += tensor.strides[axis];
      if (++index[axis] < tensor.shape[axis]) break;
      element -= tensor.strides[axis] * tensor.shape[axis];
      index[axis] = 0;
    }
  }
}

void swap_bytes(Array& array) {
  const std::size_t size = size_of(array.dtype());
  std::byte* const bytes = array.mutable_bytes();
  for (std::size_t i = 0; i < array.byte_size(); i += size) std::reverse(bytes + i, bytes + i + size);
}

Array TorchConverter::materialise(const PickleTensor& tensor) {
  if (element_count(tensor.shape) == 0) return Array(tensor.dtype, tensor.shape);
  std::shared_ptr<const void> owner;
  const std::size_t size = size_of(tensor.dtype);
  const std::span<const std::byte> storage = bytes_of(*tensor.storage, owner);
  const std::byte* const first = storage.data() + tensor.first * size;  // in bounds: check_extent
  const auto count = static_cast<std::uint64_t>(element_count(tensor.shape));
  const bool is_plain = is_contiguous(tensor);
  const bool is_native = size == 1 || object_.is_big_endian == (std::endian::native == std::endian::big);
  const bool is_aligned = reinterpret_cast<std::uintptr_t>(first) % size == 0;
  const bool is_sound = tensor.dtype != DType::Bool || (is_plain && are_bools({first, count}));
  if (is_plain && is_native && is_aligned && is_sound) return Array::view(owner, first, tensor.dtype, tensor.shape);

  if (count > copy_bytes_left_ / size) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("a tensor of shape {} expands a far smaller storage", to_string(tensor.shape)));
  }
  copy_bytes_left_ -= count * size;
  Array copy(tensor.dtype, tensor.shape);
  if (is_plain) {
    std::memcpy(copy.mutable_bytes(), first, copy.byte_size());
  } else {
    copy_strided(tensor, first, copy.mutable_bytes());
  }
  if (!is_native) swap_bytes(copy);
  normalise_bools(copy);
  return copy;
}

// The part of the object that is asked for: see read_torch_file.
const PickleValue* select(const PickleValue* root, std::span<const std::string_view> only) {
  const auto* const dict = std::get_if<PickleDict>(&root->data);
  if (dict == nullptr) return nullptr;
  for (const std::string_view name : only) {
    for (auto entry = dict->entries.rbegin(); entry != dict->entries.rend(); ++entry) {
      const std::string* const key = std::get_if<std::string>(&entry->first->data);
      if (key != nullptr && *key == name) return entry->second;
    }
  }
  return nullptr;
}

void load_zip(TorchObject& object, std::span<const std::string_view> only) {
  ZipRecords records = read_zip(object.file, [](std::string_view name) {
    return name == "data.pkl" || name == "byteorder" || name == "constants.pkl";
  });
  const auto pickle = records.find("data.pkl");
  if (pickle == records.end()) throw Error(ErrorCode::Corrupt, "a zip archive without data.pkl: not of torch.save");
  if (records.contains("constants.pkl")) {
    throw Error(ErrorCode::Unsupported, "a TorchScript archive: save its state_dict() with torch.save");
  }
  if (const auto order = records.find("byteorder"); order != records.end()) {
    const std::string_view text = text_of(order->second.bytes);
    if (text != "little" && text != "big") throw Error(ErrorCode::Corrupt, fmt::format("byte order \"{}\"", text));
    object.is_big_endian = text == "big";
  }
  object.root = PickleMachine(pickle->second.bytes, object.arena).load();

  constexpr std::string_view kDataFolder = "data/";
  const PickleValue* const selected = select(object.root, only);
  std::set<std::string, std::less<>> keys;
  for (const PickleValue* const value : reachable(selected != nullptr ? selected : object.root)) {
    if (const PickleTensor* const tensor = as_tensor(*value)) keys.insert(tensor->storage->key);
  }
  ZipRecords data = read_zip(object.file, [&](std::string_view name) {
    return name.starts_with(kDataFolder) && keys.contains(name.substr(kDataFolder.size()));
  });
  for (auto& [name, record] : data) object.storages.emplace(name.substr(kDataFolder.size()), std::move(record));
}

// Bytes of the file's storages by key, as the object's pickle names them.
std::map<std::string, std::size_t> element_sizes(const PickleArena& arena) {
  std::map<std::string, std::size_t> sizes;
  for (const PickleValue& value : arena) {
    if (const auto* const storage = std::get_if<std::shared_ptr<const PickleStorage>>(&value.data)) {
      sizes.emplace((*storage)->key, (*storage)->element_size);
    }
  }
  return sizes;
}

// Five pickles (magic, protocol, the writer's machine, object, keys of the storages), then for each storage its number
// of elements and its bytes. torch writes these little-endian whatever machine it says it ran on.
void load_legacy(TorchObject& object) {
  const std::span<const std::byte> bytes = object.file->bytes();
  std::size_t position = 0;
  const auto next_pickle = [&] {
    PickleMachine machine(bytes.subspan(position), object.arena);
    const PickleValue* const value = machine.load();
    position += machine.position();
    return value;
  };
  const PickleData magic = next_pickle()->data;
  const auto* const shown = std::get_if<PickleObject>(&magic);
  if (shown == nullptr || shown->class_name != kLegacyMagic)
    throw Error(ErrorCode::Corrupt, "is a pickle, but not of torch.save");
  const auto* const protocol = std::get_if<std::int64_t>(&next_pickle()->data);
  if (protocol == nullptr || *protocol != kLegacyProtocol)
    throw Error(ErrorCode::Unsupported, "another legacy protocol than 1001");
  next_pickle();
  object.root = next_pickle();
  const std::map<std::string, std::size_t> sizes = element_sizes(object.arena);
  const auto* const keys = std::get_if<PickleList>(&next_pickle()->data);
  if (keys == nullptr) throw Error(ErrorCode::Corrupt, "has no list of storages");

  for (const PickleValue* const item : keys->items) {
    const auto* const key = std::get_if<std::string>(&item->data);
    const auto size = key == nullptr ? sizes.end() : sizes.find(*key);
    if (size == sizes.end()) throw Error(ErrorCode::Corrupt, "lists a storage that its object does not use");
    std::uint64_t numel = 0;
    if (bytes.size() - position < sizeof(numel))
      throw Error(ErrorCode::Corrupt, fmt::format("ends before storage {}", *key));
    for (std::size_t i = 0; i < sizeof(numel); ++i)
      numel |= std::to_integer<std::uint64_t>(bytes[position + i]) << (8 * i);
    position += sizeof(numel);
    if (numel > (bytes.size() - position) / size->second) {
      throw Error(ErrorCode::Corrupt, fmt::format("ends within storage {} of {} elements", *key, numel));
    }
    object.storages.emplace(*key, ZipRecord{object.file, bytes.subspan(position, numel * size->second)});
    position += numel * size->second;
  }
}

void load_object(TorchObject& object, std::span<const std::string_view> only) {
  const std::string_view start =
      text_of(object.file->bytes().first(std::min<std::size_t>(24, object.file->bytes().size())));
  if (start.starts_with(kZipMagic)) return load_zip(object, only);
  if (start.starts_with('\x80')) return load_legacy(object);
  std::string shown;
  for (const char character : start) shown += character >= ' ' && character <= '~' ? character : '.';
  throw Error(ErrorCode::Corrupt, fmt::format("is not a file of torch.save: it starts with \"{}\"", shown));
}

}  // namespace

const TorchDict* TorchValue::dict() const {
  const auto* const pointer = std::get_if<std::shared_ptr<TorchDict>>(&value);
  return pointer == nullptr ? nullptr : pointer->get();
}

const Array* TorchValue::tensor() const {
  const auto* const pointer = std::get_if<std::shared_ptr<Array>>(&value);
  return pointer == nullptr ? nullptr : pointer->get();
}

const TorchValue* TorchValue::find(std::string_view key) const {
  const TorchDict* const entries = dict();
  if (entries == nullptr) return nullptr;
  for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry) {  // of equal keys the last counts
    const std::string* const text = std::get_if<std::string>(&entry->first.value);
    if (text != nullptr && *text == key) return &entry->second;
  }
  return nullptr;
}

TorchValue read_torch_file(const std::filesystem::path& file, std::span<const std::string_view> only) {
  TorchObject object;
  object.file = MappedFile::open(file);
  return with_context(file.string(), [&] {
    load_object(object, only);
    TorchConverter converter(object);
    const PickleValue* const selected = select(object.root, only);
    return converter.convert(selected != nullptr ? *selected : *object.root);
  });
}

std::optional<std::string> read_torch_record(const std::filesystem::path& file, std::string_view name) {
  const auto mapped = MappedFile::open(file);
  return with_context(file.string(), [&]() -> std::optional<std::string> {
    if (!text_of(mapped->bytes()).starts_with(kZipMagic)) return std::nullopt;
    const ZipRecords records = read_zip(mapped, [&](std::string_view entry) { return entry == name; });
    if (records.empty()) return std::nullopt;
    return std::string(text_of(records.begin()->second.bytes));
  });
}

}  // namespace hipt::io
