#include "hipt/cohort/output.h"

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/version.h"
#include "hipt/io/byte_file.h"

namespace hipt::cohort {
namespace {

constexpr std::string_view kFingerprint = "hipt_fingerprint";
constexpr std::string_view kVersion = "hipt_version";

// The picture under the temporary name of its file.
void write_unnamed(const io::AtomicFile& output, RgbView picture, const Fingerprint& fingerprint,
                   const image::TextChunks& text) {
  image::TextChunks chunks = {{std::string(kFingerprint), fingerprint.json()},
                              {std::string(kVersion), std::string(version())}};
  chunks.insert(chunks.end(), text.begin(), text.end());
  io::ByteWriter writer(output.temporary_path());
  writer.write(image::encode_png(picture, chunks));
  writer.close();
}

}  // namespace

void require_ours(const StillOurs& still_ours) {
  if (!still_ours || still_ours()) return;
  throw Error(ErrorCode::Io, "another process took over this slide while this one was paused; its results stand");
}

void commit_if_ours(io::AtomicFile& file, const StillOurs& still_ours) {
  require_ours(still_ours);
  file.commit();
}

void require_equal(const std::filesystem::path& file, const std::optional<Fingerprint>& there, const Fingerprint& now) {
  if (there == now) return;
  throw MadeOtherwise(
      fmt::format("{}: was made otherwise ({}); choose another --save_dir, or redo it with --no_auto_skip",
                  file.string(), there ? difference(*there, now) : "it carries no fingerprint of hipt"));
}

void write_picture(const std::filesystem::path& file, RgbView picture, const Fingerprint& fingerprint,
                   const image::TextChunks& text, const StillOurs& still_ours) {
  io::AtomicFile output(file);
  write_unnamed(output, picture, fingerprint, text);
  commit_if_ours(output, still_ours);
}

void PictureBatch::add(const std::filesystem::path& file, RgbView picture, const Fingerprint& fingerprint) {
  constexpr std::size_t kMostUnnamed = 1024;
  auto output = std::make_unique<io::AtomicFile>(file);
  write_unnamed(*output, picture, fingerprint, {});
  {
    const std::scoped_lock lock(mutex_);
    unnamed_.push_back(std::move(output));
    if (unnamed_.size() < kMostUnnamed) return;
  }
  finish();
}

void PictureBatch::finish() {
  std::vector<std::unique_ptr<io::AtomicFile>> files;
  {
    const std::scoped_lock lock(mutex_);
    files.swap(unnamed_);
  }
  io::commit_together(files);
}

std::optional<image::TextChunks> text_of_equal_picture(const std::filesystem::path& file, const Fingerprint& now) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return std::nullopt;
  image::TextChunks text = image::read_png_text(file);
  std::optional<Fingerprint> there;
  for (const auto& [keyword, value] : text) {
    if (keyword == kFingerprint) there = Fingerprint::parse(value);
  }
  require_equal(file, there, now);
  return text;
}

}  // namespace hipt::cohort
