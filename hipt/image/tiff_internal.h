#pragma once
// libtiff behind one RAII type, for the .cpp files of this folder.

#include <array>
#include <filesystem>
#include <memory>

#include <tiffio.h>

namespace hipt::image {

// The first complaint of libtiff about one file that matters; later ones follow from it.
struct TiffFailure {
  std::array<char, 512> message{};
  // Warnings about unknown tags are common and harmless. While pixels are decoded a warning means that some are made up
  // ("Premature end of JPEG file"), and pixels that nobody scanned must not become features.
  bool decoding = false;

  bool happened() const { return message[0] != '\0'; }
};

// Throws Corrupt with libtiff's complaint, or with `otherwise` when it has none.
[[noreturn]] void throw_tiff_error(const TiffFailure& failure, const char* otherwise);

// An open TIFF, read without mapping it: a file that is cut while it is read gives an error, not a signal. Not for two
// threads at once.
class TiffFile {
 public:
  // Throws Corrupt; the message does not name the file.
  explicit TiffFile(const std::filesystem::path& file);

  TIFF* get() const { return tiff_.get(); }
  TiffFailure& failure() const { return *failure_; }

 private:
  std::unique_ptr<TiffFailure> failure_;  // libtiff keeps its address
  std::unique_ptr<TIFF, decltype(&TIFFClose)> tiff_;
};

}  // namespace hipt::image
