#pragma once
// Engine: one loaded ViT ready to run. Two stand behind it: `reference` (plain loops, to read beside the paper) and
// `cpu` (oneDNN products, own kernels).

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hipt/base/array.h"
#include "hipt/base/rgb_view.h"
#include "hipt/vit/config.h"
#include "hipt/vit/precision.h"
#include "hipt/vit/weights.h"

namespace hipt::vit {

// What to compute besides the class token.
struct Request {
  bool tokens = false;           // norm(x) of every token
  bool attention = false;        // softmax of the last block
  std::int64_t last_blocks = 0;  // normed outputs of the last n blocks (get_intermediate_layers)
};

// Tokens are in the order of the sequence: class token, register tokens, grid row by row.
struct Outputs {
  Array class_token;          // [dim]
  Array tokens;               // [tokens, dim]                     when asked
  Array attention;            // [heads, tokens, tokens]           when asked (get_last_selfattention)
  std::vector<Array> blocks;  // n x [tokens, dim], oldest first   when asked
};

// Immutable and safe from many threads; a call runs on the calling thread alone. The caller spreads calls over a pool.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual const ViTConfig& config() const = 0;

  // Class tokens of pictures whose sides are multiples of token_px (TokenSource::Pixels): out [pictures, dim].
  // A picture's result does not depend on the others. Throws InvalidArgument for a wrong size.
  virtual void encode(std::span<const RgbView> pictures, std::span<float> out) const = 0;
  // Class token of a grid of features [rows * cols, input_dim], row-major (TokenSource::Features): out [dim].
  virtual void encode_grid(std::span<const float> features, std::int64_t rows, std::int64_t cols,
                           std::span<float> out) const = 0;

  virtual Outputs run(RgbView picture, const Request& request) const = 0;
  virtual Outputs run_grid(std::span<const float> features, std::int64_t rows, std::int64_t cols,
                           const Request& request) const = 0;
};

std::unique_ptr<Engine> make_reference_engine(std::shared_ptr<const Weights> weights);
// Throws Device for a precision without instructions on this machine, unless it may be emulated.
std::unique_ptr<Engine> make_cpu_engine(std::shared_ptr<const Weights> weights,
                                        Precision precision = Precision::Float32,
                                        IfLacking if_lacking = IfLacking::Refuse);

// To run once in each thread that calls a cpu engine: oneDNN and OpenMP must not start threads of their own.
void prepare_engine_thread();

}  // namespace hipt::vit
