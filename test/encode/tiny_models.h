#pragma once
// Models so small that a slide is encoded in a moment, the job that encodes the real slide with them, and its run.

#include <string_view>

#include "hipt/encode/encode_slide.h"

#include "test/support/support.h"

namespace hipt::encode {

inline constexpr std::string_view kTiny256 = R"({"name": "tiny256", "dim": 32, "depth": 2, "heads": 2, "mlp_dim": 64})";
inline constexpr std::string_view kTiny4k =
    R"({"name": "tiny4k", "source": "features", "input_dim": 32, "dim": 16, "depth": 1, "heads": 2, "mlp_dim": 32})";

// A job with tiny models in `folder`, at the biopsy preset.
inline SlideJob tiny_job(const test::TemporaryFolder& folder, std::int64_t patch_size) {
  test::write_text(folder / "tiny256.json", kTiny256);
  test::write_text(folder / "tiny4k.json", kTiny4k);
  SlideJob job;
  job.tissue = tissue::preset("bwh_biopsy");
  job.tile.patch_size = patch_size;
  job.encode.model_config256 = (folder / "tiny256.json").string();
  job.encode.model_config4k = (folder / "tiny4k.json").string();
  job.encode.weights256 = "random:tiny";
  job.encode.weights4k = "random:tiny";
  return job;
}

inline cohort::Outcome run(const std::filesystem::path& slide, const SlideJob& job, const cohort::StudyFolder& study) {
  const Models models = load_models(job.encode, encodes_regions(job.encode, job.tile.patch_size), 2);
  cohort::SlideEntry entry;
  entry.path = slide;
  entry.id = slide.stem().string();
  return encode_slide(entry, study, job, models, test::quiet_context(), [] { return true; });
}

}  // namespace hipt::encode
