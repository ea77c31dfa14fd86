#include "hipt/tiling/tissue_area.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>
#define GEOS_USE_ONLY_R_API
#include <geos_c.h>

#include "hipt/base/error.h"

namespace hipt::tiling {
namespace {

// Pieces small enough that cutting a square out of one takes microseconds.
constexpr int kMostPointsOfPiece = 100;
constexpr int kMostCuts = 24;

// A GEOS context, and what GEOS last complained of.
class Geos {
 public:
  Geos() : handle_(GEOS_init_r()) { GEOSContext_setErrorMessageHandler_r(handle_, &Geos::keep_message, this); }
  ~Geos() { GEOS_finish_r(handle_); }
  Geos(const Geos&) = delete;
  Geos& operator=(const Geos&) = delete;
  operator GEOSContextHandle_t() const { return handle_; }

  [[noreturn]] void fail() const {
    throw Error(ErrorCode::InvalidArgument, fmt::format("the outlines of the tissue: GEOS says \"{}\"", message_));
  }
  template <class T>
  T* require(T* made) const {
    if (made == nullptr) fail();
    return made;
  }
  // 2 is how GEOS's predicates say that they failed.
  bool require_answer(char answer) const {
    if (answer == 2) fail();
    return answer == 1;
  }

 private:
  static void keep_message(const char* message, void* self) { static_cast<Geos*>(self)->message_ = message; }

  GEOSContextHandle_t handle_;
  std::string message_;
};

struct Destroy {
  const Geos* geos;
  void operator()(GEOSGeometry* geometry) const { GEOSGeom_destroy_r(*geos, geometry); }
  void operator()(const GEOSPreparedGeometry* prepared) const { GEOSPreparedGeom_destroy_r(*geos, prepared); }
  void operator()(GEOSSTRtree* tree) const { GEOSSTRtree_destroy_r(*geos, tree); }
};
using GeometryPtr = std::unique_ptr<GEOSGeometry, Destroy>;
using PreparedPtr = std::unique_ptr<const GEOSPreparedGeometry, Destroy>;
using TreePtr = std::unique_ptr<GEOSSTRtree, Destroy>;

GeometryPtr own(const Geos& geos, GEOSGeometry* geometry) {
  return {geos.require(geometry), {&geos}};
}

GeometryPtr ring_of(const Geos& geos, const PlaneRing& ring) {
  PlaneRing closed = ring;
  closed.push_back(ring.front());
  GEOSCoordSequence* points =
      geos.require(GEOSCoordSeq_copyFromBuffer_r(geos, &closed.front().x, static_cast<unsigned>(closed.size()), 0, 0));
  return own(geos, GEOSGeom_createLinearRing_r(geos, points));
}

GeometryPtr rectangle(const Geos& geos, Level0Point corner, Size size) {
  const auto x = static_cast<double>(corner.x);
  const auto y = static_cast<double>(corner.y);
  return own(geos, GEOSGeom_createRectangle_r(geos, x, y, x + static_cast<double>(size.width),
                                              y + static_cast<double>(size.height)));
}

// Rings of less than three points have no area: the outline's leaves nothing, a hole's is passed over.
GeometryPtr polygon_of(const Geos& geos, const Polygon& polygon) {
  if (polygon.outline.size() < 3) return own(geos, GEOSGeom_createEmptyPolygon_r(geos));
  std::vector<GeometryPtr> holes;
  for (const PlaneRing& hole : polygon.holes) {
    if (hole.size() >= 3) holes.push_back(ring_of(geos, hole));
  }
  GeometryPtr outline = ring_of(geos, polygon.outline);
  std::vector<GEOSGeometry*> given;
  for (GeometryPtr& hole : holes) given.push_back(hole.release());  // GEOS takes them, whatever happens
  GeometryPtr made =
      own(geos, GEOSGeom_createPolygon_r(geos, outline.release(), given.data(), static_cast<unsigned>(given.size())));
  if (geos.require_answer(GEOSisValid_r(geos, made.get()))) return made;
  return own(geos, GEOSMakeValid_r(geos, made.get()));
}

// The polygons in a geometry, lines and points left out: a ring that was made valid may leave some.
void collect_polygons(const Geos& geos, const GEOSGeometry* geometry, std::vector<GeometryPtr>& found) {
  const int type = GEOSGeomTypeId_r(geos, geometry);
  if (type == GEOS_POLYGON) {
    if (!geos.require_answer(GEOSisEmpty_r(geos, geometry)))
      found.push_back(own(geos, GEOSGeom_clone_r(geos, geometry)));
  } else if (type == GEOS_MULTIPOLYGON || type == GEOS_GEOMETRYCOLLECTION) {
    for (int i = 0; i < GEOSGetNumGeometries_r(geos, geometry); ++i)
      collect_polygons(geos, GEOSGetGeometryN_r(geos, geometry, i), found);
  }
}

GeometryPtr union_of(const Geos& geos, const std::vector<Polygon>& polygons) {
  std::vector<GeometryPtr> parts;
  for (const Polygon& polygon : polygons) collect_polygons(geos, polygon_of(geos, polygon).get(), parts);
  std::vector<GEOSGeometry*> given;
  for (GeometryPtr& part : parts) given.push_back(part.release());
  const GeometryPtr all = own(
      geos, GEOSGeom_createCollection_r(geos, GEOS_MULTIPOLYGON, given.data(), static_cast<unsigned>(given.size())));
  return own(geos, GEOSUnaryUnion_r(geos, all.get()));
}

struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
};

Box box_of(const Geos& geos, const GEOSGeometry* geometry) {
  Box box;
  if (GEOSGeom_getXMin_r(geos, geometry, &box.left) == 0 || GEOSGeom_getYMin_r(geos, geometry, &box.top) == 0 ||
      GEOSGeom_getXMax_r(geos, geometry, &box.right) == 0 || GEOSGeom_getYMax_r(geos, geometry, &box.bottom) == 0) {
    geos.fail();
  }
  return box;
}

// Cuts in halves, across the longer side, until the pieces are small.
void subdivide(const Geos& geos, GeometryPtr geometry, int cuts, std::vector<GeometryPtr>& pieces) {
  if (geos.require_answer(GEOSisEmpty_r(geos, geometry.get()))) return;
  const Box box = box_of(geos, geometry.get());
  const bool wide = box.right - box.left > box.bottom - box.top;
  const bool tiny = std::max(box.right - box.left, box.bottom - box.top) < 2;
  if (tiny || cuts >= kMostCuts || GEOSGetNumCoordinates_r(geos, geometry.get()) <= kMostPointsOfPiece) {
    pieces.push_back(std::move(geometry));
    return;
  }
  const double middle = wide ? std::round((box.left + box.right) / 2) : std::round((box.top + box.bottom) / 2);
  const Box halves[] = {{box.left, box.top, wide ? middle : box.right, wide ? box.bottom : middle},
                        {wide ? middle : box.left, wide ? box.top : middle, box.right, box.bottom}};
  for (const Box& half : halves) {
    const GeometryPtr cutter =
        own(geos, GEOSGeom_createRectangle_r(geos, half.left, half.top, half.right, half.bottom));
    subdivide(geos, own(geos, GEOSIntersection_r(geos, geometry.get(), cutter.get())), cuts + 1, pieces);
  }
}

}  // namespace

