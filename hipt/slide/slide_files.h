#pragma once
// Which files a slide consists of: a copy of them opens as the slide does.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hipt::slide {

// The slide's file first, then what belongs to it, as paths relative to its folder:
// - MIRAX (.mrxs): everything in the folder of the same name beside it;
// - Hamamatsu (.vms, .vmu): the files beside it that it names;
// - DICOM (.dcm, .dicom): the files of that extension and of its series beside it, one for each level; or the folder of
// them. Other formats are one file. Throws NotFound or Io, naming the file.
std::vector<std::filesystem::path> files_of_slide(const std::filesystem::path& slide);

// The files of a folder that is a DICOM slide, sorted: it holds .dcm (or .dicom) files of one series and, hidden files
// aside, nothing else. Empty when the folder is no slide.
std::vector<std::filesystem::path> dicom_files(const std::filesystem::path& folder);

// The SeriesInstanceUID of a DICOM file by its extension: files of one folder that share it are one slide. Nothing for
// other files, or when it is not near the start.
std::optional<std::string> dicom_series(const std::filesystem::path& file);

}  // namespace hipt::slide
