#pragma once
// Files of torch.save, read without executing anything, and written so that torch.load(weights_only=True) opens them.
//
// Reading: the zip format (since torch 1.6) and the legacy one (magic 0x1950a86a20f9469cfc6c, protocol 1001). A small
// pickle machine knows the opcodes and the few globals that tensors need; an object of any other class becomes a
// TorchOpaque, never a call. Every size and offset is bounded by the file.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "hipt/base/array.h"

namespace hipt::io {

struct TorchValue;
using TorchList = std::vector<TorchValue>;                         // list and tuple
using TorchDict = std::vector<std::pair<TorchValue, TorchValue>>;  // dict and OrderedDict, in file order

// An object whose class is not known here ("argparse.Namespace"), or a tensor of a type that Array has not ("tensor of
// torch.ComplexFloatStorage"). Its content is dropped.
struct TorchOpaque {
  std::string class_name;
};

struct TorchValue {
  std::variant<std::monostate, bool, std::int64_t, double, std::string, std::shared_ptr<Array>, TorchList,
               std::shared_ptr<TorchDict>, TorchOpaque>
      value;

  const TorchDict* dict() const;                       // null when it is none
  const Array* tensor() const;                         // null when it is none
  const TorchValue* find(std::string_view key) const;  // a dict's entry by text key; null when absent
};

// The whole object. Tensors are contiguous copies or views into the mapped file, whatever their strides and byte order
// were. Where the object is a dict, the first of the keys `only` that it has is returned in its place, and no other
// tensor's data are read (a DINO checkpoint's optimizer state). The CRC-32 of what is read is checked.
// Throws Corrupt or Unsupported, naming the file, the place in it, and the opcode, class or record.
TorchValue read_torch_file(const std::filesystem::path& file, std::span<const std::string_view> only = {});

// One tensor, streamed: memory does not grow with the tensor. `extra_records` are further entries of the zip
// (name without the archive's folder -> bytes), which torch.load passes over; we keep provenance there ("hipt.json").
class TorchTensorWriter {
 public:
  TorchTensorWriter(const std::filesystem::path& file, DType dtype, Shape shape,
                    std::vector<std::pair<std::string, std::string>> extra_records = {});
  ~TorchTensorWriter();
  TorchTensorWriter(const TorchTensorWriter&) = delete;
  TorchTensorWriter& operator=(const TorchTensorWriter&) = delete;

  void append(std::span<const std::byte> bytes);  // the next elements, row-major
  void close();                                   // throws Internal when fewer elements came than the shape says

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A dict of named tensors (a state dict, an asset dictionary), in the order given.
void write_torch_tensors(const std::filesystem::path& file,
                         const std::vector<std::pair<std::string, const Array*>>& tensors,
                         std::vector<std::pair<std::string, std::string>> extra_records = {});

// One of the extra records, when the file has it.
std::optional<std::string> read_torch_record(const std::filesystem::path& file, std::string_view name);

}  // namespace hipt::io
