#include "hipt/vit/config.h"

#include <cmath>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "hipt/base/error.h"

namespace hipt::vit {
namespace {

// A model of the published vision_transformer.py: MLP of four times the width, tokens of 16 px, trained at 224 px.
ViTConfig pixel_model(std::string_view name, std::int64_t dim, std::int64_t heads) {
  ViTConfig config;
  config.name = name;
  config.dim = dim;
  config.heads = heads;
  config.mlp_dim = 4 * dim;
  return config;
}

// vision_transformer4k.py: six blocks over the 384 features of ViT-256.
ViTConfig region_model() {
  ViTConfig config = pixel_model("vit4k_xs", 192, 6);
  config.source = TokenSource::Features;
  config.input_dim = 384;
  config.depth = 6;
  return config;
}

[[noreturn]] void throw_field(std::string_view field, std::string_view what) {
  throw Error(ErrorCode::InvalidArgument, fmt::format("model configuration: {}: {}", field, what));
}

// Reads the fields of a JSON object and notices those that nobody asked for.
class ConfigReader {
 public:
  explicit ConfigReader(const nlohmann::json& json) : json_(json) {}

  void integer(const char* field, std::int64_t& value, std::int64_t min, std::int64_t max) {
    const nlohmann::json* const found = take(field);
    if (found == nullptr) return;
    if (!found->is_number_integer() || *found < min || *found > max) {
      throw_field(field, fmt::format("must be an integer from {} to {}", min, max));
    }
    value = found->get<std::int64_t>();
  }
  void boolean(const char* field, bool& value) {
    const nlohmann::json* const found = take(field);
    if (found == nullptr) return;
    if (!found->is_boolean()) throw_field(field, "must be true or false");
    value = found->get<bool>();
  }
  void text(const char* field, std::string& value) {
    const nlohmann::json* const found = take(field);
    if (found == nullptr) return;
    if (!found->is_string()) throw_field(field, "must be a text");
    value = found->get<std::string>();
  }
  void epsilon(const char* field, double& value) {
    const nlohmann::json* const found = take(field);
    if (found == nullptr) return;
    if (!found->is_number() || !(found->get<double>() > 0.0 && found->get<double>() < 1.0)) {
      throw_field(field, "must be a number between 0 and 1");
    }
    value = found->get<double>();
  }
  // Of red, green and blue.
  void colours(const char* field, std::array<float, 3>& values, bool positive) {
    const nlohmann::json* const found = take(field);
    if (found == nullptr) return;
    const std::string_view rule = positive ? "must be three numbers above 0" : "must be three numbers";
    if (!found->is_array() || found->size() != values.size()) throw_field(field, rule);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!(*found)[i].is_number()) throw_field(field, rule);
      values[i] = (*found)[i].get<float>();
      if (!std::isfinite(values[i]) || (positive && values[i] <= 0.0f)) throw_field(field, rule);
    }
  }
  bool has(const char* field) const { return json_.contains(field); }
  // Throws for a field that was not asked for: a misspelt one must not fall back to its default in silence.
  void finish() const {
    for (const auto& [name, value] : json_.items()) {
      if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
        throw_field(name, fmt::format("is no field; there are {}", fmt::join(known_, ", ")));
      }
    }
  }

 private:
  const nlohmann::json* take(const char* field) {
    known_.emplace_back(field);
    const auto found = json_.find(field);
    return found == json_.end() ? nullptr : &*found;
  }

  const nlohmann::json& json_;
  std::vector<std::string> known_;
};

void check_config(const ViTConfig& config) {
  if (config.dim % config.heads != 0) {
    throw_field("heads", fmt::format("{} heads do not divide a width of {}", config.heads, config.dim));
  }
  if (config.source == TokenSource::Pixels && config.input_dim != 3) {
    throw_field("input_dim", "is 3 (RGB) when source is pixels");
  }
}

}  // namespace

std::vector<std::string_view> config_names() {
  return {"vit_tiny", "vit_small", "vit_base", "vit4k_xs"};
}

