#include "hipt/base/error.h"

#include <fmt/format.h>

namespace hipt {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument:
      return "InvalidArgument";
    case ErrorCode::NotFound:
      return "NotFound";
    case ErrorCode::Unsupported:
      return "Unsupported";
    case ErrorCode::Corrupt:
      return "Corrupt";
    case ErrorCode::Io:
      return "Io";
    case ErrorCode::Device:
      return "Device";
    case ErrorCode::Cancelled:
      return "Cancelled";
    case ErrorCode::Internal:
      return "Internal";
  }
  return "Internal";
}

void Error::add_context(std::string_view context) {
  message_ = fmt::format("{}: {}", context, message_);
}

}  // namespace hipt
