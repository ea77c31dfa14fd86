#include <limits>

#include <fmt/format.h>

#include "hipt/io/hdf5_internal.h"

namespace hipt::io {
namespace {

// The innermost entry of HDF5's error stack: "unable to open file" says less than "file signature not found".
std::string hdf5_message() {
  std::string message;
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned position, const H5E_error2_t* entry, void* out) -> herr_t {
        if (position == 0 && entry->desc != nullptr) *static_cast<std::string*>(out) = entry->desc;
        return 0;
      },
      &message);
  return message.empty() ? "HDF5 gives no reason" : message;
}

Handle float16_type(std::size_t exponent_bits, std::size_t mantissa_bits, std::size_t bias) {
  Handle type(H5Tcopy(H5T_IEEE_F32LE), H5Tclose);
  const bool made = H5Tset_fields(type.get(), 15, mantissa_bits, exponent_bits, 0, mantissa_bits) >= 0 &&
                    H5Tset_precision(type.get(), 16) >= 0 && H5Tset_ebias(type.get(), bias) >= 0 &&
                    H5Tset_size(type.get(), 2) >= 0;
  require_hdf5(made, ErrorCode::Internal, "16-bit float type");
  return type;
}

// NumPy's bool as h5py stores it: an enumeration of int8.
Handle bool_type() {
  Handle type(H5Tenum_create(H5T_STD_I8LE), H5Tclose);
  const std::int8_t no = 0;
  const std::int8_t yes = 1;
  const bool made = H5Tenum_insert(type.get(), "FALSE", &no) >= 0 && H5Tenum_insert(type.get(), "TRUE", &yes) >= 0;
  require_hdf5(made, ErrorCode::Internal, "bool type");
  return type;
}

DType integer_dtype(hid_t type) {
  const bool is_unsigned = H5Tget_sign(type) == H5T_SGN_NONE;
  switch (H5Tget_size(type)) {
    case 1:
      return is_unsigned ? DType::UInt8 : DType::Int8;
    case 2:
      return is_unsigned ? DType::Int32 : DType::Int16;
    case 4:
      return is_unsigned ? DType::Int64 : DType::Int32;
    case 8:
      return DType::Int64;
    default:
      throw Error(ErrorCode::Unsupported, fmt::format("integers of {} bytes", H5Tget_size(type)));
  }
}

DType float_dtype(hid_t type) {
  switch (H5Tget_size(type)) {
    case 2: {
      std::size_t sign = 0, exponent = 0, exponent_bits = 0, mantissa = 0, mantissa_bits = 0;
      H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits);
      return exponent_bits == 8 ? DType::BFloat16 : DType::Float16;
    }
    case 4:
      return DType::Float32;
    case 8:
      return DType::Float64;
    default:
      throw Error(ErrorCode::Unsupported, fmt::format("floats of {} bytes", H5Tget_size(type)));
  }
}

}  // namespace

std::mutex& Hdf5Call::mutex() {
  static std::mutex instance;
  return instance;
}

void require_hdf5(bool succeeded, ErrorCode code, std::string_view what) {
  if (!succeeded) throw Error(code, fmt::format("{}: {}", what, hdf5_message()));
}

Handle hdf5_type(DType dtype) {
  switch (dtype) {
    case DType::Float32:
      return {H5Tcopy(H5T_IEEE_F32LE), H5Tclose};
    case DType::Float64:
      return {H5Tcopy(H5T_IEEE_F64LE), H5Tclose};
    case DType::Float16:
      return float16_type(5, 10, 15);
    case DType::BFloat16:
      return float16_type(8, 7, 127);
    case DType::Bool:
      return bool_type();
    case DType::UInt8:
      return {H5Tcopy(H5T_STD_U8LE), H5Tclose};
    case DType::Int8:
      return {H5Tcopy(H5T_STD_I8LE), H5Tclose};
    case DType::Int16:
      return {H5Tcopy(H5T_STD_I16LE), H5Tclose};
    case DType::Int32:
      return {H5Tcopy(H5T_STD_I32LE), H5Tclose};
    case DType::Int64:
      break;
  }
  return {H5Tcopy(H5T_STD_I64LE), H5Tclose};
}

DType dtype_of(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return integer_dtype(type);
    case H5T_FLOAT:
      return float_dtype(type);
    case H5T_ENUM:
      if (H5Tget_size(type) == 1 && H5Tget_member_index(type, "TRUE") >= 0) return DType::Bool;
      break;
    default:
      break;
  }
  throw Error(ErrorCode::Unsupported, "elements that are neither integers, floats nor bools");
}

std::vector<hsize_t> to_hsizes(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

Shape shape_of(hid_t space) {
  const int rank = H5Sget_simple_extent_ndims(space);
  require_hdf5(rank >= 0, ErrorCode::Corrupt, "shape");
  std::vector<hsize_t> dimensions(static_cast<std::size_t>(rank));
  require_hdf5(H5Sget_simple_extent_dims(space, dimensions.data(), nullptr) >= 0, ErrorCode::Corrupt, "shape");
  Shape shape;
  for (const hsize_t dimension : dimensions) {
    if (dimension > static_cast<hsize_t>(std::numeric_limits<std::int64_t>::max())) {
      throw Error(ErrorCode::Corrupt, "an impossible shape");
    }
    shape.push_back(static_cast<std::int64_t>(dimension));
  }
  element_count(shape);  // refuses an overflow
  return shape;
}

Handle simple_space(const Shape& shape, const hsize_t* maximum) {
  if (shape.empty()) return {H5Screate(H5S_SCALAR), H5Sclose};
  Handle space(H5Screate_simple(static_cast<int>(shape.size()), to_hsizes(shape).data(), maximum), H5Sclose);
  require_hdf5(bool(space), ErrorCode::InvalidArgument, fmt::format("shape {}", to_string(shape)));
  return space;
}

}  // namespace hipt::io
