#include "hipt/base/md5.h"

#include <array>
#include <fstream>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/evp.h>

#include "hipt/base/error.h"

namespace hipt {

std::string md5_hex_of_file(const std::filesystem::path& file, const std::function<void(std::size_t)>& on_read) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw Error(ErrorCode::NotFound, fmt::format("{}: cannot be opened for reading", file.string()));
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_md5(), nullptr) != 1) {
    throw Error(ErrorCode::Unsupported, "libcrypto gives no MD5 here (FIPS mode?)");
  }
  std::vector<char> piece(1 << 20);
  while (stream) {
    stream.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    const auto count = static_cast<std::size_t>(stream.gcount());
    EVP_DigestUpdate(context.get(), piece.data(), count);
    if (on_read) on_read(count);
  }
  if (stream.bad()) throw Error(ErrorCode::Io, fmt::format("{}: reading failed", file.string()));
  std::array<unsigned char, 16> digest{};
  EVP_DigestFinal_ex(context.get(), digest.data(), nullptr);
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace hipt
