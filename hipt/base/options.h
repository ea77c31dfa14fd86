#pragma once
// One description of each Options struct, from which command line, JSON record, fingerprint and (later) Python are
// made.
//
//   struct TileOptions { std::int64_t patch_size = 256; ContourTest contour_fn = ContourTest::FourPoint; };
//   template <class Visitor> void describe(TileOptions& options, Visitor& visitor) {
//     visitor(options.patch_size, {.name = "patch_size", .unit = "px", .help = "side of a patch", .min = 1, .max =
//     65536}); visitor(options.contour_fn, {.name = "contour_fn", .help = "which points of a patch must lie in the
//     contour"});
//   }
//
// A visitor derives from OptionVisitor and overrides the handful of basic types. An enum takes part by a function found
// beside it: std::span<const EnumName<E>> enum_names(E).

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "hipt/base/error.h"

namespace hipt {

// Whether two outputs made with different values of the field differ in their bytes.
enum class Affects { Output, HowItRuns };

struct Field {
  std::string_view name;  // the flag's name without dashes, as users of CLAM and HIPT know it
  std::string_view unit = "";
  std::string_view help = "";
  double min = std::numeric_limits<double>::lowest();
  double max = std::numeric_limits<double>::max();
  Affects affects = Affects::Output;
  std::string_view also = "";  // a published spelling that is accepted too ("model256_path")
};

template <class E>
struct EnumName {
  E value;
  std::string_view name;
};

class OptionVisitor {
 public:
  virtual ~OptionVisitor() = default;

  virtual void boolean(bool& value, const Field& field) = 0;
  virtual void integer(std::int64_t& value, const Field& field) = 0;
  virtual void number(double& value, const Field& field) = 0;
  virtual void text(std::string& value, const Field& field) = 0;
  virtual void list(std::vector<std::int64_t>& value, const Field& field) = 0;
  virtual void optional_number(std::optional<double>& value, const Field& field) = 0;
  // One of `names`; a visitor that sets must set one of them.
  virtual void choice(std::string& value, std::span<const std::string_view> names, const Field& field) = 0;

  void operator()(bool& value, const Field& field) { boolean(value, field); }
  void operator()(std::int64_t& value, const Field& field) { integer(value, field); }
  void operator()(double& value, const Field& field) { number(value, field); }
  void operator()(std::string& value, const Field& field) { text(value, field); }
  void operator()(std::vector<std::int64_t>& value, const Field& field) { list(value, field); }
  void operator()(std::optional<double>& value, const Field& field) { optional_number(value, field); }

  template <class E>
    requires std::is_enum_v<E>
  void operator()(E& value, const Field& field) {
    std::vector<std::string_view> names;
    std::string chosen;
    for (const EnumName<E>& entry : enum_names(E{})) {
      names.push_back(entry.name);
      if (entry.value == value) chosen = entry.name;
    }
    choice(chosen, names, field);
    for (const EnumName<E>& entry : enum_names(E{})) {
      if (entry.name == chosen) value = entry.value;
    }
  }
};

// The name of an enum's value.
template <class E>
std::string_view name_of(E value) {
  for (const EnumName<E>& entry : enum_names(E{})) {
    if (entry.value == value) return entry.name;
  }
  throw Error(ErrorCode::Internal, "an enum value without a name");
}

// Every field that affects the output, as name and text, in the order of description.
using OptionTexts = std::vector<std::pair<std::string, std::string>>;

// Collects a description's values as text; numbers print in the shortest form that reads back to the same value.
class OptionCollector final : public OptionVisitor {
 public:
  explicit OptionCollector(OptionTexts& texts, bool output_only = true) : texts_(texts), output_only_(output_only) {}

  void boolean(bool& value, const Field& field) override;
  void integer(std::int64_t& value, const Field& field) override;
  void number(double& value, const Field& field) override;
  void text(std::string& value, const Field& field) override;
  void list(std::vector<std::int64_t>& value, const Field& field) override;
  void optional_number(std::optional<double>& value, const Field& field) override;
  void choice(std::string& value, std::span<const std::string_view> names, const Field& field) override;

 private:
  void add(const Field& field, std::string value);
  OptionTexts& texts_;
  bool output_only_;
};

template <class Options>
OptionTexts option_texts(const Options& options) {
  OptionTexts texts;
  OptionCollector collector(texts);
  Options copy = options;
  describe(copy, static_cast<OptionVisitor&>(collector));
  return texts;
}

// Sets the fields that `texts` names from text as OptionCollector, pandas and Python write it: true/True, 8/8.0, none
// or empty for an empty list or optional, "5,1,3". Other names are passed over. Throws InvalidArgument naming the
// field.
class OptionTextReader final : public OptionVisitor {
 public:
  explicit OptionTextReader(const OptionTexts& texts) : texts_(texts) {}

  void boolean(bool& value, const Field& field) override;
  void integer(std::int64_t& value, const Field& field) override;
  void number(double& value, const Field& field) override;
  void text(std::string& value, const Field& field) override;
  void list(std::vector<std::int64_t>& value, const Field& field) override;
  void optional_number(std::optional<double>& value, const Field& field) override;
  void choice(std::string& value, std::span<const std::string_view> names, const Field& field) override;

 private:
  const std::string* find(const Field& field) const;
  const OptionTexts& texts_;
};

// Throws InvalidArgument naming the flag, the value and the range when a number is out of its field's range.
class OptionRangeCheck final : public OptionVisitor {
 public:
  void boolean(bool&, const Field&) override {}
  void integer(std::int64_t& value, const Field& field) override;
  void number(double& value, const Field& field) override;
  void text(std::string&, const Field&) override {}
  void list(std::vector<std::int64_t>& value, const Field& field) override;
  void optional_number(std::optional<double>& value, const Field& field) override;
  void choice(std::string&, std::span<const std::string_view>, const Field&) override {}
};

template <class Options>
void check_ranges(const Options& options) {
  OptionRangeCheck check;
  Options copy = options;
  describe(copy, static_cast<OptionVisitor&>(check));
}

template <class Options>
void set_from_texts(Options& options, const OptionTexts& texts) {
  OptionTextReader reader(texts);
  describe(options, static_cast<OptionVisitor&>(reader));
  check_ranges(options);
}

}  // namespace hipt
