#pragma once
// Which files a slide consists of: a copy of them opens as the slide does.

#include <filesystem>
#include <vector>

namespace hipt::slide {

// The slide's file first, then what belongs to it, as paths relative to its folder:
// - MIRAX (.mrxs): everything in the folder of the same name beside it;
// - Hamamatsu (.vms, .vmu): the files beside it that it names;
// - DICOM (.dcm, .dicom): the files of that extension beside it, one of which is each level.
// Other formats are one file. Throws NotFound or Io, naming the file.
std::vector<std::filesystem::path> files_of_slide(const std::filesystem::path& slide);

}  // namespace hipt::slide
