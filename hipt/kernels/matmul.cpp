#include "hipt/kernels/matmul.h"

#include <map>
#include <mutex>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include <fmt/format.h>

#include "hipt/kernels/onednn_internal.h"

namespace hipt::kernels {
namespace {

Memory::desc matrix(std::int64_t rows, std::int64_t cols, Tag tag = Tag::ab) {
  return {{rows, cols}, Memory::data_type::f32, tag};
}

std::string_view product_instructions() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return "SSE4.1";
    case dnnl::cpu_isa::avx:
      return "AVX";
    case dnnl::cpu_isa::avx2:
      return "AVX2";
    case dnnl::cpu_isa::avx2_vnni:
      return "AVX2 and VNNI";
    case dnnl::cpu_isa::avx512_core:
      return "AVX-512";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "AVX-512 and VNNI";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "AVX-512, VNNI and bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "AVX-512, VNNI, bf16 and AMX";
    default:
      return "other instructions";
  }
}

}  // namespace

struct Linear::State {
  std::int64_t in = 0;
  std::int64_t out = 0;
  Memory::desc weight_layout;
  Memory weight;

  struct Plan {
    dnnl::matmul::primitive_desc description;
    dnnl::matmul primitive;
  };
  std::mutex mutex;
  using PlanKey = std::tuple<std::int64_t, bool, bool, bool>;  // rows; bias, add and relu of the epilogue
  std::map<PlanKey, std::shared_ptr<const Plan>> plans;

  dnnl::matmul::primitive_desc describe(std::int64_t rows, const Epilogue& epilogue,
                                        const Memory::desc& weights) const {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    dnnl::post_ops after;
    if (epilogue.add) after.append_sum(1.0f);
    if (epilogue.relu) after.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
    attributes.set_post_ops(after);
    const Memory::desc x = matrix(rows, in), y = matrix(rows, out);
    const auto product = epilogue.bias != nullptr ? dnnl::matmul::desc(x, weights, matrix(1, out), y)
                                                  : dnnl::matmul::desc(x, weights, y);
    return {product, attributes, processor()};
  }

  // oneDNN's "brgemm" implementations (AVX-512, AMX) want weights in blocks of their own. Its "gemm" (AVX2 and below)
  // packs weights as it goes, fastest from [in, out] whose rows are a cache line longer than they need be: at the sizes
  // of ViT-256 95 % of the peak, against 69 % (out = 1536) to 92 % without, and 85 % from [out, in].
  void pack(std::span<const float> values) {
    constexpr std::int64_t kTypicalRows = 257;
    constexpr std::int64_t kPaddingFloats = 16;
    weight_layout = describe(kTypicalRows, {}, matrix(in, out, Tag::any)).weights_desc();
    const std::string_view implementation = describe(kTypicalRows, {}, weight_layout).impl_info_str();
    if (implementation.find("brgemm") == std::string_view::npos) {
      weight_layout = Memory::desc({in, out}, Memory::data_type::f32, Memory::dims{out + kPaddingFloats, 1});
    }
    weight = Memory(weight_layout, processor());
    Memory given(matrix(in, out, Tag::ba), processor(), const_cast<float*>(values.data()));
    dnnl::reorder(given, weight).execute(calling_thread(), given, weight);
    calling_thread().wait();
  }

  std::shared_ptr<const Plan> plan(std::int64_t rows, const Epilogue& epilogue) {
    constexpr std::size_t kMostPlans = 32;
    const PlanKey key{rows, epilogue.bias != nullptr, epilogue.add, epilogue.relu};
    const std::scoped_lock lock(mutex);
    if (const auto found = plans.find(key); found != plans.end()) return found->second;
    if (plans.size() >= kMostPlans) plans.clear();
    const auto description = describe(rows, epilogue, weight_layout);
    auto made = std::make_shared<const Plan>(Plan{description, dnnl::matmul(description)});
    plans.emplace(key, made);
    return made;
  }

  void run(const float* x, std::int64_t rows, float* y, const Epilogue& epilogue, Scratch& scratch) {
    translating_errors("matrix product", [&] {
      const OneOpenMpThread alone;
      const std::shared_ptr<const Plan> chosen = plan(rows, epilogue);
      const dnnl::matmul::primitive_desc& description = chosen->description;
      const std::size_t bytes = description.scratchpad_desc().get_size();
      std::unordered_map<int, Memory> arguments = {
          {DNNL_ARG_SRC, Memory(description.src_desc(), processor(), const_cast<float*>(x))},
          {DNNL_ARG_WEIGHTS, weight},
          {DNNL_ARG_DST, Memory(description.dst_desc(), processor(), y)},
          {DNNL_ARG_SCRATCHPAD,
           Memory(description.scratchpad_desc(), processor(), scratch.floats(bytes / sizeof(float) + 1))}};
      if (epilogue.bias != nullptr) {
        arguments.emplace(DNNL_ARG_BIAS,
                          Memory(description.bias_desc(), processor(), const_cast<float*>(epilogue.bias)));
      }
      chosen->primitive.execute(calling_thread(), arguments);
      calling_thread().wait();
    });
  }
};

Linear::Linear(std::span<const float> weight, std::int64_t in, std::int64_t out) : state_(std::make_unique<State>()) {
  translating_errors("packing weights", [&] {
    const OneOpenMpThread alone;
    state_->in = in;
    state_->out = out;
    state_->pack(weight);
  });
}

Linear::~Linear() = default;
Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;

std::int64_t Linear::in() const {
  return state_->in;
}
std::int64_t Linear::out() const {
  return state_->out;
}

void Linear::apply(const float* x, std::int64_t rows, float* y, Scratch& scratch, const Epilogue& epilogue) const {
  state_->run(x, rows, y, epilogue, scratch);
}

void use_calling_thread_only() {
  omp_set_num_threads(1);
}

std::string product_library() {
  forced_instruction_set();
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{} with {}", version->major, version->minor, version->patch, product_instructions());
}

}  // namespace hipt::kernels
