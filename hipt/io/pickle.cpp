#include "hipt/io/pickle.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/io/pickle_opcodes.h"
#include "hipt/io/torch_objects.h"

namespace hipt::io {
namespace {

constexpr std::uint64_t kNewestProtocol = 5;

void check_limit(std::size_t count, std::string_view what) {
  if (count >= kMaxPickleValues) {
    throw Error(ErrorCode::Unsupported, fmt::format("more than {} {} in one pickle", kMaxPickleValues, what));
  }
}

}  // namespace

PickleMachine::PickleMachine(std::span<const std::byte> stream, PickleArena& arena)
    : stream_(stream.first(std::min(stream.size(), kMaxPickleBytes))), arena_(arena) {}

PickleValue* PickleMachine::load() {
  stack_.clear();
  marks_.clear();
  memo_.clear();
  for (;;) {
    const std::size_t start = position_;
    try {
      const auto opcode = static_cast<std::uint8_t>(take_unsigned(1));
      if (opcode == kStop) return pop();
      step(opcode);
    } catch (Error& error) {
      error.add_context(fmt::format("pickle byte {}", start));
      throw;
    }
  }
}

void PickleMachine::step(std::uint8_t opcode) {
  if (step_scalar(opcode) || step_text(opcode) || step_container(opcode) || step_stack(opcode) || step_object(opcode)) {
    return;
  }
  throw Error(ErrorCode::Unsupported, fmt::format("opcode 0x{:02x} is none that torch.save writes", opcode));
}

bool PickleMachine::step_scalar(std::uint8_t opcode) {
  switch (opcode) {
    case kProto:
      if (const std::uint64_t protocol = take_unsigned(1); protocol > kNewestProtocol) {
        throw Error(ErrorCode::Unsupported, fmt::format("pickle protocol {}", protocol));
      }
      return true;
    case kFrame:
      take(8);
      return true;
    case kNone:
      push(std::monostate{});
      return true;
    case kNewTrue:
      push(true);
      return true;
    case kNewFalse:
      push(false);
      return true;
    case kBinInt:
      push(std::int64_t{static_cast<std::int32_t>(take_unsigned(4))});
      return true;
    case kBinInt1:
      push(static_cast<std::int64_t>(take_unsigned(1)));
      return true;
    case kBinInt2:
      push(static_cast<std::int64_t>(take_unsigned(2)));
      return true;
    case kLong1:
      push(take_long(take_unsigned(1)));
      return true;
    case kLong4:
      push(take_long(take_unsigned(4)));
      return true;
    case kBinFloat: {
      std::uint64_t bits = 0;  // the one big-endian number of the format
      for (const char byte : take(8)) bits = bits << 8 | static_cast<unsigned char>(byte);
      push(std::bit_cast<double>(bits));
      return true;
    }
    default:
      return false;
  }
}

bool PickleMachine::step_text(std::uint8_t opcode) {
  int size_bytes = 0;
  switch (opcode) {
    case kShortBinString:
    case kShortBinBytes:
    case kShortBinUnicode:
      size_bytes = 1;
      break;
    case kBinString:
    case kBinBytes:
    case kBinUnicode:
      size_bytes = 4;
      break;
    case kBinBytes8:
    case kByteArray8:
    case kBinUnicode8:
      size_bytes = 8;
      break;
    default:
      return false;
  }
  push(std::string(take(take_unsigned(size_bytes))));
  return true;
}

bool PickleMachine::step_container(std::uint8_t opcode) {
  switch (opcode) {
    case kEmptyTuple:
      push(PickleTuple{});
      return true;
    case kTuple:
      push(PickleTuple{pop_to_mark()});
      return true;
    case kTuple1:
      push_tuple(1);
      return true;
    case kTuple2:
      push_tuple(2);
      return true;
    case kTuple3:
      push_tuple(3);
      return true;
    case kEmptyList:
      push(PickleList{});
      return true;
    case kAppend:
      append_items({pop()});
      return true;
    case kAppends:
    case kAddItems:
      append_items(pop_to_mark());
      return true;
    case kEmptySet:
      push(PickleObject{"set", {}, nullptr});
      return true;
    case kFrozenSet:
      pop_to_mark();
      push(PickleObject{"frozenset", {}, nullptr});
      return true;
    case kEmptyDict:
      push(PickleDict{});
      return true;
    case kSetItem: {
      PickleValue* const value = pop();
      set_items({pop(), value});
      return true;
    }
    case kSetItems:
      set_items(pop_to_mark());
      return true;
    default:
      return false;
  }
}

bool PickleMachine::step_stack(std::uint8_t opcode) {
  switch (opcode) {
    case kMark:
      check_limit(marks_.size(), "marks");
      marks_.push_back(stack_.size());
      return true;
    case kPop:
      pop();
      return true;
    case kPopMark:
      pop_to_mark();
      return true;
    case kDup:
      push_again(top());
      return true;
    case kBinPut:
      memoize(take_unsigned(1));
      return true;
    case kLongBinPut:
      memoize(take_unsigned(4));
      return true;
    case kMemoize:
      memoize(memo_.size());
      return true;
    case kBinGet:
      recall(take_unsigned(1));
      return true;
    case kLongBinGet:
      recall(take_unsigned(4));
      return true;
    default:
      return false;
  }
}

bool PickleMachine::step_object(std::uint8_t opcode) {
  switch (opcode) {
    case kGlobal: {
      const std::string_view module = take_line();
      push_global(module, take_line());
      return true;
    }
    case kStackGlobal: {
      const std::string& name = expect<std::string>(pop(), "a global's name");
      push_global(expect<std::string>(pop(), "a global's module"), name);
      return true;
    }
    case kReduce:
    case kNewObj: {
      const PickleTuple& arguments = expect<PickleTuple>(pop(), "a call's arguments");
      PickleData made = construct(expect<PickleGlobal>(pop(), "what is called").name, arguments);
      if (auto* const unknown = std::get_if<PickleObject>(&made)) unknown->arguments = arguments.items;
      push(std::move(made));
      return true;
    }
    case kNewObjEx: {
      pop();  // keyword arguments
      pop();
      push(PickleObject{expect<PickleGlobal>(pop(), "a class").name, {}, nullptr});
      return true;
    }
    case kBuild: {  // an object's attributes; what we keep of a known object has none
      PickleValue* const state = pop();
      if (auto* const unknown = std::get_if<PickleObject>(&top()->data)) unknown->state = state;
      return true;
    }
    case kBinPersId:
      push(persistent_object(*pop()));
      return true;
    default:
      return false;
  }
}

std::string_view PickleMachine::take(std::uint64_t size) {
  const std::size_t left = stream_.size() - position_;
  if (size > left) {
    throw Error(ErrorCode::Corrupt, fmt::format("the pickle ends {} bytes too early", size - left));
  }
  const std::string_view text(reinterpret_cast<const char*>(stream_.data()) + position_, size);
  position_ += size;
  return text;
}

std::string_view PickleMachine::take_line() {
  const std::string_view rest(reinterpret_cast<const char*>(stream_.data()) + position_, stream_.size() - position_);
  const std::size_t size = std::min(rest.find('\n'), rest.size());
  const std::string_view line = take(size);
  take(1);
  return line;
}

std::uint64_t PickleMachine::take_unsigned(int bytes) {
  std::uint64_t value = 0;
  int shift = 0;
  for (const char byte : take(static_cast<std::uint64_t>(bytes))) {
    value |= std::uint64_t{static_cast<unsigned char>(byte)} << shift;
    shift += 8;
  }
  return value;
}

// Two's complement of any length; what int64 does not hold is kept as an object that shows its digits.
PickleData PickleMachine::take_long(std::uint64_t size) {
  const std::string_view bytes = take(size);
  if (bytes.size() > 8) {
    std::string digits;
    for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
      digits += fmt::format("{:02x}", static_cast<unsigned char>(*byte));
    }
    return PickleObject{"int 0x" + digits, {}, nullptr};
  }
  std::uint64_t value = !bytes.empty() && (bytes.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) value = value << 8 | static_cast<unsigned char>(*byte);
  return static_cast<std::int64_t>(value);
}

