#pragma once
// How much of a square is tissue: areas of outlines less holes, by GEOS.

#include <memory>
#include <vector>

#include "hipt/base/geometry.h"
#include "hipt/tiling/simplify.h"

namespace hipt::tiling {

// The union of polygons, made ready for many questions about squares. Not for several threads at once.
class TissueArea {
 public:
  // Rings that cross themselves are taken as GEOS makes them valid. Throws InvalidArgument when GEOS cannot.
  explicit TissueArea(const std::vector<Polygon>& polygons);
  ~TissueArea();
  TissueArea(TissueArea&&) noexcept;
  TissueArea& operator=(TissueArea&&) noexcept;

  // Whether a patch with this corner and size, px of level 0, has a point in common with the tissue or its boundary.
  bool touches(Level0Point corner, Size patch) const;
  // The part of the patch that is tissue, 0 to 1.
  double fraction(Level0Point corner, Size patch) const;

 private:
  struct Union;
  std::unique_ptr<Union> union_;
};

}  // namespace hipt::tiling
