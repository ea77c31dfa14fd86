#include "hipt/kernels/convolution.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "hipt/kernels/matmul.h"
#include "hipt/kernels/onednn_internal.h"
#include "hipt/kernels/winograd.h"

namespace hipt::kernels {

MapSize ConvolutionSizes::output(MapSize size) const {
  return {(size.height + 2 * padding - kernel) / stride + 1, (size.width + 2 * padding - kernel) / stride + 1};
}

struct Convolution::Method {
  explicit Method(const ConvolutionSizes& given, std::span<const float> given_bias)
      : sizes(given), bias(given_bias.begin(), given_bias.end()) {}
  virtual ~Method() = default;
  virtual void apply(const float* x, MapSize size, float* y, Activation activation, ConvolutionWork& work) = 0;

  const ConvolutionSizes sizes;
  const std::vector<float> bias;
};

// 1 x 1: a product over pixels. At a stride, the pixels that count are gathered first.
class Convolution::Product final : public Method {
 public:
  Product(std::span<const float> weight, std::span<const float> its_bias, const ConvolutionSizes& its_sizes)
      : Method(its_sizes, its_bias), linear_(weight, its_sizes.in, its_sizes.out) {}

  void apply(const float* x, MapSize size, float* y, Activation activation, ConvolutionWork& work) override {
    const MapSize output = sizes.output(size);
    const Epilogue epilogue{bias.data(), activation == Activation::AddThenRelu, activation != Activation::None};
    if (sizes.stride == 1) {
      linear_.apply(x, output.pixels(), y, work.inner, epilogue);
      return;
    }
    float* gathered = work.maps.floats(static_cast<std::size_t>(output.pixels() * sizes.in));
    float* next = gathered;
    for (std::int64_t row = 0; row < output.height; ++row) {
      for (std::int64_t column = 0; column < output.width; ++column) {
        next = std::copy_n(x + (row * size.width + column) * sizes.stride * sizes.in, sizes.in, next);
      }
    }
    linear_.apply(gathered, output.pixels(), y, work.inner, epilogue);
  }

 private:
  Linear linear_;
};

// 3 x 3 at stride 1.
class Convolution::Squares final : public Method {
 public:
  Squares(std::span<const float> weight, std::span<const float> its_bias, const ConvolutionSizes& its_sizes)
      : Method(its_sizes, {}), winograd_(weight, its_bias, its_sizes.in, its_sizes.out) {}

  void apply(const float* x, MapSize size, float* y, Activation activation, ConvolutionWork& work) override {
    winograd_.apply(x, size, y, activation, work);
  }

 private:
  Winograd winograd_;
};

// Any kernel and stride: oneDNN's convolution.
class Convolution::Direct final : public Method {
 public:
  Direct(std::span<const float> weight, std::span<const float> its_bias, const ConvolutionSizes& its_sizes)
      : Method(its_sizes, its_bias), weight_(given_layout(Tag::oihw), processor()) {
    std::copy(weight.begin(), weight.end(), static_cast<float*>(weight_.get_data_handle()));
  }

  void apply(const float* x, MapSize size, float* y, Activation activation, ConvolutionWork& work) override {
    translating_errors("convolution", [&] {
      const OneOpenMpThread alone;
      const std::shared_ptr<const Plan> chosen = plan(size, activation);
      const Description& description = chosen->description;
      const std::size_t bytes = description.scratchpad_desc().get_size();
      chosen->primitive.execute(
          calling_thread(),
          {{DNNL_ARG_SRC, Memory(description.src_desc(), processor(), const_cast<float*>(x))},
           {DNNL_ARG_WEIGHTS, chosen->weight},
           {DNNL_ARG_BIAS, Memory(description.bias_desc(), processor(), const_cast<float*>(bias.data()))},
           {DNNL_ARG_DST, Memory(description.dst_desc(), processor(), y)},
           {DNNL_ARG_SCRATCHPAD,
            Memory(description.scratchpad_desc(), processor(), work.inner.floats(bytes / sizeof(float) + 1))}});
      calling_thread().wait();
    });
  }

