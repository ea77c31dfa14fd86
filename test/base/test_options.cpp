#include <array>
#include <cmath>

#include <doctest/doctest.h>

#include "hipt/base/options.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::test::error_of;

namespace {

enum class Colour { Red, DarkBlue };

std::span<const EnumName<Colour>> enum_names(Colour) {
  static constexpr std::array<EnumName<Colour>, 2> kNames = {{{Colour::Red, "red"}, {Colour::DarkBlue, "dark_blue"}}};
  return kNames;
}

struct PaintOptions {
  bool glossy = true;
  std::int64_t coats = 2;
  double thickness = 0.1;
  std::string name = "plain";
  std::vector<std::int64_t> rooms = {};
  std::optional<double> weight = {};
  Colour colour = Colour::DarkBlue;
  std::int64_t painters = 4;
};

template <class Visitor>
void describe(PaintOptions& o, Visitor& v) {
  v(o.glossy, {.name = "glossy"});
  v(o.coats, {.name = "coats", .min = 1, .max = 10});
  v(o.thickness, {.name = "thickness", .unit = "mm", .min = 0});
  v(o.name, {.name = "name"});
  v(o.rooms, {.name = "rooms", .min = 0, .max = 99});
  v(o.weight, {.name = "weight", .unit = "kg", .min = 0.5});
  v(o.colour, {.name = "colour"});
  v(o.painters, {.name = "painters", .min = 1, .affects = Affects::HowItRuns});
}

// Sets every choice to a fixed name, as a command line does.
class ChoiceSetter final : public OptionVisitor {
 public:
  explicit ChoiceSetter(std::string name) : name_(std::move(name)) {}
  void boolean(bool&, const Field&) override {}
  void integer(std::int64_t&, const Field&) override {}
  void number(double&, const Field&) override {}
  void text(std::string&, const Field&) override {}
  void list(std::vector<std::int64_t>&, const Field&) override {}
  void optional_number(std::optional<double>&, const Field&) override {}
  void choice(std::string& value, std::span<const std::string_view> names, const Field&) override {
    offered.assign(names.begin(), names.end());
    value = name_;
  }
  std::vector<std::string> offered;

 private:
  std::string name_;
};

std::string range_error(const PaintOptions& options) {
  std::string message;
  CHECK(error_of([&] { check_ranges(options); }, &message) == ErrorCode::InvalidArgument);
  return message;
}

}  // namespace

TEST_CASE("options: values that affect the output become text in the order of description") {
  PaintOptions options;
  options.rooms = {3, 1, 2};
  options.weight = 12.5;
  const OptionTexts expected = {{"glossy", "true"}, {"coats", "2"},     {"thickness", "0.1"},   {"name", "plain"},
                                {"rooms", "3,1,2"}, {"weight", "12.5"}, {"colour", "dark_blue"}};
  CHECK(option_texts(options) == expected);
}

TEST_CASE("options: all values on request and none for what is not set") {
  OptionTexts texts;
  OptionCollector collector(texts, /*output_only=*/false);
  PaintOptions options;
  describe(options, static_cast<OptionVisitor&>(collector));
  REQUIRE(texts.size() == 8);
  CHECK(texts[4] == std::pair<std::string, std::string>("rooms", "none"));
  CHECK(texts[5] == std::pair<std::string, std::string>("weight", "none"));
  CHECK(texts[7] == std::pair<std::string, std::string>("painters", "4"));
}

TEST_CASE("options: numbers print in the shortest form that reads back to the same value") {
  for (const double value : {0.1, 1.0 / 3.0, 1e-300, 0.2525, 20.0, 123456789.123}) {
    PaintOptions options;
    options.thickness = value;
    CHECK(std::stod(option_texts(options)[2].second) == value);
  }
  PaintOptions options;
  options.thickness = 20.0;
  CHECK(option_texts(options)[2].second == "20");
}

TEST_CASE("options: texts of a table set the fields that they name") {
  PaintOptions options;
  set_from_texts(options, {{"coats", "3.0"},
                           {"thickness", "2"},
                           {"rooms", "5,1,3"},
                           {"colour", "dark_blue"},
                           {"weight", "0.75"},
                           {"a stranger", "x"}});
  CHECK(options.coats == 3);
  CHECK(options.thickness == 2.0);
  CHECK(options.rooms == std::vector<std::int64_t>{5, 1, 3});
  CHECK(options.colour == Colour::DarkBlue);
  CHECK(options.weight == 0.75);
  set_from_texts(options, {{"rooms", "none"}, {"weight", ""}});
  CHECK(options.rooms.empty());
  CHECK(!options.weight);
  const auto message = [](const char* name, const char* text) {
    std::string said;
    PaintOptions wrong;
    CHECK(error_of([&] { set_from_texts(wrong, {{name, text}}); }, &said) == ErrorCode::InvalidArgument);
    return said;
  };
  CHECK(message("coats", "2.5") == "coats \"2.5\": expected a whole number");
  CHECK(message("coats", "") == "coats \"\": expected a whole number");
  CHECK(message("coats", "11") == "--coats 11: must be between 1 and 10");
  CHECK(message("thickness", "1 mm") == "thickness \"1 mm\": expected a number");
  CHECK(message("rooms", "1,,2") == "rooms \"\": expected a whole number");
  CHECK(message("colour", "green").starts_with("colour \"green\": expected one of red, dark_blue"));
}

TEST_CASE("options: a range error names the flag with its value and range") {
  check_ranges(PaintOptions{});
  CHECK(range_error({.coats = 11}) == "--coats 11: must be between 1 and 10");
  CHECK(range_error({.coats = 0}) == "--coats 0: must be between 1 and 10");
  CHECK(range_error({.thickness = -1.5}) == "--thickness -1.5: must be at least 0");
  CHECK(range_error({.rooms = {5, 100}}) == "--rooms 100: must be between 0 and 99");
  CHECK(range_error({.weight = 0.25}) == "--weight 0.25: must be at least 0.5");
  CHECK(range_error({.thickness = std::nan("")}).starts_with("--thickness nan"));
  CHECK(range_error({.thickness = INFINITY}).starts_with("--thickness inf"));
}

TEST_CASE("options: an enum takes part by its names") {
  CHECK(name_of(Colour::Red) == "red");
  CHECK(error_of([] { name_of(static_cast<Colour>(7)); }) == ErrorCode::Internal);
  PaintOptions options;
  ChoiceSetter setter("red");
  describe(options, static_cast<OptionVisitor&>(setter));
  CHECK(options.colour == Colour::Red);
  CHECK(setter.offered == std::vector<std::string>{"red", "dark_blue"});
}
