// hipt checkpoint: what a file of weights holds; export of the model in it.

#include "hipt/vit/checkpoint.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/resnet/weights.h"

#include "cli/parser.h"
#include "cli/verbs.h"

namespace hipt::cli {
namespace {

enum class ExportFormat { None, Safetensors };
std::span<const EnumName<ExportFormat>> enum_names(ExportFormat) {
  static constexpr EnumName<ExportFormat> kNames[] = {{ExportFormat::None, "none"},
                                                      {ExportFormat::Safetensors, "safetensors"}};
  return kNames;
}

struct CheckpointOptions {
  bool tensors = false;
  ExportFormat export_format = ExportFormat::None;
  std::string output;
};

template <class Visitor>
void describe(CheckpointOptions& o, Visitor& v) {
  v(o.tensors, {.name = "tensors", .help = "list every tensor, not only how many there are"});
  v(o.export_format, {.name = "export", .help = "write the model's weights, without head and optimizer"});
  v(o.output, {.name = "output", .help = "file of the export; \"\": beside FILE"});
}

// The part of a dotted name that says which model a tensor belongs to ("teacher.backbone").
std::string group_of(const std::string& name) {
  for (const std::string_view part : {"backbone.", "head."}) {
    if (const std::size_t at = name.find(part); at != std::string::npos) return name.substr(0, at + part.size() - 1);
  }
  return name.substr(0, name.find('.'));
}

void print_groups(const vit::CheckpointSummary& summary) {
  std::vector<std::pair<std::string, std::pair<std::size_t, std::int64_t>>> groups;  // tensors, numbers
  for (const vit::TensorSummary& tensor : summary.tensors) {
    const std::string group = group_of(tensor.name);
    auto found = std::find_if(groups.begin(), groups.end(), [&](const auto& entry) { return entry.first == group; });
    if (found == groups.end()) found = groups.insert(groups.end(), {group, {0, 0}});
    ++found->second.first;
    found->second.second += element_count(tensor.shape);
  }
  for (const auto& [group, counts] : groups) {
    fmt::print("  {:<32}{:>6} tensors {:>14} numbers\n", group, counts.first, counts.second);
  }
}

void export_model(const std::string& source, const vit::CheckpointSummary& summary, const CheckpointOptions& options) {
  if (summary.model.empty()) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("{}: holds none of the ViTs that are known, so there is nothing to export", source));
  }
  std::filesystem::path output = options.output;
  if (output.empty()) output = std::filesystem::path(source).replace_extension(".safetensors");
  std::error_code ignored;
  if (std::filesystem::equivalent(output, source, ignored)) {
    throw Error(ErrorCode::InvalidArgument, "the export would overwrite its source: name another --output");
  }
  vit::export_safetensors(output, *vit::load_weights(source, vit::named_config(summary.model)));
  fmt::print("wrote {}\n", output.string());
}

}  // namespace

int run_checkpoint(Arguments arguments) {
  std::string source;
  CheckpointOptions options;
  Parser parser({.verb = "checkpoint",
                 .summary =
                     "What a .pth, .pt or .safetensors file holds: tensors, shapes, the model recognised. Nothing in "
                     "the file is executed.",
                 .example = "hipt checkpoint vit256_small_dino.pth --export safetensors"});
  parser.positional("FILE", "a file of torch.save (zip or legacy) or safetensors", source);
  parser.declare("Output", options);
  if (!parser.parse(arguments)) return 0;
  parser.read(options);

  const vit::CheckpointSummary summary = vit::summarise_checkpoint(source);
  const bool resnet50 = summary.model.empty() && summary.tensors.size() > 1 && resnet::holds_resnet50(source);
  fmt::print("file      {} ({} bytes)\nformat    {}\nmodel     {}\n", source, std::filesystem::file_size(source),
             summary.format,
             resnet50 ? "resnet50_trunc" : (summary.model.empty() ? "none that is known" : summary.model));
  fmt::print("tensors   {}\n", summary.tensors.size());
  if (options.tensors) {
    for (const vit::TensorSummary& tensor : summary.tensors) {
      fmt::print("  {:<56}{:<10}{}\n", tensor.name, to_string(tensor.dtype), to_string(tensor.shape));
    }
  } else {
    print_groups(summary);
  }
  if (!summary.others.empty()) fmt::print("besides\n");
  for (const auto& [name, value] : summary.others) fmt::print("  {:<40} {}\n", name, value);
  if (options.export_format == ExportFormat::Safetensors) export_model(source, summary, options);
  return 0;
}

}  // namespace hipt::cli
