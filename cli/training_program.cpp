// The verbs that train, as `hipt` has them: each turns the process into `hipt-train`, the program beside it. LibTorch
// costs a fifth of a second at every start, and many machines have none.

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "hipt/base/error.h"

#include "cli/verbs.h"

namespace hipt::cli {
namespace {

// Comes back only by an Error.
int become_training_program(std::string_view verb, Arguments arguments) {
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "hipt-train";
  std::vector<std::string> words{program.string(), std::string(verb)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  const int failure = errno;
  if (failure == ENOENT) {
    throw Error(ErrorCode::NotFound,
                fmt::format("this verb is of the training half, whose program {} is not there; `make train` builds it "
                            "(tools/setup --train fetches LibTorch, cmake -DHIPT_TRAIN=ON)",
                            program.string()));
  }
  throw Error(ErrorCode::Io, fmt::format("{}: {}", program.string(), std::strerror(failure)));
}

}  // namespace

int run_subtype(Arguments arguments) {
  return become_training_program("subtype", arguments);
}

}  // namespace hipt::cli
