#pragma once
// The part of Python's pickle that torch.save emits (protocols 2 to 5), read into plain values. Nothing is executed: a
// call is either one of the few known by name (torch_objects.h) or becomes a PickleObject that says what it would have
// called. Internal to hipt/io.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "hipt/base/array.h"

namespace hipt::io {

struct PickleValue;

struct PickleTuple {
  std::vector<PickleValue*> items;
};
struct PickleList {
  std::vector<PickleValue*> items;
};
struct PickleDict {
  std::vector<std::pair<PickleValue*, PickleValue*>> entries;
};
// A class or function by its full name, "collections.OrderedDict".
struct PickleGlobal {
  std::string name;
};
// An instance of a class, or the result of a function, that is not known here: what it would be made of.
struct PickleObject {
  std::string class_name;
  std::vector<PickleValue*> arguments;  // of the call
  PickleValue* state = nullptr;         // what BUILD would set
};
// Storage of tensors, or a part of one. Its bytes are in the container, under `key`.
struct PickleStorage {
  std::string type_name;       // "torch.FloatStorage"
  std::optional<DType> dtype;  // nothing for types that Array has not (complex, quantised)
  std::size_t element_size = 0;
  std::string key;
  std::uint64_t numel = 0;       // elements of the whole storage
  std::uint64_t view_first = 0;  // elements of it that belong here: [view_first, view_first + view_numel)
  std::uint64_t view_numel = 0;
};
struct PickleTensor {
  std::shared_ptr<const PickleStorage> storage;
  DType dtype = DType::Float32;
  std::uint64_t first = 0;  // element of the storage's part, counted in `dtype`
  Shape shape;
  std::vector<std::int64_t> strides;  // in elements, none negative
};

// std::string stands for text and for bytes.
using PickleData =
    std::variant<std::monostate, bool, std::int64_t, double, std::string, PickleTuple, PickleList, PickleDict,
                 PickleGlobal, PickleObject, std::shared_ptr<const PickleStorage>, std::shared_ptr<const PickleTensor>>;
struct PickleValue {
  PickleData data;
};

// Owns every value of a file. Values point at each other freely (also in circles) and go together at the end.
using PickleArena = std::deque<PickleValue>;

// A pickle of torch.save holds names and settings, the tensors' data lie elsewhere. These limits keep a small hostile
// file from filling memory; a checkpoint with optimizer state uses some ten thousand values.
inline constexpr std::size_t kMaxPickleBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxPickleValues = std::size_t{2} << 20;  // also of stack, marks and memo
inline constexpr std::size_t kMaxPickleName = 256;                     // of a class or a storage

class PickleMachine {
 public:
  PickleMachine(std::span<const std::byte> stream, PickleArena& arena);

  // Runs one pickle, up to its STOP. Throws Corrupt, or Unsupported naming the opcode, with the byte where it stands.
  PickleValue* load();
  // Bytes used so far: where the next pickle starts.
  std::size_t position() const { return position_; }

 private:
  void step(std::uint8_t opcode);
  bool step_scalar(std::uint8_t opcode);
  bool step_text(std::uint8_t opcode);
  bool step_container(std::uint8_t opcode);
  bool step_stack(std::uint8_t opcode);
  bool step_object(std::uint8_t opcode);

  std::string_view take(std::uint64_t size);
  std::string_view take_line();
  std::uint64_t take_unsigned(int bytes);
  PickleData take_long(std::uint64_t size);

  void push(PickleData data);
  void push_again(PickleValue* value);
  void push_global(std::string_view module, std::string_view name);
  PickleValue* pop();
  PickleValue* top();
  std::vector<PickleValue*> pop_to_mark();
  template <class T>
  T& expect(PickleValue* value, std::string_view what);

  void memoize(std::uint64_t index);
  void recall(std::uint64_t index);
  void append_items(const std::vector<PickleValue*>& items);
  void set_items(const std::vector<PickleValue*>& items);
  void push_tuple(std::size_t size);

  std::span<const std::byte> stream_;
  PickleArena& arena_;
  std::size_t position_ = 0;
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::uint64_t, PickleValue*> memo_;
};

}  // namespace hipt::io
