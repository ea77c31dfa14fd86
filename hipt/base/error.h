#pragma once
// The one exception of the library. The library never prints, exits or aborts; expected absence is std::optional.

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace hipt {

enum class ErrorCode {
  InvalidArgument,  // the caller asked for something that makes no sense: exit status 2 at the command line
  NotFound,         // a file, level, tensor or name that is not there
  Unsupported,      // well-formed, but nothing here can do it
  Corrupt,          // a file that contradicts itself or its format
  Io,               // the operating system refused
  Device,           // a processor feature or accelerator is missing
  Cancelled,        // stopped by the user
  Internal,         // our bug
};

// "InvalidArgument", ... as written in reports and logs.
std::string_view to_string(ErrorCode code);

// A code, a message, and the places it passed on its way up, outermost first:
// "slide.svs: level 2: tile (3, 4): JPEG ends after 118 of 512 rows".
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  ErrorCode code() const noexcept { return code_; }
  const char* what() const noexcept override { return message_.c_str(); }

  // Puts "<context>: " before the message.
  void add_context(std::string_view context);

 private:
  ErrorCode code_;
  std::string message_;
};

// Runs `body`; an Error that leaves it gains `context` in front.
template <class Body>
decltype(auto) with_context(std::string_view context, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (Error& error) {
    error.add_context(context);
    throw;
  }
}

}  // namespace hipt