void PickleMachine::push(PickleData data) {
  check_limit(arena_.size(), "values");
  push_again(&arena_.emplace_back(PickleValue{std::move(data)}));
}

void PickleMachine::push_again(PickleValue* value) {
  check_limit(stack_.size(), "values on the stack");
  stack_.push_back(value);
}

void PickleMachine::push_global(std::string_view module, std::string_view name) {
  if (module.size() + name.size() > kMaxPickleName) throw Error(ErrorCode::Corrupt, "a class name without end");
  push(PickleGlobal{fmt::format("{}.{}", module, name)});
}

PickleValue* PickleMachine::top() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) throw Error(ErrorCode::Corrupt, "the stack is empty");
  return stack_.back();
}

PickleValue* PickleMachine::pop() {
  PickleValue* const value = top();
  stack_.pop_back();
  return value;
}

std::vector<PickleValue*> PickleMachine::pop_to_mark() {
  if (marks_.empty()) throw Error(ErrorCode::Corrupt, "there is no mark on the stack");
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<PickleValue*> items(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return items;
}

template <class T>
T& PickleMachine::expect(PickleValue* value, std::string_view what) {
  if (T* const data = std::get_if<T>(&value->data)) return *data;
  throw Error(ErrorCode::Corrupt, fmt::format("{} is of the wrong kind", what));
}

void PickleMachine::memoize(std::uint64_t index) {
  check_limit(memo_.size(), "memo entries");
  memo_[index] = top();
}

void PickleMachine::recall(std::uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) throw Error(ErrorCode::Corrupt, fmt::format("nothing was remembered as {}", index));
  push_again(found->second);
}

void PickleMachine::push_tuple(std::size_t size) {
  PickleTuple tuple;
  tuple.items.resize(size);
  for (auto item = tuple.items.rbegin(); item != tuple.items.rend(); ++item) *item = pop();
  push(std::move(tuple));
}

void PickleMachine::append_items(const std::vector<PickleValue*>& items) {
  PickleValue* const target = top();
  if (std::holds_alternative<PickleObject>(target->data)) return;  // a list of an unknown class: dropped with it
  std::vector<PickleValue*>& list = expect<PickleList>(target, "what is appended to").items;
  list.insert(list.end(), items.begin(), items.end());
}

void PickleMachine::set_items(const std::vector<PickleValue*>& items) {
  PickleValue* const target = top();
  if (items.size() % 2 != 0) throw Error(ErrorCode::Corrupt, "a key without a value");
  if (std::holds_alternative<PickleObject>(target->data)) return;
  auto& entries = expect<PickleDict>(target, "what takes keys and values").entries;
  for (std::size_t i = 0; i < items.size(); i += 2) entries.emplace_back(items[i], items[i + 1]);
}

}  // namespace hipt::io
