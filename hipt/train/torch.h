#pragma once
// The one place that includes torch, and only what the training half uses of it: tensors and gradients (ATen), the
// generator, the optimisers. About ten seconds and a gigabyte of memory a file, so: in .cpp files, and in headers whose
// names end in _torch.h (tools/check_layers). Our layers stand in layers_torch.h.

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
