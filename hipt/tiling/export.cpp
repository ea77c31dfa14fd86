#include "hipt/tiling/export.h"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hipt/base/version.h"
#include "hipt/image/jpeg.h"
#include "hipt/image/png.h"
#include "hipt/io/byte_file.h"
#include "hipt/io/tar.h"

namespace hipt::tiling {
namespace {

using Bytes = std::vector<std::byte>;
using Json = nlohmann::ordered_json;

constexpr const char* kArchiveMember = "__hipt__";
constexpr const char* kFolderFile = "hipt.json";
constexpr std::size_t kMaxRecordBytes = 1 << 20;

// A slide's name need not be UTF-8.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string record_of(const cohort::Fingerprint& fingerprint) {
  return text_of({{"hipt_fingerprint", Json::parse(fingerprint.json())}, {"hipt_version", std::string(version())}});
}

std::optional<cohort::Fingerprint> fingerprint_of(const std::string& record) {
  const Json json = Json::parse(record, nullptr, false);
  if (!json.is_object() || !json.contains("hipt_fingerprint")) return std::nullopt;
  return cohort::Fingerprint::parse(json["hipt_fingerprint"].dump());
}

cohort::Fingerprint picture_fingerprint(const TileResult& tiles, const ExportOptions& options) {
  cohort::Fingerprint fingerprint = tiles.fingerprint;
  fingerprint.set("coordinates_sha256", coordinates_sha256(tiles.coordinates));
  fingerprint.set("dump_patches_format", std::string(name_of(options.dump_patches_format)));
  if (options.dump_patches_format == PatchFormat::Jpg) {
    fingerprint.set("dump_patches_jpeg_quality", fmt::format("{}", options.dump_patches_jpeg_quality));
  }
  return fingerprint;
}

std::string patch_name(const std::string& slide, Level0Point corner) {
  return fmt::format("{}_{}_{}", slide, corner.x, corner.y);
}

std::string describe_patch(const slide::Slide& slide, const TileResult& tiles, Level0Point corner) {
  const PixelRule& pixels = tiles.coordinates.pixels;
  Json json = {{"slide", slide.id()},
               {"x", corner.x},
               {"y", corner.y},
               {"level", pixels.level},
               {"read_size", pixels.read_size},
               {"patch_size", pixels.patch_size}};
  if (const auto mpp = io::find_attribute<double>(tiles.attributes, "patch_mpp")) json["mpp"] = *mpp;
  // Whole numbers and others have their own types there.
  if (const auto whole = io::find_attribute<std::int64_t>(tiles.attributes, "target_magnification")) {
    json["magnification"] = *whole;
  } else if (const auto number = io::find_attribute<double>(tiles.attributes, "target_magnification")) {
    json["magnification"] = *number;
  }
  return text_of(json);
}

// Where a slide's pictures go.
class PatchSet {
 public:
  virtual ~PatchSet() = default;
  virtual void add(Level0Point corner, const Bytes& picture) = 0;
  virtual void commit(const cohort::StillOurs& still_ours) = 0;
};

class PatchArchive final : public PatchSet {
 public:
  PatchArchive(const slide::Slide& slide, const TileResult& tiles, const ExportOptions& options,
               const std::filesystem::path& file, const std::string& record)
      : slide_(slide),
        tiles_(tiles),
        key_(slide.id()),
        extension_(name_of(options.dump_patches_format)),
        file_(file),
        tar_(file_.temporary_path()) {
    std::replace(key_.begin(), key_.end(), '.', '_');
    tar_.add(kArchiveMember, record);
  }

  void add(Level0Point corner, const Bytes& picture) override {
    const std::string key = patch_name(key_, corner);
    tar_.add(fmt::format("{}.{}", key, extension_), picture);
    tar_.add(key + ".json", describe_patch(slide_, tiles_, corner));
  }

  void commit(const cohort::StillOurs& still_ours) override {
    tar_.close();
    cohort::commit_if_ours(file_, still_ours);
  }

  static std::optional<cohort::Fingerprint> made_by(const std::filesystem::path& file) {
    const auto record = io::first_tar_member(file, kArchiveMember, kMaxRecordBytes);
    return record ? fingerprint_of(*record) : std::nullopt;
  }

 private:
  const slide::Slide& slide_;
  const TileResult& tiles_;
  std::string key_;
  std::string_view extension_;
  io::AtomicFile file_;
  io::TarWriter tar_;
};

class PatchFolder final : public PatchSet {
 public:
  PatchFolder(const slide::Slide& slide, const ExportOptions& options, const std::filesystem::path& path,
              const std::string& record)
      : slide_(slide.id()), extension_(name_of(options.dump_patches_format)), folder_(path) {
    write(kFolderFile, std::as_bytes(std::span(record)));
  }

  void add(Level0Point corner, const Bytes& picture) override {
    write(fmt::format("{}.{}", patch_name(slide_, corner), extension_), picture);
  }

  void commit(const cohort::StillOurs& still_ours) override {
    cohort::require_ours(still_ours);
    folder_.commit();
  }

