// Every slide of test/cases/slides against OpenSlide 4.0.1 and 3.4.1 through Python, the oracle's pixels, and Pillow.

#include "test/slide/slide_case.h"
#include "test/support/support.h"

namespace hipt::test {
namespace {

using nlohmann::json;

bool is_demo_slide(const json& c) {
  return c.at("file") == "slides/aperio/CMU-1-Small-Region.svs";
}
bool is_picture(const json& c) {
  return c.at("reads") && (c.at("format") == "png" || c.at("format") == "jpeg" || c.at("format") == "tiff");
}

}  // namespace

TEST_CASE("The demo slide reads as openslide-python and the oracle read it") {
  for_each_case(is_demo_slide, check_good_slide);
}

TEST_CASE("Pyramids read as openslide-python reads them") {
  for_each_case(
      [](const json& c) { return c.at("reads") && !c.contains("since") && !is_demo_slide(c) && !is_picture(c); },
      check_good_slide);
}

TEST_CASE("Plain pictures are slides of one level") {
  for_each_case(is_picture, check_good_slide);
}

TEST_CASE("Broken slides give an error that names file and reason") {
  for_each_case([](const json& c) { return !c.at("reads") && !c.contains("since"); }, check_broken_slide);
}

TEST_CASE("DICOM reads with a new OpenSlide and names it as the remedy with an old one") {
  for_each_case([](const json& c) { return c.contains("since"); },
                [](const std::string& name, const json& c, const std::filesystem::path& file) {
                  if (is_known_to_this_openslide(c))
                    return c.at("reads") ? check_good_slide(name, c, file) : check_broken_slide(name, c, file);
                  const json refused = {{"code", "Unsupported"}, {"words", {"a DICOM file", "openslide-bin"}}};
                  check_broken_slide(name, refused, file);
                });
}

}  // namespace hipt::test
