#include "hipt/cohort/source.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hipt/base/error.h"
#include "hipt/base/text.h"
#include "hipt/cohort/study_folder.h"
#include "hipt/io/csv.h"
#include "hipt/slide/slide.h"
#include "hipt/slide/slide_files.h"

namespace hipt::cohort {
namespace {

namespace fs = std::filesystem;

bool is_csv(const fs::path& file) {
  return lower_case(file.extension().string()) == ".csv";
}

// macOS leaves "._a.svs" beside "a.svs" on foreign drives: hidden files are no slides.
bool is_slide_file(const fs::path& file) {
  return !file.filename().string().starts_with('.') && slide::has_slide_extension(file);
}

// MIRAX: the slide is a.mrxs, its pixels lie in the folder a/ beside it.
bool belongs_to_mirax_slide(const fs::path& folder) {
  fs::path slide = folder;
  slide += ".mrxs";
  std::error_code ignored;
  return fs::exists(slide, ignored);
}

void collect(const fs::path& folder, bool nested, std::set<fs::path>& visited, Source& found) {
  std::error_code failure;
  const fs::path real = fs::canonical(folder, failure);
  if (!failure && !visited.insert(real).second) return;  // reached before by a link
  fs::directory_iterator entries(folder, failure);
  if (failure) {
    throw Error(ErrorCode::Io, fmt::format("{}: the folder cannot be read: {}", folder.string(), failure.message()));
  }
  for (const fs::directory_entry& entry : entries) {
    std::error_code ignored;
    if (entry.is_directory(ignored) && !slide::dicom_files(entry.path()).empty()) {
      found.slides.push_back({entry.path(), id_of_slide(entry.path()), std::nullopt, {}, {}});
    } else if (entry.is_directory(ignored)) {
      const bool searched = nested && !belongs_to_mirax_slide(entry.path()) && !is_study_output(entry.path());
      if (searched) collect(entry.path(), nested, visited, found);
    } else if (entry.is_regular_file(ignored) && is_slide_file(entry.path())) {
      found.slides.push_back({entry.path(), id_of_slide(entry.path()), std::nullopt, {}, {}});
    } else {
      found.not_slides.push_back(entry.path());
    }
  }
}

// A DICOM slide is a series of files, one for each level and picture: its first file stands for it.
void join_dicom_series(Source& found) {
  std::set<std::pair<fs::path, std::string>> seen;
  std::erase_if(found.slides, [&](const SlideEntry& slide) {
    const auto series = slide::dicom_series(slide.path);
    const bool again = series && !seen.emplace(slide.path.parent_path(), *series).second;
    if (again) found.not_slides.push_back(slide.path);
    return again;
  });
}

Source from_folder(const fs::path& folder, bool nested) {
  Source found = slides_in_folder(folder, nested);
  if (found.slides.empty()) {
    throw Error(ErrorCode::NotFound,
                fmt::format("{}: no slide among {} files{}", folder.string(), found.not_slides.size(),
                            nested ? "" : "; --search_nested looks into the folders below"));
  }
  return found;
}

Source from_csv(const fs::path& file) {
  const io::CsvTable table = io::read_csv(file);
  const auto slide_column = table.column("slide");
  const auto mpp_column = table.column("mpp");
  if (!slide_column) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("{}: has no column \"slide\" among: {}", file.string(), fmt::join(table.columns, ", ")));
  }
  Source found;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    with_context(fmt::format("{}: row {}", file.string(), row + 2), [&] {
      const std::string& cell = table.rows[row][*slide_column];
      const fs::path slide = file.parent_path() / cell;
      if (cell.empty() || slide.filename().empty() || slide.filename() == "." || slide.filename() == "..") {
        throw Error(ErrorCode::InvalidArgument, fmt::format("slide \"{}\": does not name a file", cell));
      }
      const auto mpp = mpp_column ? parse_mpp(table.rows[row][*mpp_column]) : std::nullopt;
      found.slides.push_back({slide, id_of_slide(slide), mpp, {}, {}});
    });
  }
  if (found.slides.empty()) throw Error(ErrorCode::NotFound, fmt::format("{}: lists no slide", file.string()));
  return found;
}

// Outputs are named by id: two slides of one id would overwrite each other.
void require_distinct_ids(const Source& source) {
  std::map<std::string, fs::path> first;
  for (const SlideEntry& slide : source.slides) {
    const auto [place, added] = first.emplace(slide.id, slide.path);
    if (added) continue;
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("{} and {}: both have the slide id \"{}\", so their outputs would have one name; rename "
                            "one, or list the slides in a CSV",
                            place->second.string(), slide.path.string(), slide.id));
  }
}

}  // namespace

std::string id_of_slide(const fs::path& slide) {
  const fs::path path = slide.has_filename() ? slide : slide.parent_path();
  std::error_code ignored;
  return fs::is_directory(path, ignored) ? path.filename().string() : path.stem().string();
}

Source slides_in_folder(const fs::path& folder, bool nested) {
  Source found;
  std::set<fs::path> visited;
  collect(folder, nested, visited, found);
  const auto by_name = [](const fs::path& a, const fs::path& b) {
    return std::make_tuple(a.filename().string(), a.string()) < std::make_tuple(b.filename().string(), b.string());
  };
  std::sort(found.slides.begin(), found.slides.end(),
            [&](const SlideEntry& a, const SlideEntry& b) { return by_name(a.path, b.path); });
  join_dicom_series(found);
  std::sort(found.not_slides.begin(), found.not_slides.end(), by_name);
  return found;
}

void take_shard(Source& source, std::string_view shard) {
  std::size_t number = 0, count = 0;
  const char* const end = shard.data() + shard.size();
  const auto [slash, failure] = std::from_chars(shard.data(), end, number);
  bool valid = failure == std::errc() && slash != end && *slash == '/';
  if (valid) {
    const auto [stop, count_failure] = std::from_chars(slash + 1, end, count);
    valid = count_failure == std::errc() && stop == end && number >= 1 && number <= count;
  }
  if (!valid) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("--shard {}: must be I/N with I from 1 to N, as 2/8 for the second of eight", shard));
  }
  std::vector<SlideEntry> taken;
  for (std::size_t i = number - 1; i < source.slides.size(); i += count) {
    taken.push_back(std::move(source.slides[i]));
  }
  source.slides = std::move(taken);
}

std::optional<double> parse_mpp(std::string_view cell) {
  if (cell.find_first_not_of(" \t") == std::string_view::npos) return std::nullopt;
  const std::optional<double> value = parse_number<double>(cell);
  if (!value || !std::isfinite(*value) || *value <= 0.0) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("mpp \"{}\": must be microns a pixel, a number above 0, or blank", cell));
  }
  return value;
}

Source find_slides(const fs::path& source, bool nested) {
  std::error_code failure;
  const fs::file_status status = fs::status(source, failure);
  if (!fs::exists(status)) {
    const bool absent = status.type() == fs::file_type::not_found;
    throw Error(absent ? ErrorCode::NotFound : ErrorCode::Io,
                fmt::format("{}: {}", source.string(), absent ? "no such slide, folder or CSV" : failure.message()));
  }
  Source found;
  const bool is_series = fs::is_directory(status) && slide::dicom_files(source).size() > 1;
  if (fs::is_directory(status) && !is_series) {
    found = from_folder(source, nested);
  } else if (is_csv(source)) {
    found = from_csv(source);
  } else {
    found.slides.push_back({source, id_of_slide(source), std::nullopt, {}, {}});
  }
  require_distinct_ids(found);
  return found;
}

}  // namespace hipt::cohort
