#pragma once
// Tables of the Genomic Data Commons (portal.gdc.cancer.gov): the manifest that gdc-client downloads by, and the sample
// sheet that says what each file is.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hipt::cohort {

// One file of a manifest, with what the sample sheet says of it (empty where it has no such row).
struct GdcFile {
  std::string id;    // UUID: the folder that gdc-client makes for it
  std::string name;  // as in the table: not to be trusted as a path before it is checked
  std::string md5;   // 32 lower-case digits
  std::int64_t bytes = 0;
  std::string project;  // "TCGA-BRCA"
  std::string case_id;  // "TCGA-3C-AALI"
  std::string sample_id;
  std::string sample_type;  // "Primary Tumor"
  std::string problem;      // why the row cannot be used; empty when it can
};

// Every row of the manifest (columns id, filename, md5, size), in its order; a row that stands there twice counts once.
// The sample sheet needs File ID and Project ID. A row that contradicts itself or the sheet has a `problem`. Throws
// NotFound, Io, Corrupt, or InvalidArgument for a table without these columns, naming the file.
std::vector<GdcFile> read_gdc_tables(const std::filesystem::path& manifest, const std::filesystem::path& sample_sheet);

// A diagnostic slide (formalin-fixed, "-DX1"), not a frozen section ("-TS1", "-BS1"), by TCGA's barcode.
bool is_diagnostic_slide(const std::string& name);

}  // namespace hipt::cohort
