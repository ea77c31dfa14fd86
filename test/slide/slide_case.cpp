#include "test/slide/slide_case.h"

#include <algorithm>
#include <iostream>
#include <set>
#include <span>

#include <fmt/format.h>

#include "hipt/base/sha256.h"

#include "test/support/support.h"

namespace hipt::test {
namespace {

using nlohmann::json;

void check_levels(const slide::Slide& slide, const json& expected) {
  REQUIRE(slide.levels().size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    const slide::Level& level = slide.levels()[i];
    const Size size{expected[i].at("width"), expected[i].at("height")};
    CHECK(level.size == size);
    CHECK(level.downsample == expected[i].at("downsample").get<double>());
    CHECK(level.downsample_xy.x == static_cast<double>(slide.size().width) / static_cast<double>(size.width));
    CHECK(level.downsample_xy.y == static_cast<double>(slide.size().height) / static_cast<double>(size.height));
  }
}

void check_scale(const slide::Slide& slide, const json& slide_case) {
  CHECK(slide.mpp().has_value() == !slide_case.at("mpp").is_null());
  if (slide.mpp() && !slide_case.at("mpp").is_null()) {
    CHECK(slide.mpp()->value == doctest::Approx(slide_case.at("mpp").get<double>()).epsilon(1e-7));
  }
  if (slide.mpp() && slide_case.contains("mpp_source")) CHECK(slide.mpp()->source == slide_case.at("mpp_source"));
  CHECK(slide.objective_power().has_value() == !slide_case.at("objective").is_null());
  if (slide.objective_power()) CHECK(*slide.objective_power() == slide_case.at("objective").get<double>());
}

void check_associated_images(const slide::Slide& slide, const json& expected) {
  CHECK(slide.associated_images().size() == expected.size());
  for (const auto& [name, picture] : expected.items()) {
    CAPTURE(name);
    const auto found = slide.associated_images().find(name);
    REQUIRE(found != slide.associated_images().end());
    CHECK(found->second == Size{picture.at("width"), picture.at("height")});
    CHECK(sha256_of(slide.read_associated_image(name)) == picture.at("sha256"));
  }
  CHECK(error_of([&] { slide.read_associated_image("no such picture"); }) == ErrorCode::NotFound);
}

}  // namespace

std::string sha256_of(const image::RgbImage& picture) {
  return sha256_hex(std::as_bytes(std::span(picture.data(), picture.byte_size())));
}

std::optional<std::filesystem::path> file_of(const json& slide_case) {
  const std::filesystem::path file = slide_case.at("file").get<std::string>();
  return file.filename() == "CMU-1-Small-Region.svs" ? demo_slide() : shared_data(file.string());
}

bool is_known_to_this_openslide(const json& slide_case) {
  if (!slide_case.contains("since")) return true;
  const auto library = slide::openslide_library();
  return library && std::stoi(library->version) >= std::stoi(slide_case.at("since").get<std::string>());
}

void check_good_slide(const std::string& name, const json& slide_case, const std::filesystem::path& file) {
  const auto slide = slide::open_slide(file);
  CHECK(slide->path() == file);
  CHECK(slide->id() == file.stem());
  CHECK(slide->format() == slide_case.at("format"));
  check_levels(*slide, slide_case.at("levels"));
  check_scale(*slide, slide_case);
  check_associated_images(*slide, slide_case.at("associated"));
  for (const auto& [key, value] : slide_case.at("properties").items()) {
    const auto found = slide->properties().find(key);
    CHECK_MESSAGE((found != slide->properties().end() && found->second == value), name << ": " << key);
  }
  if (slide_case.contains("best_levels")) {
    for (const json& pair : slide_case.at("best_levels")) {
      CHECK_MESSAGE(slide->best_level_for_downsample(pair[0]) == pair[1].get<int>(), name << ": best for " << pair[0]);
    }
  }
  std::vector<int> misread;
  if (slide->reader().starts_with("openslide 3.") && slide_case.contains("misread_levels")) {
    slide_case.at("misread_levels").get_to(misread);
  }
  std::size_t refused = 0;
  std::set<std::string> sources;
  for (const json& region : slide_case.at("regions")) {
    const std::string text = region.dump();
    CAPTURE(text);
    const Level0Point origin{region.at("x"), region.at("y")};
    const Size size{region.at("width"), region.at("height")};
    const int level = region.at("level");
    try {
      const std::string sha256 = sha256_of(slide->read_region(origin, level, size));
      CHECK(sha256 == region.at("sha256"));
    } catch (const Error& error) {
      const bool expected = std::ranges::count(misread, level) > 0 && error.code() == ErrorCode::Unsupported;
      CHECK_MESSAGE(expected, error.what());
      ++refused;
    }
    sources.insert(region.at("from"));
  }
  CHECK(refused >= misread.size());
  std::cout << fmt::format("{} ({}): {} regions equal, {} refused; truth: {}\n", name, slide->reader(),
                           slide_case.at("regions").size() - refused, refused, fmt::join(sources, ", "));
}

void check_broken_slide(const std::string& name, const json& slide_case, const std::filesystem::path& file) {
  std::string message;
  const ErrorCode code = error_of(
      [&] {
        const auto slide = slide::open_slide(file);
        slide->read_region({0, 0}, 0, slide->size());
      },
      &message);
  std::cout << fmt::format("{} ({}): {}\n", name, to_string(code), message);
  CHECK(to_string(code) == slide_case.at("code").get<std::string>());
  CHECK(message.find(file.filename().string()) != std::string::npos);
  for (const json& words : slide_case.at("words")) {
    CHECK_MESSAGE(message.find(words) != std::string::npos, "missing in the message: " << words);
  }
}

void for_each_case(const std::function<bool(const json&)>& chosen, const CaseBody& body) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() / "test/cases/slides")) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  int found = 0;
  for (const std::filesystem::path& case_file : files) {
    const json slide_case = json::parse(read_text(case_file));
    if (!chosen(slide_case)) continue;
    const auto file = file_of(slide_case);
    if (!file) continue;
    ++found;
    const std::string name = case_file.stem().string();
    CAPTURE(name);
    body(name, slide_case, *file);
  }
  if (found == 0) skip("the slides of these cases are not on this machine (HIPT_TEST_DATA names their folder)");
}

}  // namespace hipt::test
