#include "hipt/image/jpeg_tile.h"

#include <array>
#include <csetjmp>
#include <cstdio>

#include <fmt/format.h>
// After cstdio, of which it needs FILE.
#include <jpeglib.h>
//
#include <jerror.h>

#include "hipt/base/error.h"

namespace hipt::image {
namespace {

constexpr int kMostScans = 500;          // of a progressive JPEG; more are an attack on the reader's time
constexpr std::size_t kRowsAtOnce = 16;  // libjpeg gives fewer a call

// libjpeg leaves through its error manager, by longjmp: between setjmp and that nothing may have a destructor.
struct Decoder {
  jpeg_decompress_struct codec{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf failed{};
  std::array<char, JMSG_LENGTH_MAX> message{};

  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { jpeg_destroy_decompress(&codec); }
};

Decoder& decoder_of(j_common_ptr codec) {
  return *static_cast<Decoder*>(codec->client_data);
}

[[noreturn]] void on_error(j_common_ptr codec) {
  Decoder& decoder = decoder_of(codec);
  codec->err->format_message(codec, decoder.message.data());
  std::longjmp(decoder.failed, 1);
}

// A warning is about damage, after which pixels are made up, but for a few that are about headers.
void on_message(j_common_ptr codec, int level) {
  if (level >= 0) return;
  switch (codec->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
      return;
    default:
      on_error(codec);
  }
}

void on_progress(j_common_ptr codec) {
  const auto* decompress = reinterpret_cast<j_decompress_ptr>(codec);
  if (decompress->input_scan_number <= kMostScans) return;
  Decoder& decoder = decoder_of(codec);
  std::snprintf(decoder.message.data(), decoder.message.size(), "more than %d scans", kMostScans);
  std::longjmp(decoder.failed, 1);
}

void read_from(Decoder& decoder, std::span<const std::byte> bytes) {
  jpeg_mem_src(&decoder.codec, reinterpret_cast<const unsigned char*>(bytes.data()),
               static_cast<unsigned long>(bytes.size()));
}

// False when libjpeg failed: `decoder.message` says why.
bool decode(Decoder& decoder, std::span<const std::byte> tables, std::span<const std::byte> jpeg, TileColours colours,
            const TileTarget& target) {
  jpeg_decompress_struct& codec = decoder.codec;
  codec.err = jpeg_std_error(&decoder.errors);
  decoder.errors.error_exit = on_error;
  decoder.errors.emit_message = on_message;
  codec.client_data = &decoder;
  if (setjmp(decoder.failed) != 0) return false;
  jpeg_create_decompress(&codec);
  decoder.progress.progress_monitor = on_progress;
  codec.progress = &decoder.progress;
  if (!tables.empty()) {
    read_from(decoder, tables);
    if (jpeg_read_header(&codec, FALSE) != JPEG_HEADER_TABLES_ONLY) {
      std::snprintf(decoder.message.data(), decoder.message.size(), "the tag JPEGTables holds a picture");
      return false;
    }
  }
  read_from(decoder, jpeg);
  jpeg_read_header(&codec, TRUE);
  if (static_cast<int>(codec.image_width) != target.width || static_cast<int>(codec.image_height) != target.height) {
    std::snprintf(decoder.message.data(), decoder.message.size(), "%u x %u pixels in a tile of %d x %d",
                  codec.image_width, codec.image_height, target.width, target.height);
    return false;
  }
  codec.jpeg_color_space = colours == TileColours::Rgb ? JCS_RGB : JCS_YCbCr;
  codec.out_color_space = JCS_RGB;
  jpeg_start_decompress(&codec);
  while (codec.output_scanline < codec.output_height) {
    JSAMPROW rows[kRowsAtOnce];
    JDIMENSION count = 0;
    for (; count < kRowsAtOnce && codec.output_scanline + count < codec.output_height; ++count) {
      rows[count] = target.rgb + (codec.output_scanline + count) * target.row_bytes;
    }
    jpeg_read_scanlines(&codec, rows, count);
  }
  jpeg_finish_decompress(&codec);
  return true;
}

}  // namespace

void decode_jpeg_tile(std::span<const std::byte> tables, std::span<const std::byte> jpeg, TileColours colours,
                      const TileTarget& target) {
  Decoder decoder;
  if (!decode(decoder, tables, jpeg, colours, target)) {
    throw Error(ErrorCode::Corrupt, fmt::format("JPEG: {}", decoder.message.data()));
  }
}

}  // namespace hipt::image