ViTConfig named_config(std::string_view name) {
  if (name == "vit_tiny") return pixel_model(name, 192, 3);
  if (name == "vit_small") return pixel_model(name, 384, 6);
  if (name == "vit_base") return pixel_model(name, 768, 12);
  if (name == "vit4k_xs") return region_model();
  throw Error(ErrorCode::NotFound,
              fmt::format("there is no model \"{}\"; there are {}, or a JSON file that gives the sizes", name,
                          fmt::join(config_names(), ", ")));
}

ViTConfig config_from_json(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) throw Error(ErrorCode::InvalidArgument, "model configuration: is not a JSON object");
  constexpr std::int64_t kMaxWidth = 1 << 16;
  ViTConfig config;
  config.name = "custom";
  ConfigReader reader(json);
  reader.text("name", config.name);
  std::string source = "pixels";
  reader.text("source", source);
  if (source != "pixels" && source != "features") throw_field("source", "must be \"pixels\" or \"features\"");
  config.source = source == "pixels" ? TokenSource::Pixels : TokenSource::Features;
  if (config.source == TokenSource::Features && !reader.has("input_dim")) {
    throw_field("input_dim", "is needed when source is features: the width of a feature");
  }
  reader.integer("token_px", config.token_px, 1, 4096);
  reader.integer("input_dim", config.input_dim, 1, kMaxWidth);
  reader.integer("dim", config.dim, 1, kMaxWidth);
  reader.integer("depth", config.depth, 1, 1024);
  reader.integer("heads", config.heads, 1, kMaxWidth);
  reader.integer("mlp_dim", config.mlp_dim, 1, 4 * kMaxWidth);
  reader.integer("trained_grid", config.trained_grid, 1, 1024);
  reader.boolean("qkv_bias", config.qkv_bias);
  reader.epsilon("layer_norm_epsilon", config.layer_norm_epsilon);
  reader.integer("register_tokens", config.register_tokens, 0, 1024);
  reader.boolean("layer_scale", config.layer_scale);
  reader.colours("mean", config.mean, false);
  reader.colours("std", config.std, true);
  reader.finish();
  check_config(config);
  return config;
}

std::vector<std::pair<std::string, Shape>> parameter_shapes(const ViTConfig& config) {
  std::vector<std::pair<std::string, Shape>> shapes;
  const std::int64_t dim = config.dim;
  const auto linear = [&](const std::string& name, std::int64_t out, std::int64_t in, bool has_bias = true) {
    shapes.emplace_back(name + ".weight", Shape{out, in});
    if (has_bias) shapes.emplace_back(name + ".bias", Shape{out});
  };
  const auto norm = [&](const std::string& name) {
    shapes.emplace_back(name + ".weight", Shape{dim});
    shapes.emplace_back(name + ".bias", Shape{dim});
  };
  shapes.emplace_back("cls_token", Shape{1, 1, dim});
  if (config.register_tokens > 0) shapes.emplace_back("register_tokens", Shape{1, config.register_tokens, dim});
  shapes.emplace_back("pos_embed", Shape{1, 1 + config.trained_grid * config.trained_grid, dim});
  if (config.source == TokenSource::Pixels) {
    shapes.emplace_back("patch_embed.proj.weight", Shape{dim, config.input_dim, config.token_px, config.token_px});
    shapes.emplace_back("patch_embed.proj.bias", Shape{dim});
  } else {
    linear("phi.0", dim, config.input_dim);
  }
  for (std::int64_t block = 0; block < config.depth; ++block) {
    const std::string prefix = fmt::format("blocks.{}.", block);
    norm(prefix + "norm1");
    linear(prefix + "attn.qkv", 3 * dim, dim, config.qkv_bias);
    linear(prefix + "attn.proj", dim, dim);
    if (config.layer_scale) shapes.emplace_back(prefix + "ls1.gamma", Shape{dim});
    norm(prefix + "norm2");
    linear(prefix + "mlp.fc1", config.mlp_dim, dim);
    linear(prefix + "mlp.fc2", dim, config.mlp_dim);
    if (config.layer_scale) shapes.emplace_back(prefix + "ls2.gamma", Shape{dim});
  }
  norm("norm");
  return shapes;
}

}  // namespace hipt::vit
