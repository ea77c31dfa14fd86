#pragma once
// The folder that a study's run writes ("D" of docs/formats.md): the names that users of CLAM and HIPT know, in one
// place.

#include <cstdint>
#include <filesystem>
#include <string>

namespace hipt::cohort {

struct StudyFolder {
  std::filesystem::path root;

  std::filesystem::path mask(const std::string& id) const { return root / "masks" / (id + ".png"); }
  std::filesystem::path contours(const std::string& id) const { return root / "contours_geojson" / (id + ".geojson"); }
  std::filesystem::path numbered_contours(const std::string& id) const { return root / "contours" / (id + ".png"); }
  std::filesystem::path artifacts(const std::string& id) const { return root / "artifacts" / (id + ".png"); }
  std::filesystem::path coordinates(const std::string& id) const { return root / "patches" / (id + ".h5"); }
  std::filesystem::path stitch(const std::string& id) const { return root / "stitches" / (id + ".png"); }
  std::filesystem::path overview(const std::string& id) const { return root / "overviews" / (id + ".png"); }
  std::filesystem::path resnet_overview(const std::string& id) const {
    return root / "overviews_resnet50_trunc" / (id + ".png");
  }
  // ResNet-50 features of patches [M, 1024]. `extension` is ".pt" or ".h5".
  std::filesystem::path resnet_features(const std::string& id, const std::string& extension) const {
    return root / "resnet50_trunc_pt_patch_features" / (id + extension);
  }
  // ViT-256 features: [M, 384] of patches or [M, n, 384] of regions.
  std::filesystem::path patch_features(const std::string& id, const std::string& extension) const {
    return root / "vits_tcga_pancancer_dino_pt_patch_features" / (id + extension);
  }
  // ViT-4096 vectors of regions [M, 192].
  std::filesystem::path region_features(const std::string& id, const std::string& extension) const {
    return root / "vit4k_xs_dino_pt_region_features" / (id + extension);
  }
  // Mean of the region vectors [192].
  std::filesystem::path slide_features(const std::string& id, const std::string& extension) const {
    return root / "vit4k_xs_dino_pt_slide_features" / (id + extension);
  }
  std::filesystem::path region_assets(const std::string& id, const std::string& extension) const {
    return root / "region_assets" / (id + extension);
  }
  // Pictures of the patches: one archive, or a folder.
  std::filesystem::path patch_archive(const std::string& id, std::int64_t patch_size) const {
    return root / ("tar_patch_" + std::to_string(patch_size)) / (id + ".tar");
  }
  std::filesystem::path patch_images(const std::string& id) const { return root / "patch_images" / id; }
  std::filesystem::path report() const { return root / "report.html"; }
  // `picture` is "mask" or "stitch".
  std::filesystem::path report_thumbnail(const std::string& id, const std::string& picture) const {
    return root / "report_thumbnails" / (id + "." + picture + ".jpg");
  }
  std::filesystem::path process_list() const { return root / "process_list_autogen.csv"; }
  std::filesystem::path outcome(const std::string& id) const { return root / "outcomes" / (id + ".json"); }
  std::filesystem::path lock(const std::string& id) const { return root / "locks" / (id + ".lock"); }
  std::filesystem::path runs() const { return root / "runs"; }
};

// Whether `folder` holds what a run wrote rather than slides: it lies beside a process list or run records and has one
// of the names of a study's folder (CLAM's output too).
bool is_study_output(const std::filesystem::path& folder);

// --study_dir TCGA_ROOT_DIR/tcga_brca: SOURCE = its WSIs/, D = its extracted_mag20x_patch<size>_fp/.
std::filesystem::path study_slides(const std::filesystem::path& study_dir);
StudyFolder study_output(const std::filesystem::path& study_dir, double magnification, std::int64_t patch_size);

}  // namespace hipt::cohort
