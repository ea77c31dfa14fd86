#pragma once
// Pictures drawn by the program gnuplot.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hipt::evaluate {

// gnuplot on PATH; nothing where it is not installed.
std::optional<std::filesystem::path> gnuplot_program();

// A script, and the files that it plots by their names ("curve.txt").
struct Drawing {
  int width_px = 1500;
  int height_px = 1500;
  std::string script;
  std::vector<std::pair<std::string, std::string>> files;
};

// Text for a script, in single quotes: there gnuplot runs no backticks and expands no macros. Control characters become
// blanks.
std::string gnuplot_text(std::string_view text);

// Draws in a temporary folder, away from the user's gnuplot settings, and writes the PNG atomically, with the program's
// version and the SHA-256 of script and files in its text. Throws Unsupported where gnuplot is not installed; Io with
// its own words when it fails.
void draw(const std::filesystem::path& png, const Drawing& drawing);

}  // namespace hipt::evaluate
