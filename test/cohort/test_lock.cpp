#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hipt/cohort/lock.h"
#include "hipt/cohort/process_identity.h"

#include "test/support/support.h"

using namespace hipt;
using namespace std::chrono_literals;
using cohort::Lock;
using hipt::test::error_of;
using hipt::test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kLong = 1800s;

template <class Condition>
bool within_5_seconds(const Condition& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

// This program again, running the test case "lock: child process" with a task and a folder.
class Child {
 public:
  Child(const std::string& task, const fs::path& folder) {
    std::vector<std::string> words = {"/proc/self/exe", "--test-case=lock: child process", "--no-skip"};
    std::vector<std::string> settings = {"HIPT_LOCK_TASK=" + task, "HIPT_LOCK_FOLDER=" + folder.string()};
    std::vector<char*> arguments, environment;
    for (std::string& word : words) arguments.push_back(word.data());
    for (std::string& setting : settings) environment.push_back(setting.data());
    for (char** variable = environ; *variable != nullptr; ++variable) environment.push_back(*variable);
    arguments.push_back(nullptr);
    environment.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    REQUIRE(posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, arguments.data(), environment.data()) == 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Child() {
    if (pid_ <= 0) return;
    send(SIGKILL);
    wait();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void send(int signal) const { kill(pid_, signal); }
  // Exit status; -1 when a signal ended it.
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = 0;
};

void append_line(const fs::path& file, const std::string& line) {
  const int descriptor = open(file.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0666);
  const std::string text = line + "\n";
  REQUIRE(write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  close(descriptor);
}

// What a verb does with its slides: skip what is there, make the rest under a lock, commit only what is still ours.
constexpr int kJobs = 20;
void work_on_jobs(const fs::path& folder) {
  for (int done = 0; done < kJobs;) {
    done = 0;
    for (int job = 0; job < kJobs; ++job) {
      const fs::path output = folder / fmt::format("job{}.out", job);
      if (fs::exists(output)) {
        ++done;
        continue;
      }
      const auto lock = Lock::try_acquire(folder / "locks" / fmt::format("{}.lock", job), kLong);
      if (!lock || fs::exists(output)) continue;
      std::this_thread::sleep_for(1ms);
      if (!lock->still_owned()) continue;
      append_line(folder / "commits", fmt::format("{}", job));
      test::write_text(output, "done");
    }
  }
}

std::string claim(const cohort::ProcessIdentity& process) {
  return nlohmann::json{{"host", process.host}, {"boot", process.boot},       {"pid_namespace", process.pid_namespace},
                        {"pid", process.pid},   {"started", process.started}, {"token", "0123"}}
      .dump();
}

void set_age(const fs::path& file, std::chrono::seconds age) {
  fs::last_write_time(file, fs::file_time_type::clock::now() - age);
}

// A lock file with this text and age, and whether it can be had with `max_age`.
bool is_taken_over(std::string_view text, std::chrono::seconds age, std::chrono::seconds max_age = kLong) {
  const TemporaryFolder folder;
  const fs::path file = folder / "a.lock";
  test::write_text(file, text);
  set_age(file, age);
  const auto lock = Lock::try_acquire(file, max_age);
  if (!lock) CHECK(test::read_text(file) == text);
  if (lock) CHECK(lock->still_owned());
  return lock.has_value();
}

std::size_t file_count(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("lock: child process" * doctest::skip()) {
  const fs::path folder = std::getenv("HIPT_LOCK_FOLDER");
  const std::string task = std::getenv("HIPT_LOCK_TASK");
  if (task == "hold") {
    const auto lock = Lock::try_acquire(folder / "a.lock", kLong);
    REQUIRE(lock.has_value());
    test::write_text(folder / "held", "");
    while (true) std::this_thread::sleep_for(1s);
  }
  if (task == "jobs") {
    std::thread other([&] { work_on_jobs(folder); });
    work_on_jobs(folder);
    other.join();
  }
}

TEST_CASE("lock: one holder at a time within a process and the next after it") {
  const TemporaryFolder folder;
  const fs::path file = folder / "locks/a.lock";
  std::optional<Lock> lock = Lock::try_acquire(file, kLong);
  REQUIRE(lock.has_value());
  CHECK(lock->still_owned());
  CHECK(!Lock::try_acquire(file, kLong).has_value());
  Lock moved = std::move(*lock);
  CHECK(moved.still_owned());
  lock.reset();
  CHECK(fs::exists(file));
  std::optional<Lock> other = Lock::try_acquire(folder / "locks/b.lock", kLong);
  REQUIRE(other.has_value());
  moved = std::move(*other);  // lets go of a
  CHECK(!fs::exists(file));
  CHECK(Lock::try_acquire(file, kLong).has_value());
  CHECK(file_count(folder / "locks") == 1);
}

TEST_CASE("lock: a live process is respected and a killed one taken over at once") {
  const TemporaryFolder folder;
  const fs::path file = folder / "a.lock";
  Child holder("hold", folder.path());
  REQUIRE(within_5_seconds([&] { return fs::exists(folder / "held"); }));
  CHECK(!Lock::try_acquire(file, kLong).has_value());
  holder.send(SIGKILL);
  std::optional<Lock> lock;
  CHECK(within_5_seconds([&] { return (lock = Lock::try_acquire(file, kLong)).has_value(); }));  // a zombie still
  lock.reset();
  CHECK(holder.wait() == -1);
  CHECK(file_count(folder.path()) == 1);  // "held": nothing of the takeover is left
}

TEST_CASE("lock: a killed process that is gone altogether is taken over") {
  const TemporaryFolder folder;
  Child holder("hold", folder.path());
  REQUIRE(within_5_seconds([&] { return fs::exists(folder / "held"); }));
  holder.send(SIGKILL);
  holder.wait();
  const auto lock = Lock::try_acquire(folder / "a.lock", kLong);
  REQUIRE(lock.has_value());
  CHECK(lock->still_owned());
}

TEST_CASE("lock: a live process without a heartbeat loses its lock and knows it") {
  const TemporaryFolder folder;
  const fs::path file = folder / "a.lock";
  std::optional<Lock> paused = Lock::try_acquire(file, 3600s);  // beats every 30 s
  REQUIRE(paused.has_value());
  set_age(file, 100s);
  CHECK(!Lock::try_acquire(file, 200s).has_value());
  const std::optional<Lock> next = Lock::try_acquire(file, 50s);
  REQUIRE(next.has_value());
  CHECK(!paused->still_owned());
  CHECK(next->still_owned());
  paused.reset();
  CHECK(next->still_owned());  // letting go of a lost lock leaves the new one alone
}

TEST_CASE("lock: the heart beats") {
  const TemporaryFolder folder;
  const fs::path file = folder / "a.lock";
  const auto lock = Lock::try_acquire(file, 1s);  // beats every quarter of a second
  REQUIRE(lock.has_value());
  set_age(file, 3600s);
  CHECK(within_5_seconds([&] { return fs::last_write_time(file) > fs::file_time_type::clock::now() - 60s; }));
  CHECK(lock->still_owned());
}

TEST_CASE("lock: of another machine or boot or container only the heartbeat counts") {
  const cohort::ProcessIdentity dead{"elsewhere", "b", "pid:[1]", 1, 1};
  CHECK(!is_taken_over(claim(dead), 60s));
  CHECK(is_taken_over(claim(dead), kLong + 60s));
  cohort::ProcessIdentity process = cohort::this_process();
  process.pid = 1 << 30;
  CHECK(is_taken_over(claim(process), 0s));  // no such process here
  for (std::string cohort::ProcessIdentity::* part :
       {&cohort::ProcessIdentity::host, &cohort::ProcessIdentity::boot, &cohort::ProcessIdentity::pid_namespace}) {
    cohort::ProcessIdentity other = process;
    other.*part = "other";
    CHECK(!is_taken_over(claim(other), 60s));
    CHECK(is_taken_over(claim(other), kLong + 60s));
  }
}

TEST_CASE("lock: a process number used again is not the holder") {
  cohort::ProcessIdentity process = cohort::this_process();
  CHECK(!is_taken_over(claim(process), 0s));
  process.started -= 1;
  CHECK(is_taken_over(claim(process), 0s));
}

TEST_CASE("lock: a heartbeat from the future is no reason to take over") {
  CHECK(!is_taken_over(claim({"elsewhere", "b", "pid:[1]", 1, 1}), -7200s));
}

TEST_CASE("lock: files that hold no claim are judged by age alone") {
  const std::string long_text(100000, '[');
  for (const std::string& text : {std::string(), std::string("{\"host\":"), std::string("{\"host\":1,\"pid\":\"x\"}"),
                                  std::string("null"), long_text, std::string("\xff\x00\x01", 3)}) {
    CHECK(!is_taken_over(text, 2s));
    CHECK(is_taken_over(text, 60s));  // a claim is written in one go
  }
}

TEST_CASE("lock: many processes and threads commit each of 20 jobs once") {
  const TemporaryFolder folder;
  {
    Child a("jobs", folder.path()), b("jobs", folder.path()), c("jobs", folder.path());
    CHECK(a.wait() == 0);
    CHECK(b.wait() == 0);
    CHECK(c.wait() == 0);
  }
  std::map<std::string, int> commits;
  std::ifstream log(folder / "commits");
  for (std::string job; std::getline(log, job);) ++commits[job];
  CHECK(commits.size() == kJobs);
  for (const auto& [job, count] : commits) CHECK_MESSAGE(count == 1, "job " << job);
  CHECK(file_count(folder / "locks") == 0);
}

TEST_CASE("lock: many threads that find one stale lock agree on one new holder") {
  for (int round = 0; round < 20; ++round) {
    const TemporaryFolder folder;
    const fs::path file = folder / "a.lock";
    test::write_text(file, claim({"elsewhere", "b", "pid:[1]", 1, 1}));
    set_age(file, 2 * kLong);
    std::vector<std::optional<Lock>> locks(4);
    std::vector<std::thread> threads;
    for (std::optional<Lock>& lock : locks) {
      threads.emplace_back([&file, &lock] { lock = Lock::try_acquire(file, kLong); });
    }
    for (std::thread& thread : threads) thread.join();
    int holders = 0;
    for (const std::optional<Lock>& lock : locks) holders += lock && lock->still_owned();
    CHECK(holders == 1);
    CHECK(std::count_if(locks.begin(), locks.end(), [](const auto& lock) { return lock.has_value(); }) == 1);
  }
}

TEST_CASE("lock: a folder that cannot hold locks is an error with its name") {
  const TemporaryFolder folder;
  test::write_text(folder / "file", "");
  std::string message;
  CHECK(error_of([&] { Lock::try_acquire(folder / "file/locks/a.lock", kLong); }, &message) == ErrorCode::Io);
  CHECK(message.find("file/locks") != std::string::npos);
  CHECK(message.find("choose a folder that can be written") != std::string::npos);
  CHECK(error_of([&] { Lock::try_acquire("/proc/locks/a.lock", kLong); }) == ErrorCode::Io);
  CHECK(error_of([&] { Lock::try_acquire(folder / "a.lock", 0s); }) == ErrorCode::InvalidArgument);
}
