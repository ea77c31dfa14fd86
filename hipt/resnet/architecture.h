#pragma once
// ResNet-50 without its last stage (CLAM's resnet50_trunc): He et al. 2016 in torchvision's form, the stride on the 3 x
// 3 convolutions. 256-px patches become a map of 16 x 16 x 1024, whose mean is the feature.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hipt/io/state_dict.h"

namespace hipt::resnet {

inline constexpr std::int64_t kDim = 1024;  // features a picture
inline constexpr double kBatchNormEpsilon = 1e-5;
// ImageNet's, of RGB in 0..1.
inline constexpr std::array<double, 3> kMean{0.485, 0.456, 0.406};
inline constexpr std::array<double, 3> kStd{0.229, 0.224, 0.225};

// A convolution without bias and the batch norm after it.
struct Layer {
  std::string convolution;  // "layer1.0.conv1"
  std::string norm;         // "layer1.0.bn1"
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;

  std::int64_t padding() const { return kernel / 2; }
};

// y = relu(expand(relu(spatial(relu(reduce(x))))) + shortcut(x))
struct Bottleneck {
  Layer reduce;                   // 1 x 1
  Layer spatial;                  // 3 x 3
  Layer expand;                   // 1 x 1
  std::optional<Layer> shortcut;  // 1 x 1; none: x itself
};

struct Architecture {
  Layer stem;  // 7 x 7, then ReLU and a 3 x 3 maximum at stride 2
  std::vector<Bottleneck> blocks;
};
Architecture architecture();

// Names and shapes of the state dict, in torchvision's order.
io::ParameterShapes parameter_shapes();

}  // namespace hipt::resnet
