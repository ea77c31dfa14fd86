#pragma once
// Files of Python's pickle.dump: plain values and NumPy arrays, written without Python and read without executing
// anything.

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

#include "hipt/base/array.h"
#include "hipt/io/torch_file.h"

namespace hipt::io {

// Dicts, lists, tuples, texts, numbers; NumPy arrays as Array, arrays of one text and NumPy scalars as the value
// itself; everything else as TorchOpaque. Throws NotFound, Corrupt or Unsupported, naming the file and the byte.
TorchValue read_pickle_file(const std::filesystem::path& file);

// Makes a pickle (protocol 3, which Python 3.0 and newer read) by one call a value. Between begin_dict and end_dict
// keys and values alternate.
class PickleWriter {
 public:
  PickleWriter();
  void begin_dict();
  void end_dict();
  void text(std::string_view utf8);
  void integer(std::int64_t value);
  void number(double value);
  void array(const Array& values);         // numpy.ndarray of the dtype and shape; Unsupported for bfloat16
  void text_array(std::string_view utf8);  // numpy.array("...") of rank 0; Unsupported for what is not UTF-8
  // The finished pickle.
  std::string finish() &&;

 private:
  void put(std::initializer_list<std::uint8_t> codes);
  void global(std::string_view module, std::string_view name);
  void bytes(std::string_view data);
  void begin_array();
  void data_type(std::string_view code, std::string_view order, std::int64_t size, std::int64_t alignment,
                 std::int64_t flags);

  std::string out_;
};

}  // namespace hipt::io
