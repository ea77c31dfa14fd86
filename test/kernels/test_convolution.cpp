#include <cmath>
#include <cstring>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hipt/kernels/convolution.h"

#include "test/kernels/kernel_support.h"

using namespace hipt;
using kernels::Activation;
using kernels::ConvolutionSizes;
using kernels::MapSize;
using test::GuardedFloats;

namespace {

std::size_t count(std::int64_t a, std::int64_t b, std::int64_t c = 1, std::int64_t d = 1) {
  return static_cast<std::size_t>(a * b * c * d);
}

// The convolution by its definition, in double, then the activation over what `before` holds.
std::vector<float> expected(const ConvolutionSizes& sizes, MapSize size, std::span<const float> x,
                            std::span<const float> weight, std::span<const float> bias, std::span<const float> before,
                            Activation activation) {
  const MapSize output = sizes.output(size);
  std::vector<float> y;
  for (std::int64_t row = 0; row < output.height; ++row) {
    for (std::int64_t column = 0; column < output.width; ++column) {
      for (std::int64_t out = 0; out < sizes.out; ++out) {
        double sum = bias[static_cast<std::size_t>(out)];
        for (std::int64_t tap = 0; tap < sizes.kernel * sizes.kernel; ++tap) {
          const std::int64_t r = row * sizes.stride + tap / sizes.kernel - sizes.padding;
          const std::int64_t c = column * sizes.stride + tap % sizes.kernel - sizes.padding;
          if (r < 0 || r >= size.height || c < 0 || c >= size.width) continue;
          for (std::int64_t in = 0; in < sizes.in; ++in) {
            sum += double{x[count(1, (r * size.width + c) * sizes.in + in)]} *
                   double{weight[count(1, (out * sizes.in + in) * sizes.kernel * sizes.kernel + tap)]};
          }
        }
        if (activation == Activation::AddThenRelu) sum += before[y.size()];
        y.push_back(static_cast<float>(activation == Activation::None ? sum : std::max(sum, 0.0)));
      }
    }
  }
  return y;
}

void check(const ConvolutionSizes& sizes, MapSize size, test::Worst& worst) {
  const GuardedFloats x("x", count(size.pixels(), sizes.in), 1, 1.0);
  const double scale = std::sqrt(3.0 / static_cast<double>(sizes.in * sizes.kernel * sizes.kernel));
  const GuardedFloats weight("w", count(sizes.out, sizes.in, sizes.kernel, sizes.kernel), 3, scale);
  const GuardedFloats bias("b", count(1, sizes.out), 5, 0.3);
  const kernels::Convolution convolution(weight.span(), bias.span(), sizes);
  kernels::ConvolutionWork work;
  for (const Activation activation : {Activation::None, Activation::Relu, Activation::AddThenRelu}) {
    GuardedFloats y("y", count(sizes.output(size).pixels(), sizes.out), 7, 1.0);
    const std::vector<float> wanted = expected(sizes, size, x.span(), weight.span(), bias.span(), y.span(), activation);
    convolution.apply(x.data(), size, y.data(), activation, work);
    worst.add(test::worst_error(y.span(), wanted),
              fmt::format("{} x {} x {} -> {}, kernel {} stride {}", size.height, size.width, sizes.in, sizes.out,
                          sizes.kernel, sizes.stride));
    CHECK(y.ends_untouched());
  }
}

}  // namespace

TEST_CASE("convolutions equal their definition at odd sizes") {
  for (const auto& [kernel, stride] : {std::pair<std::int64_t, std::int64_t>{1, 1}, {1, 2}, {3, 1}, {3, 2}, {7, 2}}) {
    test::Worst worst;
    for (const MapSize size : {MapSize{1, 1}, {1, 4}, {5, 2}, {7, 9}, {12, 6}}) {
      for (const std::int64_t in : {1, 3, 8, 20}) {
        for (const std::int64_t out : {1, 8, 17}) check({in, out, kernel, stride, kernel / 2}, size, worst);
      }
    }
    test::check_worst(fmt::format("convolution, kernel {} stride {}", kernel, stride), worst, 4e-6);
  }
}

TEST_CASE("convolutions of ResNet-50's shapes equal their definition") {
  test::Worst worst;
  check({3, 64, 7, 2, 3}, {20, 30}, worst);
  check({64, 64, 3, 1, 1}, {21, 16}, worst);
  check({128, 128, 3, 2, 1}, {14, 9}, worst);
  check({256, 256, 3, 1, 1}, {14, 6}, worst);
  check({512, 1024, 1, 2, 0}, {8, 8}, worst);
  check({1024, 256, 1, 1, 0}, {5, 7}, worst);
  test::check_worst("convolution, ResNet-50's shapes", worst, 4e-6);
}

TEST_CASE("one convolution gives the same bytes from many threads and after other sizes") {
  const ConvolutionSizes sizes{32, 48, 3, 1, 1};
  const GuardedFloats x("x", 40 * 40 * 32, 0, 1.0), weight("w", 48 * 32 * 9, 0, 1.0), bias("b", 48, 0, 1.0);
  const kernels::Convolution convolution(weight.span(), bias.span(), sizes);
  std::vector<std::vector<float>> results(4, std::vector<float>(40 * 40 * 48));
  {
    std::vector<std::jthread> threads;
    for (std::vector<float>& result : results) {
      threads.emplace_back([&] {
        kernels::ConvolutionWork work;
        for (std::int64_t side = 1; side < 40; ++side) {
          convolution.apply(x.data(), {side, 40 - side}, result.data(), Activation::Relu, work);
        }
        convolution.apply(x.data(), {40, 40}, result.data(), Activation::Relu, work);
      });
    }
  }
  for (const std::vector<float>& result : results) {
    CHECK(std::memcmp(result.data(), results[0].data(), result.size() * sizeof(float)) == 0);
  }
}
