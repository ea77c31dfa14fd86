// Which model a checkpoint holds, from the names and shapes of its tensors. The names occur nowhere else together.

#include <array>
#include <string>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/mil/model.h"

namespace hipt::mil {
namespace {

constexpr std::string_view kWrapper = "module.";  // of DataParallel, around the model or around a layer of it

class Recogniser {
 public:
  explicit Recogniser(const io::StateDict& state) : state_(state) {}

  ModelOptions options() const {
    ModelOptions options;
    if (has("i_classifier.fc.0.weight")) {
      options.dsmil_deep_query = has("b_classifier.q.0.weight");
      return made(options, ModelType::Dsmil, "i_classifier.fc.0.weight", "i_classifier.fc.0.weight");
    }
    if (has("instance_classifiers.0.weight")) return clam(options);
    if (has("phis.0.0.weight")) return made(options, ModelType::MiFcn, "phis.0.0.weight", "classifier.weight");
    if (has("conv1.nn.0.weight")) return made(options, ModelType::Dgcn, "conv1.nn.0.weight", "classifier.weight");
    if (has("local_phi.0.weight")) return made(options, ModelType::HiptN, "local_phi.0.weight", "classifier.weight");
    if (has("local_vit.cls_token")) {
      return made(options, ModelType::HiptLgp, "local_vit.phi.0.weight", "classifier.weight");
    }
    if (has("global_phi.0.weight")) return made(options, ModelType::HiptGp, "global_phi.0.weight", "classifier.weight");
    if (has("phi.0.weight")) return made(options, ModelType::DeepSet, "phi.0.weight", "classifier.weight");
    if (has("attention_net.0.weight")) {
      return made(options, ModelType::Amil, "attention_net.0.weight", "classifier.weight");
    }
    if (has("classifier.3.weight")) return made(options, ModelType::Mil, "classifier.0.weight", "classifier.3.weight");
    if (has("fc.0.weight")) {
      options = made(options, ModelType::Mil, "fc.0.weight", "fc.0.weight");
      options.classes = count("classifiers");
      return options;
    }
    throw Error(ErrorCode::Unsupported, "holds none of the models that hipt trains: its names are of another program");
  }

 private:
  bool has(const std::string& name) const { return state_.tensors.contains(name); }

  std::int64_t dim(const std::string& name, std::size_t axis) const {
    const auto tensor = state_.tensors.find(name);
    if (tensor == state_.tensors.end() || tensor->second->rank() < 2) {
      throw Error(ErrorCode::Unsupported, fmt::format("{} is missing or no matrix", name));
    }
    return tensor->second->dim(axis);
  }

  // classifiers.0, classifiers.1 ...
  std::int64_t count(const std::string& list) const {
    std::int64_t found = 0;
    while (has(fmt::format("{}.{}.weight", list, found))) ++found;
    return found;
  }

  // `first` [width, input_dim] and `last` [classes, width] tell the widths.
  ModelOptions made(ModelOptions options, ModelType type, const std::string& first, const std::string& last) const {
    options.type = type;
    options.input_dim = dim(first, 1);
    options.classes = dim(last, 0);
    const std::string gate = "attention_net.3.attention_a.0.weight";
    if (has(gate) && dim(gate, 0) == 384) options.size = ModelSize::Big;
    return options;
  }

  ModelOptions clam(ModelOptions options) const {
    const bool is_single = has("classifiers.weight");
    options.instance_loss = has("instance_loss_fn.labels") ? LossKind::SmoothSvm : LossKind::CrossEntropy;
    options = made(options, is_single ? ModelType::ClamSb : ModelType::ClamMb, "attention_net.0.weight",
                   "attention_net.0.weight");
    options.classes = count("instance_classifiers");
    return options;
  }

  const io::StateDict& state_;
};

}  // namespace

io::StateDict read_checkpoint(const std::filesystem::path& file) {
  const std::array prefixes{kWrapper};
  io::StateDict read = io::read_state_dict(file, {.prefixes = prefixes, .dropped = {}});
  io::StateDict state;
  state.others = std::move(read.others);
  for (auto& [name, tensor] : read.tensors) {
    std::string bare = name;
    const std::string inside = "." + std::string(kWrapper);
    if (const auto place = bare.find(inside); place != std::string::npos) bare.erase(place, kWrapper.size());
    if (!state.tensors.emplace(bare, std::move(tensor)).second) {
      throw Error(ErrorCode::Corrupt,
                  fmt::format("{}: two tensors are called {} once \"module.\" is gone", file.string(), bare));
    }
  }
  return state;
}

ModelOptions options_of(const io::StateDict& state) {
  return Recogniser(state).options();
}

Model load_model(const std::filesystem::path& file) {
  const io::StateDict state = read_checkpoint(file);
  return with_context(file.string(), [&] {
    Model model(options_of(state));
    model.load(state);
    return model;
  });
}

}  // namespace hipt::mil
