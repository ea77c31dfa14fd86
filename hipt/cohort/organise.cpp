#include "hipt/cohort/organise.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/base/md5.h"
#include "hipt/cohort/gdc.h"
#include "hipt/cohort/studies.h"
#include "hipt/cohort/study_folder.h"
#include "hipt/io/atomic_file.h"
#include "hipt/io/csv.h"
#include "hipt/slide/slide.h"

namespace hipt::cohort {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMegabyte = 1'000'000;
constexpr std::chrono::seconds kBetweenSaves{10};

[[noreturn]] void fail(const fs::path& path, std::string_view what, const std::error_code& failure) {
  throw Error(ErrorCode::Io, fmt::format("{}: {}: {}", path.string(), what, failure.message()));
}

// Whole nanoseconds, so that a copy that keeps the time is known again.
std::optional<std::int64_t> modified(const fs::path& file) {
  std::error_code failure;
  const auto time = fs::last_write_time(file, failure);
  if (failure) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

// Which files were read and found whole: by id, with their size and time of modification.
class Verified {
 public:
  explicit Verified(fs::path file) : file_(std::move(file)), saved_(std::chrono::steady_clock::now()) {
    std::error_code ignored;
    if (!fs::exists(file_, ignored)) return;
    const io::CsvTable table = io::read_csv(file_);
    if (table.columns != columns()) return;  // of another version: all is verified again
    for (const std::vector<std::string>& row : table.rows) entries_[row[0]] = {row[1], row[2], row[3]};
  }

  bool has(const GdcFile& file, const fs::path& path) {
    const auto time = modified(path);
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(file.id);
    return time && found != entries_.end() && found->second == entry_of(file, *time);
  }

  void add(const GdcFile& file, const fs::path& path) {
    const auto time = modified(path);
    if (!time) return;
    const std::scoped_lock lock(mutex_);
    entries_[file.id] = entry_of(file, *time);
    if (std::chrono::steady_clock::now() - saved_ > kBetweenSaves) write();
  }

  void save() {
    const std::scoped_lock lock(mutex_);
    write();
  }

 private:
  using Entry = std::vector<std::string>;  // size, time, MD5

  static std::vector<std::string> columns() { return {"id", "size", "modified_ns", "md5"}; }
  static Entry entry_of(const GdcFile& file, std::int64_t time) {
    return {fmt::format("{}", file.bytes), fmt::format("{}", time), file.md5};
  }
  void write() {
    io::CsvTable table{columns(), {}};
    for (const auto& [id, entry] : entries_) table.rows.push_back({id, entry[0], entry[1], entry[2]});
    io::write_csv(file_, table);
    saved_ = std::chrono::steady_clock::now();
  }

  fs::path file_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::chrono::steady_clock::time_point saved_;
};

// A file with the modification time of the one it comes from, so that it counts as verified.
void copy_whole(const fs::path& from, const fs::path& to) {
  io::AtomicFile copy(to);
  std::error_code failure;
  fs::copy_file(from, copy.temporary_path(), failure);
  if (failure) fail(from, "cannot be copied", failure);
  fs::last_write_time(copy.temporary_path(), fs::last_write_time(from), failure);
  if (failure) fail(to, "its time cannot be set", failure);
  copy.commit();
}

void move_whole(const fs::path& from, const fs::path& to) {
  std::error_code failure;
  fs::rename(from, to, failure);
  if (!failure) return;
  if (failure != std::errc::cross_device_link) fail(from, "cannot be moved", failure);
  copy_whole(from, to);
  fs::remove(from, failure);
  if (failure) fail(from, "was copied, but cannot be removed", failure);
}

void place(const fs::path& from, const fs::path& to, Placement by) {
  std::error_code failure;
  fs::create_directories(to.parent_path(), failure);
  if (failure) fail(to.parent_path(), "the folder cannot be made", failure);
  if (fs::is_symlink(to, failure)) fs::remove(to, failure);  // it leads nowhere: the place counts as free
  switch (by) {
    case Placement::Link:
      fs::create_symlink(fs::absolute(from), to, failure);
      break;
    case Placement::HardLink:
      fs::create_hard_link(from, to, failure);
      break;
    case Placement::Copy:
      return copy_whole(from, to);
    case Placement::Move:
      return move_whole(from, to);
  }
  if (failure) fail(to, "cannot be linked", failure);
}

// The download of `file`; nothing when there is none. `<name>.partial` is one that was not finished.
std::optional<fs::path> find_download(const fs::path& downloads, const GdcFile& file) {
  std::error_code ignored;
  for (const fs::path& path : {downloads / file.id / file.name, downloads / file.name}) {
    if (fs::is_regular_file(path, ignored)) return path;
  }
  return std::nullopt;
}

std::string why_missing(const fs::path& downloads, const GdcFile& file) {
  std::error_code ignored;
  const bool begun = fs::exists(downloads / file.id / (file.name + ".partial"), ignored) ||
                     fs::exists(downloads / (file.name + ".partial"), ignored);
  return begun ? "its download is not finished (.partial)" : "is not among the downloads";
}

// Nothing there, or a link to a download that has gone.
bool is_free(const fs::path& path) {
  std::error_code ignored;
  return !fs::exists(path, ignored) && !ignored;
}

class Organiser {
 public:
  Organiser(const OrganiseOptions& options, RunContext& context)
      : options_(options), context_(context), verified_(fs::path(options.root_dir) / "organise_verified.csv") {}

  OrganiseSummary run() {
    choose();
    refuse_double_names();
    std::int64_t megabytes = 0;
    for (const GdcFile& file : chosen_) megabytes += file.bytes / kMegabyte;
    context_.progress.begin("verify and place", megabytes, "MB");
    try {
      context_.pool.parallel_for(chosen_.size(), [&](std::size_t i) { settle(i); }, context_.stop);
    } catch (...) {
      verified_.save();
      throw;
    }
    context_.progress.end();
    verified_.save();
    summary_.report = fs::path(options_.root_dir) / "organise_slides.csv";
    write_report();
    return std::move(summary_);
  }

 private:
  // The slides of the manifest.
  void choose() {
    for (GdcFile& file : read_gdc_tables(options_.manifest, options_.sample_sheet)) {
      if (!slide::has_slide_extension(file.name) || (options_.diagnostic_only && !is_diagnostic_slide(file.name))) {
        ++summary_.passed_over;
        continue;
      }
      OrganisedFile row{file.id,          file.name,           "",          file.project, file.case_id, file.sample_id,
                        file.sample_type, FileStatus::Refused, file.problem};
      if (row.reason.empty()) {
        try {
          row.study = study_of_project(file.project);
        } catch (const Error& error) {
          row.reason = error.what();
        }
      }
      summary_.files.push_back(std::move(row));
      chosen_.push_back(std::move(file));
    }
  }

  void refuse_double_names() {
    std::map<std::string, std::size_t> first;  // place to row
    for (std::size_t i = 0; i < chosen_.size(); ++i) {
      OrganisedFile& row = summary_.files[i];
      if (row.study.empty()) continue;
      const auto [other, added] = first.emplace(row.study + "/" + row.name, i);
      if (added) continue;
      OrganisedFile& earlier = summary_.files[other->second];
      row.reason = fmt::format("has the name and study of file {}", earlier.id);
      if (earlier.reason.empty()) earlier.reason = fmt::format("has the name and study of file {}", row.id);
    }
  }

  // Verifies and places one file.
  void settle(std::size_t i) {
    const GdcFile& file = chosen_[i];
    OrganisedFile& row = summary_.files[i];
    if (row.reason.empty()) {
      try {
        std::tie(row.status, row.reason) = verify_and_place(file, target_of(row));
      } catch (const Error& error) {
        if (error.code() == ErrorCode::Cancelled) throw;
        row.reason = error.what();  // the system refused
      }
    }
    if (!row.reason.empty()) {
      context_.log.write(LogLevel::Warning,
                         fmt::format("{} ({}): {}: {}", row.name, row.id, to_string(row.status), row.reason));
    }
    context_.progress.advance(file.bytes / kMegabyte);
  }

  fs::path target_of(const OrganisedFile& row) const {
    return study_slides(fs::path(options_.root_dir) / row.study) / row.name;
  }

  std::pair<FileStatus, std::string> verify_and_place(const GdcFile& file, const fs::path& target) {
    const auto download = find_download(options_.downloads, file);
    if (is_free(target)) {
      if (!download) return {FileStatus::Missing, why_missing(options_.downloads, file)};
      const std::string damage = damage_of(file, *download);
      if (!damage.empty()) return {FileStatus::Damaged, damage};
      place(*download, target, options_.by);
      return {FileStatus::Placed, ""};
    }
    const std::string damage = damage_of(file, target);
    if (damage.empty()) return {FileStatus::There, ""};
    return {FileStatus::Refused,
            fmt::format("its place {} is taken by something else ({}); remove that to go on", target.string(), damage)};
  }

  // What is wrong with the file at `path`; empty when it is what the manifest says.
  std::string damage_of(const GdcFile& file, const fs::path& path) {
    std::error_code failure;
    const std::uintmax_t bytes = fs::file_size(path, failure);
    if (failure) return failure.message();
    if (bytes != static_cast<std::uintmax_t>(file.bytes)) {
      return fmt::format("{} bytes, the manifest says {}", bytes, file.bytes);
    }
    if (verified_.has(file, path)) return "";
    const std::string md5 = md5_hex_of_file(path, [&](std::size_t) { context_.check_stop(); });
    if (md5 != file.md5) return fmt::format("MD5 {}, the manifest says {}", md5, file.md5);
    verified_.add(file, path);
    return "";
  }

  void write_report() const {
    io::CsvTable table{
        {"id", "filename", "study", "project", "case_id", "sample_id", "sample_type", "status", "reason"}, {}};
    for (const OrganisedFile& row : summary_.files) {
      table.rows.push_back({row.id, row.name, row.study, row.project, row.case_id, row.sample_id, row.sample_type,
                            std::string(to_string(row.status)), row.reason});
    }
    io::write_csv(summary_.report, table);
  }

  const OrganiseOptions& options_;
  RunContext& context_;
  Verified verified_;
  OrganiseSummary summary_;
  std::vector<GdcFile> chosen_;  // in step with summary_.files
};

void require_given(const std::string& value, std::string_view flag, std::string_view what) {
  if (value.empty()) throw Error(ErrorCode::InvalidArgument, fmt::format("name {}: {}", what, flag));
}

}  // namespace

std::string_view to_string(FileStatus status) {
  switch (status) {
    case FileStatus::Placed:
      return "placed";
    case FileStatus::There:
      return "there";
    case FileStatus::Missing:
      return "missing";
    case FileStatus::Damaged:
      return "damaged";
    case FileStatus::Refused:
      return "refused";
  }
  return "";
}

std::int64_t OrganiseSummary::count(FileStatus status) const {
  return std::ranges::count(files, status, &OrganisedFile::status);
}

OrganiseSummary organise_slides(const OrganiseOptions& options, RunContext& context) {
  check_ranges(options);
  require_given(options.downloads, "DOWNLOADS", "the folder that gdc-client wrote");
  require_given(options.manifest, "--manifest", "the GDC manifest");
  require_given(options.sample_sheet, "--sample_sheet", "the GDC sample sheet");
  require_given(options.root_dir, "--root_dir", "the folder of the studies");
  std::error_code ignored;
  if (!fs::is_directory(options.downloads, ignored)) {
    throw Error(ErrorCode::NotFound, fmt::format("{}: no such folder", options.downloads));
  }
  return Organiser(options, context).run();
}

}  // namespace hipt::cohort
