#include "hipt/encode/principal_components.h"

#include <algorithm>
#include <cmath>

#include <opencv2/core.hpp>

namespace hipt::encode {
namespace {

constexpr std::int64_t kMostRows = 20000;  // rows that the axes are found on
constexpr std::int64_t kChunkRows = 4096;  // rows in memory at once
constexpr int kComponents = 3;

struct Axes {
  cv::Mat mean;  // [1, dim], double
  cv::Mat axes;  // [kComponents, dim], double
};

cv::Mat read_chunk(const FeatureTable& table, std::int64_t first, std::int64_t count) {
  const Array rows = table.read(first, count);
  const cv::Mat single(static_cast<int>(count), static_cast<int>(table.dim), CV_32F,
                       const_cast<float*>(rows.as<float>().data()));
  cv::Mat values;
  single.convertTo(values, CV_64F);
  return values;
}

// Every `step`-th row of the table among the rows of one chunk.
cv::Mat sampled_rows(const FeatureTable& table, std::int64_t first, std::int64_t step) {
  const cv::Mat chunk = read_chunk(table, first, std::min(kChunkRows, table.rows - first));
  cv::Mat sample;
  for (std::int64_t row = (first + step - 1) / step * step; row < first + chunk.rows; row += step) {
    sample.push_back(chunk.row(static_cast<int>(row - first)));
  }
  return sample;
}

Axes find_axes(const FeatureTable& table) {
  const std::int64_t step = (table.rows + kMostRows - 1) / kMostRows;
  const int dim = static_cast<int>(table.dim);
  cv::Mat sum = cv::Mat::zeros(1, dim, CV_64F);
  cv::Mat products = cv::Mat::zeros(dim, dim, CV_64F);
  double count = 0;
  for (std::int64_t first = 0; first < table.rows; first += kChunkRows) {
    const cv::Mat rows = sampled_rows(table, first, step);
    if (rows.empty()) continue;
    cv::Mat column_sums;
    cv::reduce(rows, column_sums, 0, cv::REDUCE_SUM);
    sum += column_sums;
    products += rows.t() * rows;
    count += rows.rows;
  }
  Axes result;
  result.mean = sum / count;
  const cv::Mat covariance = products / count - result.mean.t() * result.mean;
  cv::Mat values;
  cv::Mat vectors;
  cv::eigen(covariance, values, vectors);  // descending
  result.axes = vectors.rowRange(0, std::min(kComponents, vectors.rows)).clone();
  for (int axis = 0; axis < result.axes.rows; ++axis) {
    const double* weights = result.axes.ptr<double>(axis);
    const double* largest =
        std::max_element(weights, weights + dim, [](double a, double b) { return std::abs(a) < std::abs(b); });
    if (*largest < 0) result.axes.row(axis) *= -1.0;
  }
  return result;
}

// Linear scale of one column so that its 1st and 99th percentile become 0 and 1.
void stretch(std::vector<float>& colours, int component) {
  std::vector<float> sorted;
  for (std::size_t i = static_cast<std::size_t>(component); i < colours.size(); i += kComponents) {
    sorted.push_back(colours[i]);
  }
  std::sort(sorted.begin(), sorted.end());
  const float low = sorted[(sorted.size() - 1) / 100];
  const float high = sorted[(sorted.size() - 1) - (sorted.size() - 1) / 100];
  for (std::size_t i = static_cast<std::size_t>(component); i < colours.size(); i += kComponents) {
    colours[i] = high > low ? std::clamp((colours[i] - low) / (high - low), 0.0f, 1.0f) : 0.5f;
  }
}

}  // namespace

std::vector<float> component_colours(const FeatureTable& table) {
  std::vector<float> colours(static_cast<std::size_t>(table.rows) * kComponents, 0.5f);
  if (table.rows < 2) return colours;
  const Axes found = find_axes(table);
  for (std::int64_t first = 0; first < table.rows; first += kChunkRows) {
    const std::int64_t count = std::min(kChunkRows, table.rows - first);
    cv::Mat chunk = read_chunk(table, first, count);
    for (int row = 0; row < chunk.rows; ++row) chunk.row(row) -= found.mean;
    const cv::Mat projected = chunk * found.axes.t();
    for (int row = 0; row < projected.rows; ++row) {
      for (int axis = 0; axis < projected.cols; ++axis) {
        colours[static_cast<std::size_t>(first + row) * kComponents + static_cast<std::size_t>(axis)] =
            static_cast<float>(projected.at<double>(row, axis));
      }
    }
  }
  for (int component = 0; component < std::min<int>(kComponents, found.axes.rows); ++component) {
    stretch(colours, component);
  }
  return colours;
}

}  // namespace hipt::encode
