#include <string_view>
#include <unordered_map>

#include <fmt/format.h>

#include "hipt/kernels/onednn_product_internal.h"

namespace hipt::kernels {
namespace {

Memory::desc matrix(std::int64_t rows, std::int64_t cols, Memory::data_type type, Tag tag = Tag::ab) {
  return {{rows, cols}, type, tag};
}

}  // namespace

OnednnProduct::OnednnProduct(std::span<const float> weight, std::int64_t in, std::int64_t out, Memory::data_type type)
    : in_(in), out_(out), type_(type) {
  translating_errors("packing weights", [&] {
    const OneOpenMpThread alone;
    pack(weight);
  });
}

dnnl::matmul::primitive_desc OnednnProduct::describe(std::int64_t rows, const Epilogue& epilogue,
                                                     const Memory::desc& weights) const {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops after;
  if (epilogue.add) after.append_sum(1.0f);
  if (epilogue.relu) after.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
  attributes.set_post_ops(after);
  constexpr auto kFloat = Memory::data_type::f32;
  const Memory::desc x = matrix(rows, in_, type_), y = matrix(rows, out_, kFloat);
  const auto product = epilogue.bias != nullptr ? dnnl::matmul::desc(x, weights, matrix(1, out_, kFloat), y)
                                                : dnnl::matmul::desc(x, weights, y);
  return {product, attributes, processor()};
}

// oneDNN's implementations "brg:..." (AVX-512, AMX) want weights in blocks of their own. Its "gemm" (AVX2 and below)
// packs weights as it goes, fastest from [in, out] whose rows are a cache line longer than they need be: at the sizes
// of ViT-256 95 % of the peak, against 69 % (out = 1536) to 92 % without, and 85 % from [out, in]. Its other ways with
// bf16 are slower than float32: they are refused rather than taken.
void OnednnProduct::pack(std::span<const float> values) {
  constexpr std::int64_t kTypicalRows = 257;
  constexpr std::int64_t kPaddingFloats = 16;
  weight_layout_ = describe(kTypicalRows, {}, matrix(in_, out_, type_, Tag::any)).weights_desc();
  const std::string_view implementation = describe(kTypicalRows, {}, weight_layout_).impl_info_str();
  if (!implementation.starts_with("brg")) {
    if (type_ != Memory::data_type::f32) {
      throw Error(ErrorCode::Device, fmt::format("oneDNN has no fast bf16 product for this machine, but {} ({} -> {})",
                                                 implementation, in_, out_));
    }
    weight_layout_ = Memory::desc({in_, out_}, type_, Memory::dims{out_ + kPaddingFloats, 1});
  }
  weight_ = Memory(weight_layout_, processor());
  Memory given(matrix(in_, out_, Memory::data_type::f32, Tag::ba), processor(), const_cast<float*>(values.data()));
  dnnl::reorder(given, weight_).execute(calling_thread(), given, weight_);
  calling_thread().wait();
}

std::shared_ptr<const OnednnProduct::Plan> OnednnProduct::plan(std::int64_t rows, const Epilogue& epilogue) {
  constexpr std::size_t kMostPlans = 32;
  const PlanKey key{rows, epilogue.bias != nullptr, epilogue.add, epilogue.relu};
  const std::scoped_lock lock(mutex_);
  if (const auto found = plans_.find(key); found != plans_.end()) return found->second;
  if (plans_.size() >= kMostPlans) plans_.clear();
  const auto description = describe(rows, epilogue, weight_layout_);
  auto made = std::make_shared<const Plan>(Plan{description, dnnl::matmul(description)});
  plans_.emplace(key, made);
  return made;
}

void OnednnProduct::run(const void* x, std::int64_t rows, float* y, const Epilogue& epilogue, Scratch& scratch) {
  translating_errors("matrix product", [&] {
    const OneOpenMpThread alone;
    const std::shared_ptr<const Plan> chosen = plan(rows, epilogue);
    const dnnl::matmul::primitive_desc& description = chosen->description;
    const std::size_t bytes = description.scratchpad_desc().get_size();
    std::unordered_map<int, Memory> arguments = {
        {DNNL_ARG_SRC, Memory(description.src_desc(), processor(), const_cast<void*>(x))},
        {DNNL_ARG_WEIGHTS, weight_},
        {DNNL_ARG_DST, Memory(description.dst_desc(), processor(), y)},
        {DNNL_ARG_SCRATCHPAD,
         Memory(description.scratchpad_desc(), processor(), scratch.floats(bytes / sizeof(float) + 1))}};
    if (epilogue.bias != nullptr) {
      arguments.emplace(DNNL_ARG_BIAS, Memory(description.bias_desc(), processor(), const_cast<float*>(epilogue.bias)));
    }
    chosen->primitive.execute(calling_thread(), arguments);
    calling_thread().wait();
  });
}

}  // namespace hipt::kernels