 private:
  using Description = dnnl::convolution_forward::primitive_desc;
  struct Plan {
    Description description;
    dnnl::convolution_forward primitive;
    Memory weight;
  };

  Memory::desc given_layout(Tag tag) const {
    return {{sizes.out, sizes.in, sizes.kernel, sizes.kernel}, Memory::data_type::f32, tag};
  }

  Description describe(MapSize size, Activation activation) const {
    const MapSize output = sizes.output(size);
    const auto map = [](MapSize of, std::int64_t channels) {
      return Memory::desc({1, channels, of.height, of.width}, Memory::data_type::f32, Tag::nhwc);
    };
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    dnnl::post_ops after;
    if (activation == Activation::AddThenRelu) after.append_sum(1.0f);
    if (activation != Activation::None) after.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
    attributes.set_post_ops(after);
    const Memory::dims stride{sizes.stride, sizes.stride}, padding{sizes.padding, sizes.padding};
    return {{dnnl::prop_kind::forward_inference,
             dnnl::algorithm::convolution_direct,
             map(size, sizes.in),
             given_layout(Tag::any),
             {{sizes.out}, Memory::data_type::f32, Tag::a},
             map(output, sizes.out),
             stride,
             padding,
             padding},
            attributes,
            processor()};
  }

  // Plans of one layout of the weights share them.
  Memory laid_out(const Memory::desc& layout) {
    for (const auto& [key, made] : plans_) {
      if (made->description.weights_desc() == layout) return made->weight;
    }
    Memory weight(layout, processor());
    dnnl::reorder(weight_, weight).execute(calling_thread(), weight_, weight);
    calling_thread().wait();
    return weight;
  }

  std::shared_ptr<const Plan> plan(MapSize size, Activation activation) {
    constexpr std::size_t kMostPlans = 16;
    const std::pair key{size, activation};
    const std::scoped_lock lock(mutex_);
    if (const auto found = plans_.find(key); found != plans_.end()) return found->second;
    const Description description = describe(size, activation);
    const Memory weight = laid_out(description.weights_desc());
    if (plans_.size() >= kMostPlans) plans_.clear();
    auto made = std::make_shared<const Plan>(Plan{description, dnnl::convolution_forward(description), weight});
    plans_.emplace(key, made);
    return made;
  }

  Memory weight_;  // as given
  std::mutex mutex_;
  std::map<std::pair<MapSize, Activation>, std::shared_ptr<const Plan>> plans_;
};

Convolution::Convolution(std::span<const float> weight, std::span<const float> bias, const ConvolutionSizes& sizes) {
  if (std::ssize(weight) != sizes.out * sizes.in * sizes.kernel * sizes.kernel || std::ssize(bias) != sizes.out) {
    throw Error(ErrorCode::Internal, "a convolution's weights do not have its sizes");
  }
  translating_errors("packing weights", [&] {
    const OneOpenMpThread alone;
    if (sizes.kernel == 1 && sizes.padding == 0) {
      method_ = std::make_unique<Product>(weight, bias, sizes);
    } else if (sizes.kernel == 3 && sizes.stride == 1 && sizes.padding == 1) {
      method_ = std::make_unique<Squares>(weight, bias, sizes);
    } else {
      method_ = std::make_unique<Direct>(weight, bias, sizes);
    }
  });
}

Convolution::~Convolution() = default;
Convolution::Convolution(Convolution&&) noexcept = default;
Convolution& Convolution::operator=(Convolution&&) noexcept = default;

const ConvolutionSizes& Convolution::sizes() const {
  return method_->sizes;
}

void Convolution::apply(const float* x, MapSize size, float* y, Activation activation, ConvolutionWork& work) const {
  method_->apply(x, size, y, activation, work);
}

}  // namespace hipt::kernels
