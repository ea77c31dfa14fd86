#include "hipt/image/png.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#include <fmt/format.h>
#include <png.h>

#include "hipt/base/error.h"
#include "hipt/image/picture_limits.h"

namespace hipt::image {
namespace {

using File = std::unique_ptr<std::FILE, decltype(&std::fclose)>;

constexpr png_alloc_size_t kMaxChunkBytes = 64u << 20;
constexpr png_uint_32 kMaxAncillaryChunks = 4096;
constexpr std::size_t kBufferBytes = 64u << 10;
constexpr int kRunLengths = 3;  // Z_RLE of zlib: no search for matches

// libpng reports an error by a call that must not return. It is kept here and left by longjmp; the functions that call
// setjmp hold no object with a destructor, everything that owns lives in the caller.
struct PngFailure {
  std::array<char, 256> message{};
};

[[noreturn]] void on_png_error(png_structp png, png_const_charp message) {
  auto* failure = static_cast<PngFailure*>(png_get_error_ptr(png));
  std::snprintf(failure->message.data(), failure->message.size(), "%s", message);
  png_longjmp(png, 1);
}

void on_png_warning(png_structp, png_const_charp) {}

struct PngReader {
  PngReader() : png(png_create_read_struct(PNG_LIBPNG_VER_STRING, &failure, on_png_error, on_png_warning)) {
    if (png != nullptr) info = png_create_info_struct(png);
    if (info == nullptr) throw Error(ErrorCode::Internal, "libpng cannot be started");
  }
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  PngFailure failure;
  png_structp png = nullptr;
  png_infop info = nullptr;
};

// libpng hands the file over in pieces. No exception may cross it, and what is left by longjmp must own nothing.
bool append_bytes(std::vector<std::byte>& bytes, png_bytep data, std::size_t size) {
  try {
    const auto* first = reinterpret_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), first, first + size);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void on_png_write(png_structp png, png_bytep data, std::size_t size) {
  auto& bytes = *static_cast<std::vector<std::byte>*>(png_get_io_ptr(png));
  if (!append_bytes(bytes, data, size)) png_error(png, "not enough memory");
}

struct PngWriter {
  PngWriter() : png(png_create_write_struct(PNG_LIBPNG_VER_STRING, &failure, on_png_error, on_png_warning)) {
    if (png != nullptr) info = png_create_info_struct(png);
    if (info == nullptr) throw Error(ErrorCode::Internal, "libpng cannot be started");
  }
  ~PngWriter() { png_destroy_write_struct(&png, &info); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  PngFailure failure;
  png_structp png = nullptr;
  png_infop info = nullptr;
};

// False: reader.failure says why. Same below.
bool read_header(PngReader& reader, std::FILE* stream) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_init_io(reader.png, stream);
  png_set_user_limits(reader.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // check_picture_size bounds the product
  png_set_chunk_malloc_max(reader.png, kMaxChunkBytes);
  png_set_chunk_cache_max(reader.png, kMaxAncillaryChunks);
  png_read_info(reader.png, reader.info);
  png_set_strip_16(reader.png);
  png_set_palette_to_rgb(reader.png);
  png_set_expand_gray_1_2_4_to_8(reader.png);
  png_set_gray_to_rgb(reader.png);
  png_set_strip_alpha(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return true;
}

bool read_rows(PngReader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_read_image(reader.png, rows);
  png_read_end(reader.png, reader.info);
  return true;
}

bool write_all(PngWriter& writer, std::vector<std::byte>* bytes, RgbView picture, png_bytepp rows, png_textp text,
               int text_count) {
  if (setjmp(png_jmpbuf(writer.png)) != 0) return false;
  png_set_write_fn(writer.png, bytes, on_png_write, nullptr);
  png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(picture.width),
               static_cast<png_uint_32>(picture.height), 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_filter(writer.png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
  png_set_compression_level(writer.png, 1);
  png_set_compression_strategy(writer.png, kRunLengths);
  png_set_compression_buffer_size(writer.png, kBufferBytes);
  if (text_count > 0) png_set_text(writer.png, writer.info, text, text_count);
  png_write_info(writer.png, writer.info);
  png_write_image(writer.png, rows);
  png_write_end(writer.png, nullptr);
  return true;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string latin1_to_utf8(std::string_view text) {
  std::string utf8;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      utf8 += c;
    } else {
      utf8 += static_cast<char>(0xC0 | (byte >> 6));
      utf8 += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return utf8;
}

TextChunks text_of(PngReader& reader) {
  png_textp chunks = nullptr;
  int count = 0;
  png_get_text(reader.png, reader.info, &chunks, &count);
  TextChunks text;
  for (int i = 0; i < count; ++i) {
    const png_text& chunk = chunks[i];
    const bool international = chunk.compression >= PNG_ITXT_COMPRESSION_NONE;
    const std::size_t length = international ? chunk.itxt_length : chunk.text_length;
    const std::string_view value = chunk.text == nullptr ? std::string_view() : std::string_view(chunk.text, length);
    text.emplace_back(chunk.key, international ? std::string(value) : latin1_to_utf8(value));
  }
  return text;
}

// libpng takes mutable pointers but only reads them.
std::vector<png_text> png_text_of(const TextChunks& text) {
  std::vector<png_text> chunks;
  for (const auto& [keyword, value] : text) {
    if (keyword.empty() || keyword.size() > 79) {
      throw Error(ErrorCode::InvalidArgument, fmt::format("PNG keyword \"{}\" must have 1 to 79 characters", keyword));
    }
    png_text chunk{};
    const bool ascii = is_ascii(value);
    chunk.compression = ascii ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
    chunk.key = const_cast<char*>(keyword.c_str());
    chunk.text = const_cast<char*>(value.c_str());
    (ascii ? chunk.text_length : chunk.itxt_length) = value.size();
    chunks.push_back(chunk);
  }
  return chunks;
}

RgbImage read_png_stream(std::FILE* stream, std::int64_t file_bytes, TextChunks* text) {
  PngReader reader;
  if (!read_header(reader, stream)) throw Error(ErrorCode::Corrupt, reader.failure.message.data());
  const std::int64_t width = png_get_image_width(reader.png, reader.info);
  const std::int64_t height = png_get_image_height(reader.png, reader.info);
  check_picture_size(width, height, file_bytes);
  if (png_get_rowbytes(reader.png, reader.info) != static_cast<std::size_t>(width) * 3) {
    throw Error(ErrorCode::Unsupported, "this kind of PNG cannot be brought to 8-bit RGB");
  }
  RgbImage picture(static_cast<int>(width), static_cast<int>(height));
  std::vector<png_bytep> rows(static_cast<std::size_t>(height));
  for (int y = 0; y < picture.height(); ++y) rows[static_cast<std::size_t>(y)] = picture.row(y);
  if (!read_rows(reader, rows.data())) throw Error(ErrorCode::Corrupt, reader.failure.message.data());
  if (text != nullptr) *text = text_of(reader);
  return picture;
}

template <class Read>
auto with_stream(const std::filesystem::path& file, Read&& read) {
  const File stream(std::fopen(file.c_str(), "rb"), &std::fclose);
  if (!stream) throw Error(ErrorCode::Io, fmt::format("{}: {}", file.string(), std::strerror(errno)));
  return with_context(file.string(), [&] { return read(stream.get()); });
}

}  // namespace

RgbImage read_png(const std::filesystem::path& file, TextChunks* text) {
  const std::int64_t file_bytes = picture_file_bytes(file);
  return with_stream(file, [&](std::FILE* stream) { return read_png_stream(stream, file_bytes, text); });
}

TextChunks read_png_text(const std::filesystem::path& file) {
  picture_file_bytes(file);  // NotFound
  return with_stream(file, [](std::FILE* stream) {
    PngReader reader;
    if (!read_header(reader, stream)) throw Error(ErrorCode::Corrupt, reader.failure.message.data());
    return text_of(reader);
  });
}

std::vector<std::byte> encode_png(RgbView picture, const TextChunks& text) {
  if (picture.width <= 0 || picture.height <= 0) {
    throw Error(ErrorCode::InvalidArgument, "a picture without pixels cannot be written");
  }
  std::vector<png_text> chunks = png_text_of(text);
  std::vector<png_bytep> rows(static_cast<std::size_t>(picture.height));
  for (int y = 0; y < picture.height; ++y) {
    rows[static_cast<std::size_t>(y)] = const_cast<png_bytep>(picture.row(y));
  }
  std::vector<std::byte> bytes;
  PngWriter writer;
  if (!write_all(writer, &bytes, picture, rows.data(), chunks.data(), static_cast<int>(chunks.size()))) {
    throw Error(ErrorCode::Internal, fmt::format("libpng: {}", writer.failure.message.data()));
  }
  return bytes;
}

void write_png(const std::filesystem::path& file, RgbView picture, const TextChunks& text) {
  const std::vector<std::byte> bytes = with_context(file.string(), [&] { return encode_png(picture, text); });
  File stream(std::fopen(file.c_str(), "wb"), &std::fclose);
  const bool written = stream && std::fwrite(bytes.data(), 1, bytes.size(), stream.get()) == bytes.size();
  if (!written || std::fclose(stream.release()) != 0) {
    throw Error(ErrorCode::Io, fmt::format("{}: writing failed: {}", file.string(), std::strerror(errno)));
  }
}

}  // namespace hipt::image
