#include <cstdarg>
#include <cstdio>
#include <string_view>

#include "hipt/base/error.h"
#include "hipt/image/tiff_internal.h"

namespace hipt::image {
namespace {

using TiffOptions = std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)>;

int on_tiff_error(TIFF*, void* user_data, const char* module, const char* format, va_list arguments) {
  auto& message = static_cast<TiffFailure*>(user_data)->message;
  if (message[0] != '\0') return 1;
  const int used = module == nullptr ? 0 : std::snprintf(message.data(), message.size(), "%s: ", module);
  if (used >= 0 && static_cast<std::size_t>(used) < message.size()) {
    std::vsnprintf(message.data() + used, message.size() - static_cast<std::size_t>(used), format, arguments);
  }
  return 1;
}

int on_tiff_warning(TIFF* tiff, void* user_data, const char* module, const char* format, va_list arguments) {
  // A tag outside the file is ignored by libtiff, be it the colour map.
  const bool lost_tag = std::string_view(format).find("IO error") != std::string_view::npos;
  const bool counts = lost_tag || static_cast<const TiffFailure*>(user_data)->decoding;
  return counts ? on_tiff_error(tiff, user_data, module, format, arguments) : 1;
}

}  // namespace

void throw_tiff_error(const TiffFailure& failure, const char* otherwise) {
  throw Error(ErrorCode::Corrupt, failure.happened() ? failure.message.data() : otherwise);
}

TiffFile::TiffFile(const std::filesystem::path& file)
    : failure_(std::make_unique<TiffFailure>()), tiff_(nullptr, &TIFFClose) {
  const TiffOptions options(TIFFOpenOptionsAlloc(), &TIFFOpenOptionsFree);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_tiff_error, failure_.get());
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_tiff_warning, failure_.get());
  tiff_.reset(TIFFOpenExt(file.c_str(), "rm", options.get()));
  if (!tiff_ || failure_->happened()) throw_tiff_error(*failure_, "not a TIFF file");
}

}  // namespace hipt::image
