#pragma once
// Rows of numbers in bytes, the input of Int8Linear. Each row is quantised by itself, with a scale of its own: a
// picture's result depends on no other, and nothing is calibrated. Decision 14 tells how the codes were chosen.

#include <cstdint>
#include <span>

namespace hipt::kernels {

// What a byte of a row stands for.
enum class ByteCode {
  Signed,      // scale * (byte - 128): steps of max |row| / 127. After layer norm and attention
  FromLowest,  // scale * byte + kGeluLowest: steps of (max row - kGeluLowest) / 255. After GELU
};

inline constexpr float kGeluLowest = -0.17f;  // GELU's minimum is -0.16997, wherever its input lies

// [rows, cols] bytes and [rows] scales, which the functions below write.
struct ByteRows {
  std::uint8_t* bytes = nullptr;
  float* scales = nullptr;
};

// A product on its way to the numbers of the layer: scales[row] * data[row] + bias, data [rows, bias size].
struct ScaledProduct {
  const float* data = nullptr;
  const float* scales = nullptr;
  std::span<const float> bias;
};

// x [rows, bias size] += product.
void add_product(std::span<float> x, const ScaledProduct& product);
void add_product_reference(std::span<float> x, const ScaledProduct& product);

// Quantises each row of x [rows, cols], Signed.
void quantise_rows(std::span<const float> x, std::int64_t cols, ByteRows out);
void quantise_rows_reference(std::span<const float> x, std::int64_t cols, ByteRows out);

// Quantises layer_norm(x), Signed, for x [rows, gain.size()].
void quantise_layer_norm(std::span<const float> x, std::span<const float> gain, std::span<const float> bias,
                         float epsilon, ByteRows out);
void quantise_layer_norm_reference(std::span<const float> x, std::span<const float> gain, std::span<const float> bias,
                                   float epsilon, ByteRows out);

// x += product, then quantises layer_norm(x), each row while it is in the nearest cache.
void add_then_quantise_layer_norm(std::span<float> x, const ScaledProduct& product, std::span<const float> gain,
                                  std::span<const float> bias, float epsilon, ByteRows out);
void add_then_quantise_layer_norm_reference(std::span<float> x, const ScaledProduct& product,
                                            std::span<const float> gain, std::span<const float> bias, float epsilon,
                                            ByteRows out);

// Quantises gelu(product) of `rows` rows, FromLowest.
void quantise_gelu(const ScaledProduct& product, std::int64_t rows, ByteRows out);
void quantise_gelu_reference(const ScaledProduct& product, std::int64_t rows, ByteRows out);

}  // namespace hipt::kernels
