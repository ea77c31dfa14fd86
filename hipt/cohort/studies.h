#pragma once
// Names of cohorts: projects of the Genomic Data Commons, study folders of TCGA_ROOT_DIR, and the tasks over them.

#include <string>
#include <string_view>
#include <vector>

namespace hipt::cohort {

// The folder of a GDC project: "TCGA-BRCA" -> "tcga_brca". TCGA-COAD and TCGA-READ are one study, "tcga_coadread", as
// in the published folders; every other project has its own name. Throws InvalidArgument for a text that is no name.
std::string study_of_project(std::string_view project);

// The study folders that a task is about: "tcga_kidney" -> kirc, kirp and kich; "tcga_lung" -> luad and lusc; any other
// name is a study's own.
std::vector<std::string> studies_of_task(std::string_view task);

// The study of a subtype by its OncoTree code, as the published tables label kidney and lung: "CCRCC" -> "tcga_kirc".
// Empty for other codes.
std::string_view study_of_subtype(std::string_view oncotree_code);

}  // namespace hipt::cohort
