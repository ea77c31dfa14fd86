#include "test/support/clam_oracle.h"

#include <set>
#include <sstream>

#include "test/support/npz.h"
#include "test/support/support.h"

namespace hipt::test {
namespace {

std::filesystem::path clam_file(const std::string& name) {
  return shared_oracle("clam/" + name).value_or(golden("clam/" + name));
}

std::vector<std::string> csv_cells(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

// The row of a CSV whose slide_id is `slide_file`: column -> cell.
std::map<std::string, std::string> csv_row(const std::string& csv, const std::string& slide_file) {
  std::istringstream lines(csv);
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> columns = csv_cells(line);
  while (std::getline(lines, line)) {
    const std::vector<std::string> cells = csv_cells(line);
    std::map<std::string, std::string> row;
    for (std::size_t i = 0; i < columns.size() && i < cells.size(); ++i) row[columns[i]] = cells[i];
    if (row["slide_id"] == slide_file) return row;
  }
  return {};
}

std::string csv_line(const std::string& csv, const std::string& slide_file) {
  std::istringstream lines(csv);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.starts_with(slide_file + ",")) return line;
  }
  return "";
}

// Fields that the tests can set; a case with any other is another program's business.
bool is_covered(const std::map<std::string, std::string>& settings) {
  static const std::set<std::string> kKnown = {
      "slide_id",    "process",     "seg_level", "sthresh",  "mthresh",     "close", "use_otsu",
      "a_t",         "a_h",         "vis_level", "keep_ids", "exclude_ids", "a",     "line_thickness",
      "max_n_holes", "use_padding", "contour_fn"};
  for (const auto& [name, value] : settings) {
    if (!kKnown.contains(name) && !value.empty() && value != "none") return false;
  }
  return true;
}

// The published script's way with the column `a` of old lists, an area in pixels of the list's seg_level: it becomes
// a_t, and the levels are chosen anew.
void translate_legacy_area(const nlohmann::json& slide, std::map<std::string, std::string>& settings) {
  if (!settings.contains("a")) return;
  const auto& levels = slide.at("level_dimensions");
  const int asked = settings.contains("seg_level") ? std::stoi(settings["seg_level"]) : -1;
  const auto level = static_cast<std::size_t>(asked < 0 ? static_cast<int>(levels.size()) - 1 : asked);
  const auto scale = [&](std::size_t axis) {
    return levels[0][axis].get<double>() / levels[level][axis].get<double>();
  };
  settings["a_t"] = std::to_string(static_cast<int>(std::stod(settings["a"]) * (scale(0) * scale(1)) / (512 * 512)));
  settings["seg_level"] = settings["vis_level"] = "-1";
  settings.erase("a");
}

void read_arguments(const nlohmann::json& arguments, ClamCase& one) {
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
    const std::string name = arguments[i];
    const std::string value = arguments[i + 1];
    if (name == "--patch_size") one.patch_size = std::stoll(value);
    if (name == "--step_size") one.step_size = std::stoll(value);
    if (name == "--patch_level") one.patch_level = std::stoll(value);
    if (name == "--preset") one.preset = value.substr(0, value.find('.'));
  }
}

std::optional<ClamCase> covered_case(const nlohmann::json& entry, const nlohmann::json& result,
                                     const nlohmann::json& slide, const std::string& slide_file) {
  ClamCase one;
  one.id = entry.at("id");
  if (entry.at("slides").size() > 1) one.id += ":" + result.at("slide_id").get<std::string>();
  if (entry.at("process_list").is_string()) one.settings = csv_row(entry.at("process_list"), slide_file);
  if (!is_covered(one.settings)) return std::nullopt;
  translate_legacy_area(slide, one.settings);
  read_arguments(entry.at("arguments"), one);
  bool patches = false;
  for (const nlohmann::json& argument : entry.at("arguments")) patches = patches || argument == "--patch";
  one.only_segmented = !patches || entry.at("exit_status") != 0;
  if (entry.at("process_list_autogen_csv").is_string()) {
    one.process_list_row = csv_line(entry.at("process_list_autogen_csv"), slide_file);
  }
  one.result = result;
  return one;
}

}  // namespace

std::vector<ClamCase> clam_cases(const std::string& slide_file) {
  static const nlohmann::json index = nlohmann::json::parse(read_text(clam_file("index.json")));
  const std::string slide_id = slide_file.substr(0, slide_file.rfind('.'));
  std::vector<ClamCase> cases;
  for (const nlohmann::json& entry : index.at("cases")) {
    for (const nlohmann::json& result : entry.at("results")) {
      if (result.at("slide_id") != slide_id || !result.contains("segmentation")) continue;
      if (auto one = covered_case(entry, result, index.at("slides").at(slide_file), slide_file))
        cases.push_back(std::move(*one));
    }
  }
  return cases;
}

const Array& clam_array(const std::string& npz, const std::string& key) {
  static std::map<std::string, std::map<std::string, Array>> files;
  if (!files.contains(npz)) files[npz] = read_npz(clam_file(npz));
  return files[npz].at(key);
}

std::vector<ClamContour> clam_contours(const std::string& key) {
  const auto rings = clam_array("segmentations.npz", key + "_rings").as<std::int32_t>();
  const auto points = clam_array("segmentations.npz", key + "_points").as<std::int32_t>();
  std::vector<ClamContour> contours;
  std::size_t next = 0;
  for (std::size_t ring = 0; ring < rings.size(); ring += 3) {
    const auto count = 2 * static_cast<std::size_t>(rings[ring + 2]);
    std::vector<std::int64_t> flat(points.begin() + next, points.begin() + next + count);
    next += count;
    contours.resize(static_cast<std::size_t>(rings[ring]) + 1);
    if (rings[ring + 1] < 0) {
      contours.back().outline = std::move(flat);
    } else {
      contours.back().holes.push_back(std::move(flat));
    }
  }
  return contours;
}

std::optional<std::filesystem::path> clam_slide(const std::string& slide_file) {
  if (slide_file == "CMU-1-Small-Region.svs") return demo_slide();
  if (const auto made = shared_data("slides/made/" + slide_file)) return made;
  return shared_data("slides/other/" + slide_file);
}

}  // namespace hipt::test