struct TissueArea::Union {
  Geos geos;
  GeometryPtr whole{nullptr, {&geos}};
  bool empty = true;
  PreparedPtr prepared{nullptr, {&geos}};
  std::vector<GeometryPtr> pieces;  // of whole
  TreePtr tree{nullptr, {&geos}};   // of the pieces

  double area_of_intersection(const GEOSGeometry* square) const {
    std::vector<const GEOSGeometry*> near;
    const auto collect = [](void* piece, void* list) {
      static_cast<std::vector<const GEOSGeometry*>*>(list)->push_back(static_cast<const GEOSGeometry*>(piece));
    };
    GEOSSTRtree_query_r(geos, tree.get(), square, collect, &near);
    double area = 0;
    for (const GEOSGeometry* piece : near) {
      const GeometryPtr common = own(geos, GEOSIntersection_r(geos, piece, square));
      double part = 0;
      if (GEOSArea_r(geos, common.get(), &part) == 0) geos.fail();
      area += part;
    }
    return area;
  }
};

TissueArea::TissueArea(const std::vector<Polygon>& polygons) : union_(std::make_unique<Union>()) {
  Union& made = *union_;
  made.whole = union_of(made.geos, polygons);
  made.empty = made.geos.require_answer(GEOSisEmpty_r(made.geos, made.whole.get()));
  if (made.empty) return;
  made.prepared.reset(made.geos.require(GEOSPrepare_r(made.geos, made.whole.get())));
  subdivide(made.geos, own(made.geos, GEOSGeom_clone_r(made.geos, made.whole.get())), 0, made.pieces);
  made.tree.reset(made.geos.require(GEOSSTRtree_create_r(made.geos, 10)));
  for (const GeometryPtr& piece : made.pieces) {
    GEOSSTRtree_insert_r(made.geos, made.tree.get(), piece.get(), piece.get());
  }
}

TissueArea::~TissueArea() = default;
TissueArea::TissueArea(TissueArea&&) noexcept = default;
TissueArea& TissueArea::operator=(TissueArea&&) noexcept = default;

bool TissueArea::touches(Level0Point corner, Size patch) const {
  if (union_->empty) return false;
  const GeometryPtr square = rectangle(union_->geos, corner, patch);
  return union_->geos.require_answer(GEOSPreparedIntersects_r(union_->geos, union_->prepared.get(), square.get()));
}

double TissueArea::fraction(Level0Point corner, Size patch) const {
  if (union_->empty) return 0;
  const Geos& geos = union_->geos;
  const GeometryPtr square = rectangle(geos, corner, patch);
  if (!geos.require_answer(GEOSPreparedIntersects_r(geos, union_->prepared.get(), square.get()))) return 0;
  // Not GEOS's "covers": where the square touches the boundary that one looks at the whole union.
  if (geos.require_answer(GEOSPreparedContainsProperly_r(geos, union_->prepared.get(), square.get()))) return 1;
  const double area = static_cast<double>(patch.width) * static_cast<double>(patch.height);
  return union_->area_of_intersection(square.get()) / area;
}

}  // namespace hipt::tiling
