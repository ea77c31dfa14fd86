#include "hipt/cohort/studies.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/text.h"

namespace hipt::cohort {
namespace {

// Projects whose folder is not simply their name, or which are part of a task or a subtype.
struct Study {
  std::string_view project;
  std::string_view folder;
  std::string_view task;
  std::string_view oncotree_code;
};

constexpr Study kStudies[] = {
    {"TCGA-COAD", "tcga_coadread", "", ""},
    {"TCGA-READ", "tcga_coadread", "", ""},
    {"TCGA-KIRC", "tcga_kirc", "tcga_kidney", "CCRCC"},
    {"TCGA-KIRP", "tcga_kirp", "tcga_kidney", "PRCC"},
    {"TCGA-KICH", "tcga_kich", "tcga_kidney", "CHRCC"},
    {"TCGA-LUAD", "tcga_luad", "tcga_lung", "LUAD"},
    {"TCGA-LUSC", "tcga_lusc", "tcga_lung", "LUSC"},
};

bool is_name(std::string_view text) {
  return !text.empty() && std::isalnum(static_cast<unsigned char>(text.front())) != 0 &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
}

}  // namespace

std::string study_of_project(std::string_view project) {
  const auto* const known = std::ranges::find(kStudies, project, &Study::project);
  if (known != std::end(kStudies)) return std::string(known->folder);
  if (!is_name(project)) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("project \"{}\": no name such as TCGA-BRCA (letters, digits, - and _)", project));
  }
  std::string folder = lower_case(project);
  std::ranges::replace(folder, '-', '_');
  return folder;
}

std::vector<std::string> studies_of_task(std::string_view task) {
  std::vector<std::string> folders;
  for (const Study& study : kStudies) {
    if (!task.empty() && study.task == task) folders.emplace_back(study.folder);
  }
  if (folders.empty()) folders.emplace_back(task);
  return folders;
}

std::string_view study_of_subtype(std::string_view oncotree_code) {
  if (oncotree_code.empty()) return {};
  const auto* const known = std::ranges::find(kStudies, oncotree_code, &Study::oncotree_code);
  return known != std::end(kStudies) ? known->folder : std::string_view();
}

}  // namespace hipt::cohort
