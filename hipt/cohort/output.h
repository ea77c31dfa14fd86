#pragma once
// How a study's outputs are kept honest: each carries the fingerprint of what made it, is left alone when that is
// equal, and gets its name only while the slide is still ours.

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "hipt/base/error.h"
#include "hipt/cohort/fingerprint.h"
#include "hipt/image/png.h"
#include "hipt/io/atomic_file.h"

namespace hipt::cohort {

// Whether this process still holds the slide's lock (cohort::process_slides). An empty function means yes.
using StillOurs = std::function<bool()>;

// Throws Io when another process took the slide over.
void require_ours(const StillOurs& still_ours);
void commit_if_ours(io::AtomicFile& file, const StillOurs& still_ours);

// Thrown for an output that was made with other options, and stands: InvalidArgument.
class MadeOtherwise : public Error {
 public:
  explicit MadeOtherwise(std::string message) : Error(ErrorCode::InvalidArgument, std::move(message)) {}
};

// Throws MadeOtherwise naming the file, the difference and --no_auto_skip when `there` is not `now`.
void require_equal(const std::filesystem::path& file, const std::optional<Fingerprint>& there, const Fingerprint& now);

// A PNG with fingerprint and program version in its text, and `text` beside them.
void write_picture(const std::filesystem::path& file, RgbView picture, const Fingerprint& fingerprint,
                   const image::TextChunks& text, const StillOurs& still_ours);

// Many small pictures of one folder, each as write_picture makes it; they get their names some at a time. Safe from
// many threads.
class PictureBatch {
 public:
  void add(const std::filesystem::path& file, RgbView picture, const Fingerprint& fingerprint);
  void finish();  // names what is left; without it that is dropped

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<io::AtomicFile>> unnamed_;
};

// The text of the picture at `file` when it carries `now`; nothing when there is no such file. Throws as require_equal.
std::optional<image::TextChunks> text_of_equal_picture(const std::filesystem::path& file, const Fingerprint& now);

}  // namespace hipt::cohort
