#include "hipt/tiling/simplify.h"

#include <algorithm>
#include <cmath>

namespace hipt::tiling {
namespace {

constexpr std::size_t kLeastPoints = 4;  // of a closed ring, its first point counted twice

struct Segment {
  PlanePoint a, b;
};

double distance(PlanePoint a, PlanePoint b) {
  return std::hypot(b.x - a.x, b.y - a.y);
}

double distance(PlanePoint point, const Segment& segment) {
  const auto [a, b] = segment;
  const PlanePoint along{b.x - a.x, b.y - a.y};
  const double squared = along.x * along.x + along.y * along.y;
  if (squared == 0) return distance(point, a);
  const double place = ((point.x - a.x) * along.x + (point.y - a.y) * along.y) / squared;
  if (place <= 0) return distance(point, a);
  if (place >= 1) return distance(point, b);
  return std::abs((a.y - point.y) * along.x - (a.x - point.x) * along.y) / std::sqrt(squared);
}

// -1, 0, 1: on which side of the segment's line the point lies.
int side_of(PlanePoint point, const Segment& s) {
  const double area = (s.b.x - s.a.x) * (point.y - s.a.y) - (s.b.y - s.a.y) * (point.x - s.a.x);
  return (area > 0) - (area < 0);
}

bool in_box(PlanePoint point, const Segment& s) {
  return point.x >= std::min(s.a.x, s.b.x) && point.x <= std::max(s.a.x, s.b.x) && point.y >= std::min(s.a.y, s.b.y) &&
         point.y <= std::max(s.a.y, s.b.y);
}

// Whether the point lies on the segment, not at its ends.
bool is_within(PlanePoint point, const Segment& s, int side) {
  return side == 0 && point != s.a && point != s.b && in_box(point, s);
}

// Whether two segments have more in common than one end each.
bool collide(const Segment& s, const Segment& t) {
  if ((s.a == t.a && s.b == t.b) || (s.a == t.b && s.b == t.a)) return true;
  const int s_a = side_of(s.a, t);
  const int s_b = side_of(s.b, t);
  const int t_a = side_of(t.a, s);
  const int t_b = side_of(t.b, s);
  if (s_a * s_b < 0 && t_a * t_b < 0) return true;
  return is_within(s.a, t, s_a) || is_within(s.b, t, s_b) || is_within(t.a, s, t_a) || is_within(t.b, s, t_b);
}

// The segments of a polygon as it is simplified, in horizontal bands, so that a question looks at those beside it.
class Segments {
 public:
  explicit Segments(const Polygon& polygon) {
    double bottom = top_ = polygon.outline.front().y;
    double height_of_all = 0;
    std::size_t points = 0;
    for_each_ring(polygon, [&](const PlaneRing& ring) {
      points += ring.size();
      for (std::size_t i = 0; i < ring.size(); ++i) {
        top_ = std::min(top_, ring[i].y);
        bottom = std::max(bottom, ring[i].y);
        height_of_all += std::abs(ring[(i + 1) % ring.size()].y - ring[i].y);
      }
    });
    // Bands as high as the mean segment: on average one touches two, and there are at most as many as segments.
    band_height_ = std::max(height_of_all / static_cast<double>(points), 1e-9);
    bands_.resize(static_cast<std::size_t>((bottom - top_) / band_height_) + 1);
    for_each_ring(polygon, [&](const PlaneRing& ring) {
      ring_begin_.push_back(segments_.size());
      for (std::size_t i = 0; i < ring.size(); ++i) add({ring[i], ring[(i + 1) % ring.size()]});
    });
  }

  // A line takes the place of the segments [from, to) of a ring.
  void replace(std::size_t ring, std::size_t from, std::size_t to, const Segment& line) {
    for (std::size_t i = from; i < to; ++i) gone_[ring_begin_[ring] + i] = true;
    add(line);
  }

  // Whether the line that would replace the segments [from, to) of a ring meets any other segment.
  bool meets_others(std::size_t ring, std::size_t from, std::size_t to, const Segment& line) const {
    const std::size_t first = ring_begin_[ring] + from;
    const std::size_t last = ring_begin_[ring] + to;
    const auto [low, high] = std::minmax(line.a.y, line.b.y);
    for (std::size_t band = band_of(low); band <= band_of(high); ++band) {
      for (const std::size_t other : bands_[band]) {
        const bool replaced = gone_[other] || (other >= first && other < last);
        if (!replaced && collide(line, segments_[other])) return true;
      }
    }
    return false;
  }

  template <class Action>
  static void for_each_ring(const Polygon& polygon, const Action& action) {
    action(polygon.outline);
    for (const PlaneRing& hole : polygon.holes) action(hole);
  }

