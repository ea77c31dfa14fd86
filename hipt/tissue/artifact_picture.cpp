#include <algorithm>

#include "hipt/image/draw.h"
#include "hipt/tissue/pictures.h"

namespace hipt::tissue {
namespace {

constexpr int kMostSide = 2000;  // px

// Of Okabe and Ito (2008), told apart with any colour vision and from eosin and haematoxylin.
image::Colour colour_of(Artifact kind) {
  if (kind == Artifact::Pen) return {240, 228, 66};
  return kind == Artifact::Black ? image::Colour{0, 158, 115} : image::Colour{0, 114, 178};
}

}  // namespace

image::RgbImage draw_artifacts(const Artifacts& artifacts) {
  image::RgbImage picture = artifacts.picture;
  for (std::size_t i = 0; i < artifacts.kinds.values.size(); ++i) {
    const auto kind = static_cast<Artifact>(artifacts.kinds.values[i]);
    if (kind == Artifact::None) continue;
    const image::Colour colour = colour_of(kind);
    std::uint8_t* rgb = picture.data() + 3 * i;
    rgb[0] = colour.red;
    rgb[1] = colour.green;
    rgb[2] = colour.blue;
  }
  const double reduction = static_cast<double>(std::max(picture.width(), picture.height())) / kMostSide;
  if (reduction <= 1) return picture;
  return image::resize_area(picture.view(), std::max(1, static_cast<int>(picture.width() / reduction)),
                            std::max(1, static_cast<int>(picture.height() / reduction)));
}

}  // namespace hipt::tissue
