#pragma once
// A test slide as data: test/cases/slides/<name>.json, made by make_cases.py there from what openslide-python and
// Pillow say. One file a slide: what it must read as, or the error it must give.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "hipt/slide/slide.h"

namespace hipt::test {

std::string sha256_of(const image::RgbImage& picture);

// The file of a case; nothing when the data is not on this machine.
std::optional<std::filesystem::path> file_of(const nlohmann::json& slide_case);

// Whether the OpenSlide that is loaded is new enough for the case (its field "since").
bool is_known_to_this_openslide(const nlohmann::json& slide_case);

// Opens the slide and checks everything that the case says of it; prints one line.
void check_good_slide(const std::string& name, const nlohmann::json& slide_case, const std::filesystem::path& file);
// Opens and reads the slide, which must give the error that the case says, with the file's name; prints one line.
void check_broken_slide(const std::string& name, const nlohmann::json& slide_case, const std::filesystem::path& file);

// Runs `body` on every case that `chosen` takes; skips the test when none of their files is here.
using CaseBody = std::function<void(const std::string&, const nlohmann::json&, const std::filesystem::path&)>;
void for_each_case(const std::function<bool(const nlohmann::json&)>& chosen, const CaseBody& body);

}  // namespace hipt::test