 private:
  std::size_t band_of(double y) const {
    const double band = std::clamp((y - top_) / band_height_, 0.0, static_cast<double>(bands_.size() - 1));
    return static_cast<std::size_t>(band);
  }
  void add(const Segment& segment) {
    const auto [low, high] = std::minmax(segment.a.y, segment.b.y);
    for (std::size_t band = band_of(low); band <= band_of(high); ++band) bands_[band].push_back(segments_.size());
    segments_.push_back(segment);
    gone_.push_back(false);
  }

  double top_ = 0;
  double band_height_ = 1;
  std::vector<std::vector<std::size_t>> bands_;  // indices of segments
  std::vector<Segment> segments_;                // of all rings, then the lines that replaced some
  std::vector<bool> gone_;
  std::vector<std::size_t> ring_begin_;
};

class RingSimplifier {
 public:
  RingSimplifier(const PlaneRing& ring, std::size_t number, double tolerance, Segments& segments)
      : ring_(ring), number_(number), tolerance_(tolerance), segments_(segments) {}

  PlaneRing run() {
    // A stack instead of recursion: a ring may have a million points. Depth 1 is the whole ring.
    std::vector<Section> sections = {{0, ring_.size(), 1}};
    PlaneRing kept;
    while (!sections.empty()) {
      const Section section = sections.back();
      sections.pop_back();
      const std::size_t farthest = farthest_point(section);
      if (farthest == section.begin || flatten(section, farthest, kept.size())) {
        kept.push_back(at(section.begin));
        continue;
      }
      sections.push_back({farthest, section.end, section.depth + 1});
      sections.push_back({section.begin, farthest, section.depth + 1});
    }
    const bool drop_first = kept.size() >= kLeastPoints && distance(kept[0], {kept.back(), kept[1]}) <= tolerance_;
    if (drop_first) kept.erase(kept.begin());
    return kept;
  }

 private:
  // Points begin to end of the closed ring, `end` included.
  struct Section {
    std::size_t begin, end, depth;
  };

  PlanePoint at(std::size_t index) const { return ring_[index % ring_.size()]; }
  Segment line_of(const Section& section) const { return {at(section.begin), at(section.end)}; }

  // `begin` when there is no point between.
  std::size_t farthest_point(const Section& section) const {
    std::size_t farthest = section.begin;
    double most = -1;
    for (std::size_t i = section.begin + 1; i < section.end; ++i) {
      const double now = distance(at(i), line_of(section));
      if (now <= most) continue;
      most = now;
      farthest = i;
    }
    return farthest;
  }

  // Replaces the section by its line if that is near enough, leaves enough points and meets nothing else.
  bool flatten(const Section& section, std::size_t farthest, std::size_t kept) {
    const std::size_t points = kept == 0 ? 0 : kept + 1;  // of the closed ring so far
    if (points < kLeastPoints && section.depth + 1 < kLeastPoints) return false;
    const Segment line = line_of(section);
    if (distance(at(farthest), line) > tolerance_) return false;
    if (segments_.meets_others(number_, section.begin, section.end, line)) return false;
    segments_.replace(number_, section.begin, section.end, line);
    return true;
  }

  const PlaneRing& ring_;
  std::size_t number_;  // of the ring in its polygon
  double tolerance_;
  Segments& segments_;
};

PlaneRing ring_of(const tissue::Ring& ring) {
  PlaneRing points;
  points.reserve(ring.size());
  for (const Level0Point point : ring) points.push_back({static_cast<double>(point.x), static_cast<double>(point.y)});
  return points;
}

}  // namespace

std::vector<Polygon> polygons_of(const tissue::Tissue& tissue) {
  std::vector<Polygon> polygons;
  for (const tissue::Contour& contour : tissue.contours) {
    if (!contour.drawn.empty()) {
      polygons.push_back({contour.drawn.front(), {contour.drawn.begin() + 1, contour.drawn.end()}});
      continue;
    }
    Polygon& polygon = polygons.emplace_back(ring_of(contour.outline));
    for (const tissue::Ring& hole : contour.holes) polygon.holes.push_back(ring_of(hole));
  }
  return polygons;
}

Polygon simplify(const Polygon& polygon, double tolerance) {
  if (polygon.outline.empty()) return polygon;
  Segments segments(polygon);
  std::vector<PlaneRing> rings;
  Segments::for_each_ring(polygon, [&](const PlaneRing& ring) {
    const bool small = ring.size() < kLeastPoints;  // a triangle, or less
    rings.push_back(small ? ring : RingSimplifier(ring, rings.size(), tolerance, segments).run());
  });
  Polygon simple{std::move(rings.front()), {}};
  simple.holes.assign(std::make_move_iterator(rings.begin() + 1), std::make_move_iterator(rings.end()));
  return simple;
}

}  // namespace hipt::tiling
