// hipt doctor: what this machine and build can do, what is missing and how to get it.

#include <fmt/format.h>

#include "hipt/base/cpu.h"
#include "hipt/base/error.h"
#include "hipt/base/thread_pool.h"
#include "hipt/base/version.h"
#include "hipt/io/weight_files.h"
#include "hipt/kernels/instruction_set.h"
#include "hipt/kernels/matmul.h"
#include "hipt/kernels/simd.h"
#include "hipt/slide/slide.h"
#include "hipt/vit/precision.h"

#include "cli/parser.h"
#include "cli/verbs.h"

namespace hipt::cli {
namespace {

void line(bool good, std::string_view what, std::string_view found) {
  fmt::print("{:<5}{:<22}{}\n", good ? "ok" : "--", what, found);
}

void report_precisions() {
  for (const EnumName<vit::Precision>& precision : enum_names(vit::Precision{})) {
    const bool able = vit::has_instructions(precision.value);
    const std::string_view needed = vit::instructions_of(precision.value);
    line(able, fmt::format("precision {}", precision.name),
         able ? "at full speed" : fmt::format("needs {}; use --precision f32", needed));
  }
}

void report_processor() {
  const CpuFeatures cpu = cpu_features();
  line(true, "processor", fmt::format("{}, {} cores usable", cpu.model, usable_cores()));
  line(true, "memory", fmt::format("{:.1f} GiB", static_cast<double>(physical_memory_bytes()) / (1 << 30)));
  line(cpu.avx2, "vector units",
       cpu.avx512 ? "AVX-512"
       : cpu.avx2 ? "AVX2"
                  : "neither AVX2 nor AVX-512: slow, but it works");
  try {
    const auto forced = kernels::forced_instruction_set();
    line(true, "instruction set",
         fmt::format("{}: kernels on {}, {}", forced ? "HIPT_CPU=" + *forced : "the best", kernels::simd_target(),
                     kernels::product_library()));
    report_precisions();
  } catch (const Error& error) {
    line(false, "instruction set", error.what());
  }
  line(false, "CUDA", "not in this build; models run on the CPU");
}

bool report_openslide() {
  const auto library = slide::openslide_library();
  if (!library) {
    line(false, "OpenSlide",
         "not found: `apt install libopenslide0`, or `pip install openslide-bin` and name its file in "
         "HIPT_OPENSLIDE; until then only plain PNG, JPEG and TIFF open");
    return false;
  }
  line(true, "OpenSlide", fmt::format("{} ({})", library->version, library->file));
  if (library->version.starts_with("3.")) {
    line(false, "DICOM and CZI slides",
         "need OpenSlide 4: `pip install openslide-bin`, and name its libopenslide.so.1 in HIPT_OPENSLIDE");
  } else {
    line(true, "DICOM and CZI slides", "by OpenSlide 4");
  }
  return true;
}

void report_weights(std::string_view what, const std::string& file_name, std::string_view flag) {
  try {
    line(true, what, io::find_weights(file_name, flag));
  } catch (const Error& error) {
    line(false, what, error.what());
  }
}

}  // namespace

int run_doctor(Arguments arguments) {
  Parser parser({.verb = "doctor",
                 .summary = "What this machine and build can do, what is missing and how to get it. "
                            "Status 1 when slides cannot be read.",
                 .example = "hipt doctor"});
  if (!parser.parse(arguments)) return 0;
  line(true, "hipt", version());
  report_processor();
  const bool slides = report_openslide();
  report_weights("weights of ViT-256", "vit256_small_dino.pth", "weights256");
  report_weights("weights of ViT-4096", "vit4k_xs_dino.pth", "weights4k");
  report_weights("weights of ResNet-50", "resnet50-19c8e357.pth", "weights_resnet");
  line(false, "training verbs", "not in this version: the program makes features");
  return slides ? 0 : 1;
}

}  // namespace hipt::cli
