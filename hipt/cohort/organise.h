#pragma once
// Downloads of the Genomic Data Commons as the published folders have them: TCGA_ROOT_DIR/<study>/WSIs/<slide>.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hipt/base/options.h"
#include "hipt/base/run_context.h"

namespace hipt::cohort {

enum class Placement { Link, HardLink, Copy, Move };

inline std::span<const EnumName<Placement>> enum_names(Placement) {
  static constexpr EnumName<Placement> kNames[] = {{Placement::Link, "link"},
                                                   {Placement::HardLink, "hardlink"},
                                                   {Placement::Copy, "copy"},
                                                   {Placement::Move, "move"}};
  return kNames;
}

struct OrganiseOptions {
  std::string manifest;      // gdc_manifest.txt
  std::string sample_sheet;  // gdc_sample_sheet.tsv
  std::string downloads;     // where gdc-client put <id>/<filename>; files without that folder are found too
  std::string root_dir;      // TCGA_ROOT_DIR
  Placement by = Placement::Link;
  bool diagnostic_only = false;
};

template <class Visitor>
void describe(OrganiseOptions& o, Visitor& v) {
  v(o.manifest, {.name = "manifest", .help = "the GDC manifest that the download was made by"});
  v(o.sample_sheet,
    {.name = "sample_sheet", .help = "the GDC sample sheet of the same cart: says each file's project"});
  v(o.root_dir, {.name = "root_dir", .help = "TCGA_ROOT_DIR: slides go to <study>/WSIs/ below it"});
  v(o.by, {.name = "by", .help = "link: symbolic links, downloads stay; hardlink: on one file system; copy; or move"});
  v(o.diagnostic_only, {.name = "diagnostic_only", .help = "only diagnostic slides (-DX), no frozen sections"});
}

enum class FileStatus {
  Placed,   // by this run
  There,    // in place already, and verified
  Missing,  // no such download
  Damaged,  // another size or MD5 than the manifest says
  Refused,  // its row cannot be used, or its place is taken
};
std::string_view to_string(FileStatus status);

struct OrganisedFile {
  std::string id;
  std::string name;
  std::string study;  // "tcga_brca"; empty when unknown
  std::string project;
  std::string case_id;
  std::string sample_id;
  std::string sample_type;
  FileStatus status = FileStatus::Missing;
  std::string reason;  // empty when all is well
};

struct OrganiseSummary {
  std::vector<OrganisedFile> files;  // slides of the manifest, in its order
  std::int64_t passed_over = 0;      // other files of the manifest, and what diagnostic_only leaves out
  std::filesystem::path report;      // root_dir/organise_slides.csv: all of `files`
  std::int64_t count(FileStatus status) const;
};

// Verifies size and MD5 of every slide and puts it in its place, on the workers of the pool. What was verified once
// (root_dir/organise_verified.csv: same id, size and time of modification) is not read again, so a stopped run goes on
// where it was. A file that stands in a slide's place and is another one is left alone. Throws Cancelled; NotFound, Io,
// Corrupt or InvalidArgument for tables and folders that cannot be used.
OrganiseSummary organise_slides(const OrganiseOptions& options, RunContext& context);

}  // namespace hipt::cohort
