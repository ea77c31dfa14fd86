#pragma once
// Event files that TensorBoard draws: scalars over steps.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace hipt::io {

// CRC-32C (Castagnoli's polynomial), RFC 3720: "123456789" gives 0xe3069283.
std::uint32_t crc32c(std::string_view bytes);

// Seconds since 1970, of the system's clock.
double wall_time();

// Writes events.out.tfevents.<seconds>.hipt in a folder: what torch.utils.tensorboard.SummaryWriter's add_scalar writes
// (records of TFRecord, each an Event in protobuf, "brain.Event:2"). Its files are logs: they carry the time of each
// value, and nothing reads them back. TensorBoard joins the files of one folder in the order of their names. A run that
// goes on writes a new file, named after those that are there, and says where it starts (SummaryWriter's purge_step):
// of the older files TensorBoard drops what lies at that step and beyond, so that nothing shows twice.
class EventFileWriter {
 public:
  // Makes the folder when missing. Throws Io, naming the file.
  EventFileWriter(const std::filesystem::path& folder, std::int64_t first_step, double (*clock)() = wall_time);
  ~EventFileWriter();  // drops what is not flushed
  EventFileWriter(const EventFileWriter&) = delete;
  EventFileWriter& operator=(const EventFileWriter&) = delete;

  // Names with slashes ("val/auc") are drawn in groups. TensorBoard holds values in single precision.
  void scalar(std::string_view tag, double value, std::int64_t step);
  // Hands the values to the system in one piece: a killed program leaves whole values before the cut. Throws Io.
  void flush();
  const std::filesystem::path& path() const { return path_; }

 private:
  void event(std::int64_t step, std::string_view content);

  std::filesystem::path path_;
  double (*clock_)();
  int descriptor_ = -1;
  std::string pending_;
};

}  // namespace hipt::io
