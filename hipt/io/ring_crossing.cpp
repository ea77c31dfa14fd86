#include "hipt/io/ring_crossing.h"

#include <algorithm>
#include <cmath>

#include "hipt/base/error.h"

namespace hipt::io {
namespace {

constexpr double kDepth = 0.5;                            // px of level 0
constexpr std::int64_t kMostComparisons = 3'000'000'000;  // a million edges, three thousand beside each

struct Edge {
  DrawnPoint from;
  DrawnPoint to;
  double left() const { return std::min(from.x, to.x); }
  double right() const { return std::max(from.x, to.x); }
  double top() const { return std::min(from.y, to.y); }
  double bottom() const { return std::max(from.y, to.y); }
};

std::vector<Edge> edges_of(std::span<const DrawnRing> rings) {
  std::vector<Edge> edges;
  for (const DrawnRing& ring : rings) {
    for (std::size_t i = 0; i < ring.size(); ++i) edges.push_back({ring[i], ring[(i + 1) % ring.size()]});
  }
  std::erase_if(edges, [](const Edge& edge) { return edge.from.x == edge.to.x && edge.from.y == edge.to.y; });
  std::ranges::sort(edges, {}, &Edge::left);
  return edges;
}

// How far `point` lies to one side of the line through `edge`, px; negative on the other side.
double distance(const Edge& edge, DrawnPoint point) {
  const double x = edge.to.x - edge.from.x;
  const double y = edge.to.y - edge.from.y;
  return (x * (point.y - edge.from.y) - y * (point.x - edge.from.x)) / std::hypot(x, y);
}

bool on_both_sides(double one, double other) {
  return (one > kDepth && other < -kDepth) || (one < -kDepth && other > kDepth);
}

std::optional<DrawnPoint> crossing(const Edge& one, const Edge& other) {
  const double from = distance(one, other.from);
  const double to = distance(one, other.to);
  if (!on_both_sides(from, to) || !on_both_sides(distance(other, one.from), distance(other, one.to))) return {};
  const double part = from / (from - to);
  return DrawnPoint{other.from.x + part * (other.to.x - other.from.x),
                    other.from.y + part * (other.to.y - other.from.y)};
}

}  // namespace

std::optional<DrawnPoint> crossing_of(std::span<const DrawnRing> rings) {
  const std::vector<Edge> edges = edges_of(rings);
  std::vector<const Edge*> open;  // edges that the sweep from left to right has not left behind
  std::int64_t comparisons = 0;
  for (const Edge& edge : edges) {
    std::erase_if(open, [&](const Edge* other) { return other->right() < edge.left(); });
    comparisons += std::ssize(open);
    if (comparisons > kMostComparisons) {
      throw Error(ErrorCode::Unsupported, "a polygon has too many edges beside each other; simplify it");
    }
    for (const Edge* other : open) {
      if (other->bottom() < edge.top() || other->top() > edge.bottom()) continue;
      if (const auto place = crossing(*other, edge)) return place;
    }
    open.push_back(&edge);
  }
  return std::nullopt;
}

}  // namespace hipt::io