  static std::optional<cohort::Fingerprint> made_by(const std::filesystem::path& path) {
    std::error_code ignored;
    const std::filesystem::path file = path / kFolderFile;
    const auto size = std::filesystem::file_size(file, ignored);
    return ignored || size > kMaxRecordBytes ? std::nullopt : fingerprint_of(io::read_text_file(file));
  }

 private:
  void write(const std::string& name, std::span<const std::byte> bytes) const {
    io::ByteWriter writer(folder_.temporary_path() / name);
    writer.write(bytes);
    writer.close();
  }

  std::string slide_;
  std::string_view extension_;
  io::AtomicFolder folder_;
};

// make(0) ... make(count - 1) by the pool's threads, a few ahead of take(), which gets the results in order and one at
// a time.
class InOrder {
 public:
  InOrder(std::function<Bytes(std::size_t)> make, std::function<void(std::size_t, const Bytes&)> take,
          RunContext& context)
      : make_(std::move(make)), take_(std::move(take)), context_(context), ahead_(context.pool.size() + 2) {}

  void run(std::size_t count) {
    context_.pool.parallel_for(count, [this](std::size_t index) { work(index); }, context_.stop);
    if (next_ != count) throw Error(ErrorCode::Cancelled, "stopped");
  }

 private:
  // The index that take() waits for is always in the hands of a running thread, so that waiting ends.
  void work(std::size_t index) {
    try {
      if (!wait_for_turn(index)) return;
      Bytes made = make_(index);
      const std::scoped_lock lock(mutex_);
      waiting_.emplace(index, std::move(made));
      for (auto ready = waiting_.find(next_); ready != waiting_.end(); ready = waiting_.find(next_)) {
        take_(next_++, ready->second);
        waiting_.erase(ready);
      }
      turn_.notify_all();
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      failed_ = true;
      turn_.notify_all();
      throw;
    }
  }

  bool wait_for_turn(std::size_t index) {
    std::unique_lock lock(mutex_);
    turn_.wait(lock, context_.stop, [&] { return failed_ || index < next_ + ahead_; });
    return !failed_ && !context_.stop.stop_requested();
  }

  const std::function<Bytes(std::size_t)> make_;
  const std::function<void(std::size_t, const Bytes&)> take_;
  RunContext& context_;
  const std::size_t ahead_;
  std::mutex mutex_;
  std::condition_variable_any turn_;
  std::map<std::size_t, Bytes> waiting_;
  std::size_t next_ = 0;
  bool failed_ = false;
};

// True when `path` is there and carries `now`.
template <class Set>
bool is_there(const std::filesystem::path& path, const cohort::Fingerprint& now) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return false;
  cohort::require_equal(path, Set::made_by(path), now);
  return true;
}

Bytes encode(RgbView picture, const ExportOptions& options) {
  return options.dump_patches_format == PatchFormat::Png
             ? image::encode_png(picture)
             : image::encode_jpeg(picture, static_cast<int>(options.dump_patches_jpeg_quality));
}

// Grids of neighbouring contours may share a place: one picture of it is enough.
std::vector<Level0Point> distinct(const std::vector<Level0Point>& points) {
  std::vector<Level0Point> kept;
  std::set<std::pair<std::int64_t, std::int64_t>> seen;
  for (const Level0Point point : points) {
    if (seen.insert({point.x, point.y}).second) kept.push_back(point);
  }
  return kept;
}

}  // namespace

bool export_patches(const slide::Slide& slide, const TileResult& tiles, const ExportOptions& options,
                    const cohort::StudyFolder& folder, bool auto_skip, RunContext& context,
                    const cohort::StillOurs& still_ours) {
  const Coordinates& coordinates = tiles.coordinates;
  if (coordinates.points.empty()) return false;
  const cohort::Fingerprint fingerprint = picture_fingerprint(tiles, options);
  const std::filesystem::path archive = folder.patch_archive(slide.id(), coordinates.pixels.patch_size);
  const std::filesystem::path images = folder.patch_images(slide.id());
  const bool archive_wanted = options.tar && !(auto_skip && is_there<PatchArchive>(archive, fingerprint));
  const bool images_wanted = options.dump_patches && !(auto_skip && is_there<PatchFolder>(images, fingerprint));
  if (!archive_wanted && !images_wanted) return false;

  std::vector<std::unique_ptr<PatchSet>> sets;
  const std::string record = record_of(fingerprint);
  if (archive_wanted) sets.push_back(std::make_unique<PatchArchive>(slide, tiles, options, archive, record));
  if (images_wanted) sets.push_back(std::make_unique<PatchFolder>(slide, options, images, record));
  const std::vector<Level0Point> corners = distinct(coordinates.points);
  const auto make = [&](std::size_t index) {
    return encode(read_patch(slide, coordinates.pixels, corners[index]).view(), options);
  };
  const auto take = [&](std::size_t index, const Bytes& picture) {
    for (const auto& set : sets) set->add(corners[index], picture);
  };
  InOrder(make, take, context).run(corners.size());
  for (const auto& set : sets) set->commit(still_ours);
  return true;
}

}  // namespace hipt::tiling
