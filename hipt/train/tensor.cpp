#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/train/tensor_torch.h"

namespace hipt::train {
namespace {

constexpr std::array<std::pair<DType, at::ScalarType>, 10> kTypes{{{DType::Float32, at::kFloat},
                                                                   {DType::Float64, at::kDouble},
                                                                   {DType::Float16, at::kHalf},
                                                                   {DType::BFloat16, at::kBFloat16},
                                                                   {DType::Bool, at::kBool},
                                                                   {DType::UInt8, at::kByte},
                                                                   {DType::Int8, at::kChar},
                                                                   {DType::Int16, at::kShort},
                                                                   {DType::Int32, at::kInt},
                                                                   {DType::Int64, at::kLong}}};

at::ScalarType scalar_type(DType wanted) {
  for (const auto& [dtype, type] : kTypes) {
    if (dtype == wanted) return type;
  }
  throw Error(ErrorCode::Internal, fmt::format("no torch type for {}", to_string(wanted)));
}

DType dtype_of(at::ScalarType wanted) {
  for (const auto& [dtype, type] : kTypes) {
    if (type == wanted) return dtype;
  }
  throw Error(ErrorCode::Internal, fmt::format("no Array of torch's {}", c10::toString(wanted)));
}

}  // namespace

at::Tensor to_tensor(const Array& array) {
  at::Tensor tensor = at::empty(array.shape(), at::TensorOptions(scalar_type(array.dtype())));
  if (!array.empty()) std::memcpy(tensor.mutable_data_ptr(), array.bytes(), array.byte_size());
  return tensor;
}

Array to_array(const at::Tensor& tensor) {
  const at::Tensor source = tensor.detach().to(at::kCPU).contiguous();
  Array array(dtype_of(source.scalar_type()), source.sizes().vec());
  if (!array.empty()) std::memcpy(array.mutable_bytes(), source.const_data_ptr(), array.byte_size());
  return array;
}

}  // namespace hipt::train
