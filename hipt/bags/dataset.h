#pragma once
// Which slides a task is about, whose they are, and their classes.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hipt::bags {

// A classification: values of one column of the dataset's table, and the class of each. Several values may share a
// class; slides of other values are left out, as the published tasks do.
struct Task {
  std::string name;
  std::string label_column = "oncotree_code";
  std::vector<std::pair<std::string, std::int64_t>> classes_of_values;  // {"LUAD", 0}, {"LUSC", 1}
  std::vector<std::string> studies;                                     // folders of TCGA_ROOT_DIR; empty: unknown

  std::int64_t classes() const;
};

// tcga_brca_subtype (IDC 0, ILC 1), tcga_lung_subtype (LUAD 0, LUSC 1), tcga_kidney_subtype (CCRCC 0, PRCC 1, CHRCC 2);
// anything else is a CSV file of two columns whose first row names the dataset's column and "class":
//   oncotree_code,class
//   LUAD,0
//   LUSC,1
// Throws InvalidArgument for a name that is neither, Corrupt naming the row of a file whose classes are not 0, 1, ...
Task find_task(std::string_view name_or_file);

struct DatasetSlide {
  std::string slide_id;  // without the extension of a slide
  std::string case_id;   // the patient
  std::int64_t label = 0;
};

struct Dataset {
  std::vector<DatasetSlide> slides;  // in the order of the table
  std::int64_t classes = 0;
  std::int64_t left_out = 0;  // rows of values that are no class of the task
};

// Of a table (.csv, or .csv.zip with one file inside) with the columns case_id, slide_id and the task's. Throws
// Corrupt naming the file and the row or column: a column is missing, an id is blank, a slide stands twice, a class has
// no slide (the table is for another task).
Dataset read_dataset(const std::filesystem::path& table, const Task& task);

// The name without a known extension of slides (".svs", ".ndpi" ...), in any case; everything else stays. (The
// published program strips the characters of ".svs" from the end, which shortens ids that end in s or v.)
std::string slide_id_of(std::string_view name);

}  // namespace hipt::bags
