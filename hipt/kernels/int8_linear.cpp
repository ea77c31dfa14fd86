#include "hipt/kernels/int8_linear.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/kernels/int8_product_internal.h"
#include "hipt/kernels/onednn_internal.h"

namespace hipt::kernels {
namespace {

using Type = Memory::data_type;

constexpr std::int64_t kMostInputs = 66'000;  // x 255 x 127 stays below 2^31
constexpr std::int32_t kSignedZero = 128;     // the byte of 0

Memory::desc matrix(std::int64_t rows, std::int64_t cols, Type type, Tag tag = Tag::ab) {
  return {{rows, cols}, type, tag};
}

struct QuantisedWeights {
  std::vector<std::int8_t> values;        // [out, in]
  std::vector<float> scales;              // [out]
  std::vector<std::int32_t> corrections;  // [out]: what Signed has too much in each sum
  std::vector<float> bias;                // [out]
};

QuantisedWeights quantised(std::span<const float> weight, std::span<const float> bias, std::int64_t in,
                           std::int64_t out, ByteCode code) {
  const auto width = static_cast<std::size_t>(in);
  QuantisedWeights result;
  result.values.reserve(weight.size());
  for (std::size_t o = 0; o < static_cast<std::size_t>(out); ++o) {
    const std::span<const float> row = weight.subspan(o * width, width);
    float largest = 0.0f;
    for (const float value : row) largest = std::max(largest, std::abs(value));
    const float scale = largest / 127.0f;
    std::int32_t sum = 0;
    for (const float value : row) {
      const auto step = static_cast<std::int8_t>(scale == 0.0f ? 0.0f : std::nearbyint(value / scale));
      result.values.push_back(step);
      sum += step;
    }
    double offset = bias.empty() ? 0.0 : double{bias[o]};
    if (code == ByteCode::FromLowest) offset += double{kGeluLowest} * scale * sum;
    result.scales.push_back(scale);
    result.corrections.push_back(code == ByteCode::Signed ? -kSignedZero * sum : 0);
    result.bias.push_back(static_cast<float>(offset));
  }
  return result;
}

// oneDNN's product of u8 rows with s8 weights: the sums and `corrections` in 32 bits, times the channel's scale.
dnnl::matmul::primitive_desc describe(std::int64_t rows, std::int64_t in, std::int64_t out, const Memory::desc& weights,
                                      const std::vector<float>& scales) {
  constexpr int kEachChannel = 1 << 1;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_output_scales(kEachChannel, scales);
  const dnnl::matmul::desc product(matrix(rows, in, Type::u8), weights, matrix(1, out, Type::s32),
                                   matrix(rows, out, Type::f32));
  return {product, attributes, processor()};
}

// oneDNN calls its implementations for VNNI and AMX "brg:avx512_core_vnni" and the like; of its others some saturate.
bool is_fast(const dnnl::matmul::primitive_desc& description) {
  const std::string_view implementation = description.impl_info_str();
  return implementation.starts_with("brg") && (implementation.find("vnni") != std::string_view::npos ||
                                               implementation.find("amx") != std::string_view::npos);
}

// The layout that oneDNN wants weights in, an empty one where it has no fast product for them: neither for a picture's
// tokens nor for the few rows of a last block.
Memory::desc fast_layout(std::int64_t in, std::int64_t out, const std::vector<float>& scales) {
  constexpr std::int64_t kTokens = 257, kFewRows = 2;
  const auto description = describe(kTokens, in, out, matrix(in, out, Type::s8, Tag::any), scales);
  if (!is_fast(description)) return {};
  const Memory::desc layout = description.weights_desc();
  return is_fast(describe(kFewRows, in, out, layout, scales)) ? layout : Memory::desc();
}

}  // namespace

struct Int8Linear::State {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::vector<float> bias;
  WideWeights wide;  // without oneDNN

  // with oneDNN
  std::vector<float> scales;
  std::vector<std::int32_t> corrections;
  Memory::desc weight_layout;
  Memory weight;
  struct Plan {
    dnnl::matmul::primitive_desc description;
    dnnl::matmul primitive;
  };
  std::mutex mutex;
  std::map<std::int64_t, std::shared_ptr<const Plan>> plans;  // by rows

  bool pack_for_onednn(QuantisedWeights& given) {
    weight_layout = fast_layout(in, out, given.scales);
    if (weight_layout.is_zero()) return false;
    weight = Memory(weight_layout, processor());
    Memory plain(matrix(in, out, Type::s8, Tag::ba), processor(), given.values.data());
    dnnl::reorder(plain, weight).execute(calling_thread(), plain, weight);
    calling_thread().wait();
    scales = std::move(given.scales);
    corrections = std::move(given.corrections);
    return true;
  }

