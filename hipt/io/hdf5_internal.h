#pragma once
// What hdf5*.cpp share: the process's lock, identifiers that close themselves, types. Included by these files only.
// Everything here is called with an Hdf5Call alive.

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hdf5.h>

#include "hipt/base/array.h"
#include "hipt/base/error.h"
#include "hipt/io/hdf5.h"

namespace hipt::io {

// Held around every use of the HDF5 library, which keeps its state in globals. Keeps the library from printing.
class Hdf5Call {
 public:
  Hdf5Call() : lock_(mutex()) {
    H5Eget_auto2(H5E_DEFAULT, &print_, &print_data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    H5Eclear2(H5E_DEFAULT);
  }
  ~Hdf5Call() { H5Eset_auto2(H5E_DEFAULT, print_, print_data_); }
  Hdf5Call(const Hdf5Call&) = delete;
  Hdf5Call& operator=(const Hdf5Call&) = delete;

 private:
  static std::mutex& mutex();

  std::scoped_lock<std::mutex> lock_;
  H5E_auto2_t print_ = nullptr;
  void* print_data_ = nullptr;
};

// An HDF5 identifier and the function that closes it.
class Handle {
 public:
  using Closer = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Closer closer) : id_(id), closer_(closer) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), closer_(other.closer_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(closer_, other.closer_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) closer_(id_);
  }

  hid_t release() { return std::exchange(id_, -1); }
  hid_t get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }

 private:
  hid_t id_ = -1;
  Closer closer_ = nullptr;
};

// Throws an Error "<what>: <HDF5's reason>" unless `succeeded`.
void require_hdf5(bool succeeded, ErrorCode code, std::string_view what);

// The type of a dtype, both in files (little-endian on every machine) and in memory.
Handle hdf5_type(DType dtype);
// The dtype that holds every value of a file's type: unsigned integers become the next wider signed ones.
DType dtype_of(hid_t type);

std::vector<hsize_t> to_hsizes(const Shape& shape);
// Throws Corrupt for a shape that no memory holds.
Shape shape_of(hid_t space);
// A scalar space for an empty shape.
Handle simple_space(const Shape& shape, const hsize_t* maximum = nullptr);

void write_attributes_of(hid_t object, const Attributes& attributes);
Attributes read_attributes_of(hid_t object);

}  // namespace hipt::io
