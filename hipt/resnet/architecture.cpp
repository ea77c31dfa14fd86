#include "hipt/resnet/architecture.h"

#include <fmt/format.h>

namespace hipt::resnet {
namespace {

// Blocks `1 + more` of stage `number`; the first one changes the width and, with `stride`, the size.
void add_stage(std::vector<Bottleneck>& blocks, int number, int more, std::int64_t in, std::int64_t width,
               std::int64_t stride) {
  const std::int64_t out = 4 * width;
  for (int index = 0; index <= more; ++index) {
    const std::string name = fmt::format("layer{}.{}.", number, index);
    const std::int64_t block_in = index == 0 ? in : out;
    const std::int64_t block_stride = index == 0 ? stride : 1;
    Bottleneck block{{name + "conv1", name + "bn1", block_in, width, 1, 1},
                     {name + "conv2", name + "bn2", width, width, 3, block_stride},
                     {name + "conv3", name + "bn3", width, out, 1, 1},
                     std::nullopt};
    if (index == 0) block.shortcut = Layer{name + "downsample.0", name + "downsample.1", in, out, 1, stride};
    blocks.push_back(std::move(block));
  }
}

void add_shapes(io::ParameterShapes& shapes, const Layer& layer) {
  shapes.emplace_back(layer.convolution + ".weight", Shape{layer.out, layer.in, layer.kernel, layer.kernel});
  for (const char* const part : {"weight", "bias", "running_mean", "running_var"}) {
    shapes.emplace_back(fmt::format("{}.{}", layer.norm, part), Shape{layer.out});
  }
}

}  // namespace

Architecture architecture() {
  Architecture result{{"conv1", "bn1", 3, 64, 7, 2}, {}};
  add_stage(result.blocks, 1, 2, 64, 64, 1);
  add_stage(result.blocks, 2, 3, 256, 128, 2);
  add_stage(result.blocks, 3, 5, 512, 256, 2);
  return result;
}

io::ParameterShapes parameter_shapes() {
  const Architecture all = architecture();
  io::ParameterShapes shapes;
  add_shapes(shapes, all.stem);
  for (const Bottleneck& block : all.blocks) {
    for (const Layer* const layer : {&block.reduce, &block.spatial, &block.expand}) add_shapes(shapes, *layer);
    if (block.shortcut) add_shapes(shapes, *block.shortcut);
  }
  return shapes;
}

}  // namespace hipt::resnet
