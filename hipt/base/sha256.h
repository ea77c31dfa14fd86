#pragma once
// SHA-256 (FIPS 180-4) by OpenSSL's libcrypto.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace hipt {

// Feed bytes, then take the digest once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  std::string hex();  // 64 lower-case digits

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::span<const std::byte> bytes);
std::string sha256_hex(std::string_view text);
// Of a file's content, read in pieces. Throws NotFound or Io, naming the file.
std::string sha256_hex_of_file(const std::filesystem::path& file);

}  // namespace hipt
