#include "hipt/evaluate/gnuplot.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hipt/base/error.h"
#include "hipt/base/sha256.h"
#include "hipt/base/version.h"
#include "hipt/image/png.h"
#include "hipt/io/atomic_file.h"

namespace hipt::evaluate {
namespace {

namespace fs = std::filesystem;

constexpr const char* kScript = "script.gp";
constexpr const char* kPicture = "picture.png";
constexpr const char* kMessages = "messages.txt";

class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (fs::temp_directory_path() / "hipt-plot-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      throw Error(ErrorCode::Io, fmt::format("{}: cannot be made: {}", name, std::strerror(errno)));
    }
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  fs::path operator/(std::string_view name) const { return path_ / name; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// What a child process starts with: its folder, and where its words go.
class SpawnActions {
 public:
  explicit SpawnActions(const fs::path& folder) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addchdir_np(&actions_, folder.c_str());
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, kMessages, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
  }
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

// True when it ended with status 0.
bool run_gnuplot(const fs::path& program, const fs::path& folder) {
  const SpawnActions actions(folder);
  std::string name = "gnuplot";
  std::string no_settings = "-d";
  std::string script = kScript;
  char* const arguments[] = {name.data(), no_settings.data(), script.data(), nullptr};
  pid_t child = 0;
  const int failure = posix_spawn(&child, program.c_str(), actions.get(), nullptr, arguments, environ);
  if (failure != 0) {
    throw Error(ErrorCode::Io, fmt::format("{}: cannot be started: {}", program.string(), std::strerror(failure)));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw Error(ErrorCode::Io, fmt::format("gnuplot: {}", std::strerror(errno)));
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string checksum(const Drawing& drawing) {
  Sha256 hash;
  hash.update(drawing.script);
  for (const auto& [name, content] : drawing.files) {
    hash.update(name);
    hash.update(content);
  }
  return hash.hex();
}

}  // namespace

std::optional<fs::path> gnuplot_program() {
  const char* const variable = std::getenv("PATH");
  std::string_view rest = variable != nullptr ? variable : "";
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    // A relative place would mean another program once the child is in its folder.
    const fs::path program = fs::path(rest.substr(0, end)) / "gnuplot";
    if (program.is_absolute() && ::access(program.c_str(), X_OK) == 0) return program;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

std::string gnuplot_text(std::string_view text) {
  std::string result = "'";
  for (const char character : text) {
    if (character == '\'') result += '\'';
    result += static_cast<unsigned char>(character) < 0x20 || character == 0x7f ? ' ' : character;
  }
  return result + '\'';
}

void draw(const fs::path& png, const Drawing& drawing) {
  const std::optional<fs::path> program = gnuplot_program();
  if (!program) {
    throw Error(
        ErrorCode::Unsupported,
        fmt::format("{}: plots are drawn by gnuplot, which is not installed (Debian: apt-get install gnuplot-nox)",
                    png.string()));
  }
  const ScratchFolder folder;
  for (const auto& [name, content] : drawing.files) io::write_text_file(folder / name, content);
  io::write_text_file(
      folder / kScript,
      fmt::format("set encoding utf8\n"
                  "set terminal pngcairo noenhanced size {},{} font 'DejaVu Sans,22' background '#ffffff'\n"
                  "set output '{}'\n{}",
                  drawing.width_px, drawing.height_px, kPicture, drawing.script));
  if (!run_gnuplot(*program, folder.path()) || !fs::exists(folder / kPicture)) {
    throw Error(ErrorCode::Io, fmt::format("{}: gnuplot did not draw it: {}", png.string(),
                                           io::read_text_file(folder / kMessages).substr(0, 2000)));
  }
  const image::RgbImage picture = image::read_png(folder / kPicture);
  io::AtomicFile output(png);
  image::write_png(output.temporary_path(), picture.view(),
                   {{"hipt_version", std::string(version())}, {"hipt_inputs_sha256", checksum(drawing)}});
  output.commit();
}

}  // namespace hipt::evaluate
