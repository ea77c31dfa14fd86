#pragma once
// HDF5 behind one RAII wrapper of the C API. Object times are off, so that bytes depend on the content alone. HDF5 is
// not thread-safe as packaged: every call takes one lock of the process.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "hipt/base/array.h"

namespace hipt::io {

// Attribute values as CLAM and TRIDENT write them: int64 and float64 scalars, int64 and float64 vectors, scalar
// variable-length UTF-8 strings. Reading takes numbers of any width and strings of any kind into these, and leaves out
// what they cannot hold (arrays of strings, matrices, compounds).
using AttributeValue = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>>;
using Attributes = std::vector<std::pair<std::string, AttributeValue>>;  // in writing order

class Hdf5File {
 public:
  // New file (the caller gives the temporary name of an AtomicFile); libver earliest, as h5py writes.
  static Hdf5File create(const std::filesystem::path& file);
  // Existing file, read-only. Throws NotFound or Corrupt, naming the file. Data kept in other files (external links,
  // external storage, virtual datasets) are refused, and so are shapes that promise more than the file stores.
  static Hdf5File open(const std::filesystem::path& file);
  ~Hdf5File();
  Hdf5File(Hdf5File&&) noexcept;
  Hdf5File& operator=(Hdf5File&&) noexcept;

  // A dataset of the root group whose first dimension grows by append_rows. `row_shape` may be empty (one-dimensional
  // dataset). `chunk_rows` rows a chunk.
  void create_dataset(const std::string& name, DType dtype, const Shape& row_shape, std::int64_t chunk_rows);
  // Appends rows [n, row_shape...] given as contiguous bytes of the dataset's dtype.
  void append_rows(const std::string& name, const Array& rows);
  // A whole dataset at once with a fixed shape, contiguous.
  void write_dataset(const std::string& name, const Array& values);

  bool has_dataset(const std::string& name) const;
  std::vector<std::string> dataset_names() const;  // of the root group, sorted
  Shape dataset_shape(const std::string& name) const;
  DType dataset_dtype(const std::string& name) const;
  // A whole dataset in its own dtype (bools, f16, bf16, f32, f64, integers; unsigned ones wider than 8 bits become the
  // next wider signed ones).
  Array read_dataset(const std::string& name) const;
  // Rows [first, first + count).
  Array read_rows(const std::string& name, std::int64_t first, std::int64_t count) const;

  // Attributes of a dataset, or of the root group for "/".
  void write_attributes(const std::string& object, const Attributes& attributes);
  Attributes read_attributes(const std::string& object) const;  // sorted by name

  // Flushes and closes, reporting what the destructor could not. Nothing may be called afterwards.
  void close();

 private:
  struct State;
  explicit Hdf5File(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The attribute called `name`, when present and of that type.
template <class T>
std::optional<T> find_attribute(const Attributes& attributes, std::string_view name) {
  for (const auto& [key, value] : attributes) {
    if (key == name && std::holds_alternative<T>(value)) return std::get<T>(value);
  }
  return std::nullopt;
}

}  // namespace hipt::io
