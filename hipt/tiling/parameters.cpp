#include "hipt/tiling/parameters.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>

#include "hipt/cohort/process_list.h"
#include "hipt/io/csv.h"

namespace hipt::tiling {
namespace {

// CLAM's columns, in its order, after slide_id, process and status.
constexpr std::array<std::string_view, 14> kClamColumns = {
    "seg_level", "sthresh", "mthresh",     "close",     "use_otsu",       "keep_ids",    "exclude_ids",
    "a_t",       "a_h",     "max_n_holes", "vis_level", "line_thickness", "use_padding", "contour_fn"};

// Columns that mean something else than the field of their name: `mpp` is the slide's own, `preset` a name without its
// values, the others are unused by the published script.
constexpr std::array<std::string_view, 4> kPassedOver = {"mpp", "preset", "white_thresh", "black_thresh"};

template <class Names>
bool contains(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::string text_of(const cohort::Columns& columns, std::string_view name) {
  const auto place = std::ranges::find(columns, name, &cohort::Columns::value_type::first);
  return place == columns.end() ? "" : place->second;
}

// What is said, without blank cells.
OptionTexts texts_of(const cohort::Cells& cells) {
  OptionTexts texts;
  for (const auto& [name, text] : cells) {
    if (!text.empty() && !contains(kPassedOver, name)) texts.emplace_back(name, text);
  }
  return texts;
}

// The row of a preset file.
cohort::Cells read_preset(const std::filesystem::path& file) {
  const io::CsvTable table = io::read_csv(file);
  if (table.rows.size() != 1) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("{}: has {} rows below its header; a preset has one", file.string(), table.rows.size()));
  }
  cohort::Cells cells;
  for (std::size_t i = 0; i < table.columns.size(); ++i) cells.emplace_back(table.columns[i], table.rows[0][i]);
  return cells;
}

// Pixels of seg_level as squares of 512 px of level 0, cut to a whole number as published.
double squares_of(const std::string& area, int level, const slide::Slide& slide) {
  double pixels = 0;
  const OptionTexts texts = {{"a", area}};
  OptionTextReader(texts).number(pixels, {.name = "a"});
  const Downsample scale = slide.levels()[static_cast<std::size_t>(level)].downsample_xy;
  return std::trunc(pixels * (scale.x * scale.y) / (512.0 * 512.0));
}

std::string python_text(std::string_view name, const std::string& text) {
  if (text == "true") return "True";
  if (text == "false") return "False";
  const bool is_float = name == "a_t" || name == "a_h";
  return is_float && text.find_first_not_of("0123456789") == std::string::npos ? text + ".0" : text;
}

}  // namespace

void apply_preset(const std::string& name_or_file, tissue::TissueOptions& tissue, TileOptions& tile) {
  constexpr std::string_view kExtension = ".csv";
  std::error_code ignored;
  if (!name_or_file.ends_with(kExtension)) {
    tissue = tissue::preset(name_or_file);
  } else if (std::filesystem::exists(name_or_file, ignored)) {
    tissue = tissue::TissueOptions{};
    const OptionTexts texts = texts_of(read_preset(name_or_file));
    with_context(name_or_file, [&] {
      set_from_texts(tissue, texts);
      set_from_texts(tile, texts);
    });
  } else {
    tissue = tissue::preset(name_or_file.substr(0, name_or_file.size() - kExtension.size()));
  }
  tissue.preset = name_or_file;
}

void apply_cells(const cohort::Cells& cells, const slide::Slide& slide, tissue::TissueOptions& tissue,
                 TileOptions& tile) {
  const OptionTexts texts = texts_of(cells);
  set_from_texts(tissue, texts);
  set_from_texts(tile, texts);
  const std::string area = text_of(cells, "a");
  if (area.empty()) return;
  tissue.a_t = squares_of(area, tissue::resolve_level(slide, tissue.seg_level, "seg_level"), slide);
  tissue.seg_level = -1;
  tissue.vis_level = -1;
}

cohort::Columns columns_as_asked(const cohort::SlideEntry& slide, const tissue::TissueOptions& tissue,
                                 const TileOptions& tile) {
  OptionTexts texts = option_texts(tissue);
  const OptionTexts of_tiles = option_texts(tile);
  texts.insert(texts.end(), of_tiles.begin(), of_tiles.end());
  cohort::Columns columns;
  for (const std::string_view name : kClamColumns) {
    const std::string own = text_of(slide.cells, name);
    columns.emplace_back(name, own.empty() ? python_text(name, text_of(texts, name)) : own);
  }
  return columns;
}

}  // namespace hipt::tiling
