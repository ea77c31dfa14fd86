#include "hipt/bags/splits.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "hipt/bags/sampling.h"
#include "hipt/base/error.h"
#include "hipt/base/text.h"
#include "hipt/io/csv.h"

namespace hipt::bags {
namespace {

constexpr std::array<std::string_view, 3> kSides{"train", "val", "test"};

using Sides = std::array<std::vector<std::string>, 3>;  // slide ids

std::array<std::vector<std::size_t>*, 3> parts_of(Split& split) {
  return {&split.train, &split.validation, &split.test};
}
std::array<const std::vector<std::size_t>*, 3> parts_of(const Split& split) {
  return {&split.train, &split.validation, &split.test};
}

bool is_true(const std::string& text, std::size_t row) {
  if (const std::optional<bool> truth = parse_bool(text)) return *truth;
  throw Error(ErrorCode::Corrupt, fmt::format("row {}: \"{}\" is neither True nor False", row, text));
}

// A table whose sides hold True and False names the slide in its first column.
Sides sides_in(const io::CsvTable& table) {
  Sides sides;
  std::array<std::size_t, 3> columns{};
  for (std::size_t side = 0; side < kSides.size(); ++side) {
    const auto column = table.column(kSides[side]);
    if (!column) throw Error(ErrorCode::Corrupt, fmt::format("has no column \"{}\"", kSides[side]));
    columns[side] = *column;
  }
  if (table.rows.empty()) throw Error(ErrorCode::Corrupt, "lists no slide");
  const bool by_truth = parse_bool(table.rows.front()[columns[0]]).has_value();
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    for (std::size_t side = 0; side < kSides.size(); ++side) {
      const std::string& cell = table.rows[i][columns[side]];
      if (by_truth) {
        if (is_true(cell, i + 2)) sides[side].push_back(slide_id_of(table.rows[i].front()));
      } else if (!cell.empty()) {
        sides[side].push_back(slide_id_of(cell));
      }
    }
  }
  return sides;
}

void note_shared_patients(Split& split, const Dataset& dataset) {
  std::map<std::string, std::size_t> side_of_patient;
  std::set<std::string> shared;
  const auto parts = parts_of(split);
  for (std::size_t side = 0; side < parts.size(); ++side) {
    for (const std::size_t slide : *parts[side]) {
      const std::string& patient = dataset.slides[slide].case_id;
      if (side_of_patient.emplace(patient, side).first->second != side) shared.insert(patient);
    }
  }
  split.shared_patients.assign(shared.begin(), shared.end());
}

Split split_of(const Sides& sides, const Dataset& dataset) {
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < dataset.slides.size(); ++i) places[dataset.slides[i].slide_id] = i;
  Split split;
  std::set<std::string> seen;
  const auto parts = parts_of(split);
  for (std::size_t side = 0; side < sides.size(); ++side) {
    for (const std::string& id : sides[side]) {
      if (!seen.insert(id).second) {
        throw Error(ErrorCode::Corrupt, fmt::format("{} stands twice, or on two sides", id));
      }
      const auto place = places.find(id);
      if (place == places.end()) {
        ++split.unknown;
      } else {
        parts[side]->push_back(place->second);
      }
    }
    std::ranges::sort(*parts[side]);
  }
  if (split.train.empty() || split.test.empty()) {
    throw Error(ErrorCode::Corrupt,
                fmt::format("no slide of the dataset is in its {} part", split.train.empty() ? "train" : "test"));
  }
  note_shared_patients(split, dataset);
  return split;
}

}  // namespace

Split read_split(const std::filesystem::path& file, const Dataset& dataset) {
  const io::CsvTable table = io::read_csv(file);
  return with_context(file.string(), [&] { return split_of(sides_in(table), dataset); });
}

std::vector<Split> make_splits(const Dataset& dataset, std::int64_t folds, std::uint32_t seed) {
  if (folds < 3) throw Error(ErrorCode::InvalidArgument, fmt::format("{} folds; at least three are needed", folds));
  std::vector<std::vector<std::string>> patients(static_cast<std::size_t>(dataset.classes));  // of each class
  std::map<std::string, std::vector<std::size_t>> slides_of_patient;
  for (std::size_t i = 0; i < dataset.slides.size(); ++i) {
    const DatasetSlide& slide = dataset.slides[i];
    std::vector<std::size_t>& slides = slides_of_patient[slide.case_id];
    if (slides.empty()) patients.at(static_cast<std::size_t>(slide.label)).push_back(slide.case_id);
    slides.push_back(i);
  }
  const auto count = static_cast<std::size_t>(folds);
  std::vector<Split> splits(count);
  std::size_t dealt = 0;  // goes on over the classes, so that parts differ by one patient at most
  for (std::size_t label = 0; label < patients.size(); ++label) {
    if (patients[label].size() < count) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("class {} has {} patients: too few for {} folds", label, patients[label].size(), folds));
    }
    for (const std::size_t drawn : numpy_permutation(patients[label].size(), seed)) {
      const std::size_t tested = dealt++ % count;
      for (const std::size_t slide : slides_of_patient[patients[label][drawn]]) {
        for (std::size_t k = 0; k < count; ++k) {
          const bool is_test = k == tested;
          const bool is_validation = (k + 1) % count == tested;
          (is_test ? splits[k].test : is_validation ? splits[k].validation : splits[k].train).push_back(slide);
        }
      }
    }
  }
  for (Split& split : splits) {
    for (std::vector<std::size_t>* part : parts_of(split)) std::ranges::sort(*part);
  }
  return splits;
}

void write_split(const std::filesystem::path& folder, std::int64_t fold, const Split& split, const Dataset& dataset,
                 const std::vector<std::string>& class_names) {
  const auto parts = parts_of(split);
  io::CsvTable lists{{"", "train", "val", "test"}, {}};
  io::CsvTable truths{{"", "train", "val", "test"}, {}};
  io::CsvTable counts{{"", "train", "val", "test"}, {}};
  const std::size_t longest = std::max({parts[0]->size(), parts[1]->size(), parts[2]->size()});
  for (std::size_t i = 0; i < longest; ++i) {
    std::vector<std::string> row{fmt::format("{}", i)};
    for (const auto* part : parts) row.push_back(i < part->size() ? dataset.slides[(*part)[i]].slide_id : "");
    lists.rows.push_back(std::move(row));
  }
  for (std::size_t side = 0; side < parts.size(); ++side) {
    for (const std::size_t slide : *parts[side]) {
      std::vector<std::string> row{dataset.slides[slide].slide_id, "False", "False", "False"};
      row[side + 1] = "True";
      truths.rows.push_back(std::move(row));
    }
  }
  for (std::size_t label = 0; label < class_names.size(); ++label) {
    std::vector<std::string> row{class_names[label]};
    for (const auto* part : parts) {
      row.push_back(fmt::format("{}", std::ranges::count_if(*part, [&](std::size_t slide) {
                                  return dataset.slides[slide].label == static_cast<std::int64_t>(label);
                                })));
    }
    counts.rows.push_back(std::move(row));
  }
  io::write_csv(folder / fmt::format("splits_{}.csv", fold), lists);
  io::write_csv(folder / fmt::format("splits_{}_bool.csv", fold), truths);
  io::write_csv(folder / fmt::format("splits_{}_descriptor.csv", fold), counts);
}

}  // namespace hipt::bags
