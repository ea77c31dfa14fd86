#pragma once
// Array <-> at::Tensor. Both copy: neither side then depends on the other's memory.

#include "hipt/base/array.h"
#include "hipt/train/torch.h"

namespace hipt::train {

// The same dtype and shape, on the CPU.
at::Tensor to_tensor(const Array& array);
// Detached, contiguous. Throws Internal for a dtype that Array has not.
Array to_array(const at::Tensor& tensor);

}  // namespace hipt::train