  void pack_wide(QuantisedWeights& given) {
    const auto width = static_cast<std::size_t>(in);
    wide.in = width;
    wide.padded_in = padded_for_int8_product(width);
    wide.values.resize(static_cast<std::size_t>(out) * wide.padded_in);
    for (std::size_t o = 0; o < static_cast<std::size_t>(out); ++o) {
      std::copy_n(given.values.data() + o * width, width, wide.values.data() + o * wide.padded_in);
    }
    wide.scales = std::move(given.scales);
    wide.corrections = std::move(given.corrections);
  }

  std::shared_ptr<const Plan> plan(std::int64_t rows) {
    constexpr std::size_t kMostPlans = 32;
    const std::scoped_lock lock(mutex);
    if (const auto found = plans.find(rows); found != plans.end()) return found->second;
    if (plans.size() >= kMostPlans) plans.clear();
    const auto description = describe(rows, in, out, weight_layout, scales);
    if (!is_fast(description)) {
      throw Error(ErrorCode::Internal, fmt::format("8-bit product of {} x {} -> {}: oneDNN would take {}", rows, in,
                                                   out, description.impl_info_str()));
    }
    auto made = std::make_shared<const Plan>(Plan{description, dnnl::matmul(description)});
    plans.emplace(rows, made);
    return made;
  }

  void run_onednn(const std::uint8_t* x, std::int64_t rows, float* y, Scratch& scratch) {
    const OneOpenMpThread alone;
    const std::shared_ptr<const Plan> chosen = plan(rows);
    const dnnl::matmul::primitive_desc& description = chosen->description;
    const std::size_t bytes = description.scratchpad_desc().get_size();
    chosen->primitive.execute(
        calling_thread(), {{DNNL_ARG_SRC, Memory(description.src_desc(), processor(), const_cast<std::uint8_t*>(x))},
                           {DNNL_ARG_WEIGHTS, weight},
                           {DNNL_ARG_BIAS, Memory(description.bias_desc(), processor(), corrections.data())},
                           {DNNL_ARG_DST, Memory(description.dst_desc(), processor(), y)},
                           {DNNL_ARG_SCRATCHPAD, Memory(description.scratchpad_desc(), processor(),
                                                        scratch.floats(bytes / sizeof(float) + 1))}});
    calling_thread().wait();
  }

  void run_wide(const std::uint8_t* x, std::int64_t rows, float* y, Scratch& scratch) const {
    const auto count = static_cast<std::size_t>(rows);
    int8_product(x, count, wide, scratch.numbers<std::int16_t>(count * wide.padded_in), y);
  }
};

Int8Linear::Int8Linear(std::span<const float> weight, std::span<const float> bias, std::int64_t in, std::int64_t out,
                       ByteCode code)
    : state_(std::make_unique<State>()) {
  if (in > kMostInputs) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("a linear layer of {} inputs: sums of bytes stay within 32 bits up to {}; use f32", in,
                            kMostInputs));
  }
  QuantisedWeights given = quantised(weight, bias, in, out, code);
  state_->in = in;
  state_->out = out;
  state_->bias = std::move(given.bias);
  translating_errors("packing 8-bit weights", [&] {
    const OneOpenMpThread alone;
    if (!state_->pack_for_onednn(given)) state_->pack_wide(given);
  });
}

Int8Linear::~Int8Linear() = default;
Int8Linear::Int8Linear(Int8Linear&&) noexcept = default;
Int8Linear& Int8Linear::operator=(Int8Linear&&) noexcept = default;

std::int64_t Int8Linear::in() const {
  return state_->in;
}
std::int64_t Int8Linear::out() const {
  return state_->out;
}
std::span<const float> Int8Linear::bias() const {
  return state_->bias;
}

void Int8Linear::apply(const std::uint8_t* x, std::int64_t rows, float* y, Scratch& scratch) const {
  if (!state_->weight) return state_->run_wide(x, rows, y, scratch);
  translating_errors("8-bit matrix product", [&] { state_->run_onednn(x, rows, y, scratch); });
}

bool has_fast_int8() {
  static const bool fast = translating_errors("8-bit matrix product", [] {
    constexpr std::int64_t kSize = 384;
    return !fast_layout(kSize, kSize, std::vector<float>(static_cast<std::size_t>(kSize), 1.0f)).is_zero();
  });
  return fast;
}

}  // namespace hipt::kernels
