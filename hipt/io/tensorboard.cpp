#include "hipt/io/tensorboard.h"

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "hipt/base/error.h"
#include "hipt/base/text.h"
#include "hipt/io/little_endian.h"

namespace hipt::io {
namespace {

constexpr std::string_view kEventFilePrefix = "events.out.tfevents.";

constexpr std::array<std::uint32_t, 256> castagnoli_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? 0x82f63b78u : 0u);
    table[byte] = rest;
  }
  return table;
}

// Protobuf's encoding: a field is its number and wire type, then the value.
void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}
void append_integer_field(std::string& out, int field, std::int64_t value) {
  append_varint(out, static_cast<std::uint64_t>(field << 3));
  append_varint(out, static_cast<std::uint64_t>(value));
}
void append_double_field(std::string& out, int field, double value) {
  append_varint(out, static_cast<std::uint64_t>(field << 3 | 1));
  append_little_endian(out, std::bit_cast<std::uint64_t>(value), 8);
}
void append_bytes_field(std::string& out, int field, std::string_view bytes) {
  append_varint(out, static_cast<std::uint64_t>(field << 3 | 2));
  append_varint(out, bytes.size());
  out += bytes;
}
void append_float_field(std::string& out, int field, float value) {
  append_varint(out, static_cast<std::uint64_t>(field << 3 | 5));
  append_little_endian(out, std::bit_cast<std::uint32_t>(value), 4);
}

// A checksum as TFRecord stores it: of data that itself may hold checksums.
std::uint32_t masked_crc32c(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

std::string framed_record(std::string_view data) {
  std::string record;
  append_little_endian(record, data.size(), 8);
  append_little_endian(record, masked_crc32c(record), 4);
  record += data;
  append_little_endian(record, masked_crc32c(data), 4);
  return record;
}

// The time in the name: ten digits (until the year 2286), later than in the names of all files there.
std::int64_t seconds_of_name(const std::filesystem::path& folder, double now) {
  auto seconds = static_cast<std::int64_t>(now);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kEventFilePrefix)) continue;
    const auto known = parse_number<std::int64_t>(std::string_view(name).substr(kEventFilePrefix.size(), 10));
    if (known && *known >= seconds) seconds = *known + 1;
  }
  return seconds;
}

[[noreturn]] void fail(std::string_view what) {
  throw Error(ErrorCode::Io, fmt::format("{}: {}", what, std::strerror(errno)));
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = castagnoli_table();
  std::uint32_t crc = ~0u;
  for (const char byte : bytes) crc = crc >> 8 ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~crc;
}

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

EventFileWriter::EventFileWriter(const std::filesystem::path& folder, std::int64_t first_step, double (*clock)())
    : clock_(clock) {
  with_context(folder.string(), [&] {
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure) throw Error(ErrorCode::Io, fmt::format("cannot be made: {}", failure.message()));
    do {
      path_ = folder / fmt::format("{}{:010}.hipt", kEventFilePrefix, seconds_of_name(folder, clock_()));
      descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (descriptor_ < 0 && errno == EEXIST);
    if (descriptor_ < 0) fail(fmt::format("{} cannot be made", path_.filename().string()));
  });
  std::string version;
  append_bytes_field(version, 3, "brain.Event:2");
  event(0, version);
  std::string start;
  append_integer_field(start, 1, 1);  // SessionLog.START
  std::string session;
  append_bytes_field(session, 7, start);
  event(first_step, session);
  flush();
}

EventFileWriter::~EventFileWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void EventFileWriter::event(std::int64_t step, std::string_view content) {
  std::string message;
  append_double_field(message, 1, clock_());
  if (step != 0) append_integer_field(message, 2, step);
  message += content;
  pending_ += framed_record(message);
}

void EventFileWriter::scalar(std::string_view tag, double value, std::int64_t step) {
  std::string scalar;
  append_bytes_field(scalar, 1, tag);
  append_float_field(scalar, 2, static_cast<float>(value));
  std::string summary;
  append_bytes_field(summary, 1, scalar);
  std::string content;
  append_bytes_field(content, 5, summary);
  event(step, content);
}

void EventFileWriter::flush() {
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(fmt::format("{}: cannot be written", path_.string()));
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  pending_.clear();
}

}  // namespace hipt::io
