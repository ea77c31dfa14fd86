#include "hipt/tiling/ring_index.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

namespace hipt::tiling {
namespace {

// Doubled coordinates then differ by less than 2^31, and their products fit 63 bits.
constexpr std::int64_t kFarthest = std::int64_t{1} << 29;

Level0Point doubled(Level0Point point) {
  if (std::abs(point.x) > kFarthest || std::abs(point.y) > kFarthest) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("contour point ({}, {}): too far away", point.x, point.y));
  }
  return {2 * point.x, 2 * point.y};
}

}  // namespace

RingIndex::RingIndex(const tissue::Ring& ring) {
  if (ring.empty()) return;
  std::vector<Edge> edges;
  edges.reserve(ring.size());
  Level0Point before = doubled(ring.back());
  std::int64_t height_of_all = 0;
  top_ = bottom_ = before.y;
  for (const Level0Point corner : ring) {
    const Level0Point point = doubled(corner);
    edges.push_back({before, point});
    height_of_all += std::abs(point.y - before.y);
    top_ = std::min(top_, point.y);
    bottom_ = std::max(bottom_, point.y);
    before = point;
  }
  // Bands as high as the mean edge: on average an edge touches two, so that memory stays proportional to the ring.
  band_height_ = height_of_all / std::ssize(edges) + 1;
  const auto band_of = [this](std::int64_t y) { return static_cast<std::size_t>((y - top_) / band_height_); };
  const std::size_t bands = band_of(bottom_) + 1;

  const auto for_each_band = [&](const Edge& edge, const auto& action) {
    const std::size_t last = band_of(std::max(edge.a.y, edge.b.y));
    for (std::size_t band = band_of(std::min(edge.a.y, edge.b.y)); band <= last; ++band) action(band);
  };
  band_begin_.assign(bands + 1, 0);
  for (const Edge& edge : edges) for_each_band(edge, [this](std::size_t band) { ++band_begin_[band + 1]; });
  for (std::size_t band = 0; band < bands; ++band) band_begin_[band + 1] += band_begin_[band];
  edges_.resize(band_begin_.back());
  std::vector<std::size_t> next(band_begin_.begin(), band_begin_.end() - 1);
  for (const Edge& edge : edges) for_each_band(edge, [&](std::size_t band) { edges_[next[band]++] = edge; });
}

Side RingIndex::side_of_doubled(std::int64_t x2, std::int64_t y2) const {
  if (y2 < top_ || y2 > bottom_) return Side::Outside;
  const auto band = static_cast<std::size_t>((y2 - top_) / band_height_);
  bool inside = false;
  for (std::size_t i = band_begin_[band]; i < band_begin_[band + 1]; ++i) {
    const auto& [a, b] = edges_[i];
    const auto [low, high] = std::minmax(a.y, b.y);
    if (y2 < low || y2 > high) continue;
    const auto [left, right] = std::minmax(a.x, b.x);
    if (x2 > right) continue;
    if (x2 < left) {
      inside ^= (a.y <= y2) != (b.y <= y2);
      continue;
    }
    // Twice the area of the triangle a, b, point; its sign tells the side.
    const std::int64_t area = (b.x - a.x) * (y2 - a.y) - (x2 - a.x) * (b.y - a.y);
    if (area == 0) return Side::Boundary;
    // The ray to the right crosses an edge whose one end is above it when the point lies left of the edge.
    if ((a.y <= y2) != (b.y <= y2)) inside ^= (b.y > a.y) == (area > 0);
  }
  return inside ? Side::Inside : Side::Outside;
}

}  // namespace hipt::tiling
