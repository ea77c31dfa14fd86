// The publication's commands, read out of docs/guide/subtype.md and run by the program itself on small made cohorts.

#include <cstdlib>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include "hipt/bags/sampling.h"
#include "hipt/evaluate/folds.h"
#include "hipt/io/csv.h"
#include "hipt/io/torch_file.h"
#include "hipt/vit/weights.h"

#include "test/subtype/subtype_support.h"
#include "test/support/support.h"

using namespace hipt;
using test::MadeCohort;

namespace {

namespace fs = std::filesystem;

// Rows "| `hipt subtype ...` |" of the table below "The publication's commands".
std::vector<std::string> commands_of_guide() {
  const std::string text = test::read_text(test::source_dir() / "docs/guide/subtype.md");
  const std::size_t start = text.find("## The publication's commands");
  REQUIRE(start != std::string::npos);
  const std::string part = text.substr(start, text.find("\n## ", start + 1) - start);
  const std::regex row(R"(\| `(hipt subtype [^`]*)` \|)");
  std::vector<std::string> commands;
  for (std::sregex_iterator it(part.begin(), part.end(), row), end; it != end; ++it) commands.push_back((*it)[1]);
  return commands;
}

constexpr std::size_t kTrain = 12, kOther = 3;

// Eighteen slides of one region. Those that --prop 0.25 draws of the twelve that are trained with have all classes.
void write_split_cohort(const fs::path& root, const MadeCohort& cohort) {
  std::vector<std::size_t> label_of(kTrain + 2 * kOther);
  const std::vector<std::size_t> drawn = bags::numpy_permutation(kTrain, 1);
  for (std::size_t i = 0; i < kTrain; ++i) label_of[drawn[i]] = i % cohort.values.size();
  for (std::size_t i = kTrain; i < label_of.size(); ++i) label_of[i] = i % cohort.values.size();
  test::write_cohort(root, cohort, label_of);
  const auto id = [&](std::size_t i) { return fmt::format("{}-S{:02}", cohort.cohort, i); };
  for (std::size_t fold = 0; fold < 2; ++fold) {
    io::CsvTable split{{"", "train", "val", "test"}, {}};
    for (std::size_t i = 0; i < kTrain; ++i) {
      const bool has_others = i < kOther;
      split.rows.push_back({fmt::format("{}", i), id(i), has_others ? id(kTrain + (1 - fold) * kOther + i) : "",
                            has_others ? id(kTrain + fold * kOther + i) : ""});
    }
    const fs::path folder = root / "splits/10foldcv_subtype" / cohort.cohort;
    fs::create_directories(folder);
    io::write_csv(folder / fmt::format("splits_{}.csv", fold), split);
  }
}

void write_vit4k(const fs::path& file) {
  const auto weights = vit::formula_weights(vit::named_config("vit4k_xs"), "try");
  std::vector<std::pair<std::string, const Array*>> tensors;
  for (const auto& [name, array] : weights->tensors) tensors.emplace_back(name, &array);
  io::write_torch_tensors(file, tensors);
}

// Six commands of one task.
void run_commands(const MadeCohort& cohort) {
  test::TemporaryFolder root;
  write_split_cohort(root.path(), cohort);
  write_vit4k(root / "vit4k_xs_dino.pth");
  std::size_t ran = 0;
  for (const std::string& command : commands_of_guide()) {
    if (command.find(cohort.cohort + "_subtype") == std::string::npos) continue;
    INFO(command);
    const std::string shell = fmt::format(
        "cd '{0}' && PATH='{1}':\"$PATH\" HIPT_WEIGHTS='{0}' DATAROOT='{0}' && export PATH HIPT_WEIGHTS DATAROOT && "
        "{2} --k 2 --max_epochs 2 > out.txt 2>&1",
        root.path().string(), HIPT_PROGRAM_DIR, command);
    const int status = std::system(shell.c_str());
    INFO(test::read_text(root / "out.txt"));
    REQUIRE(status == 0);
    ++ran;
  }
  CHECK(ran == 6);
  std::size_t experiments = 0;
  for (const auto& entry : fs::directory_iterator(root / "results" / (cohort.cohort + "_subtype"))) {
    INFO(entry.path().string());
    const evaluate::Experiment experiment = evaluate::read_experiments(entry.path()).front();
    CHECK(experiment.folds == std::vector<std::int64_t>{0, 1});
    CHECK(evaluate::parse_experiment_name(experiment.name).has_value());
    ++experiments;
  }
  CHECK(experiments == 6);
}

}  // namespace

TEST_SUITE("slow") {
  TEST_CASE("the publication's commands run: breast") {
    run_commands({.regions = true});
  }
  TEST_CASE("the publication's commands run: kidney") {
    run_commands({.cohort = "tcga_kidney",
                  .values = {"CCRCC", "PRCC", "CHRCC"},
                  .studies = {"tcga_kirc", "tcga_kirp", "tcga_kich"},
                  .regions = true});
  }
  TEST_CASE("the publication's commands run: lung") {
    run_commands(
        {.cohort = "tcga_lung", .values = {"LUAD", "LUSC"}, .studies = {"tcga_luad", "tcga_lusc"}, .regions = true});
  }
}

TEST_CASE("hipt starts hipt-train for subtype and says how to get it where it is absent") {
  test::TemporaryFolder folder;
  const auto run = [&](const std::string& program) {
    const int status =
        std::system(fmt::format("'{}' subtype > '{}' 2>&1", program, (folder / "out.txt").string()).c_str());
    return WEXITSTATUS(status);
  };
  CHECK(run(HIPT_PROGRAM_DIR "/hipt") == 2);
  CHECK(test::read_text(folder / "out.txt") ==
        "hipt subtype: name where the features are: --data_root_dir TCGA_ROOT_DIR or --bags FOLDER\n");
  fs::copy_file(HIPT_PROGRAM_DIR "/hipt", folder / "hipt");
  CHECK(run((folder / "hipt").string()) == 1);
  CHECK(test::read_text(folder / "out.txt").find("hipt-train is not there; `make train` builds it") !=
        std::string::npos);
}

TEST_CASE("the guide has all eighteen commands of the publication") {
  CHECK(commands_of_guide().size() == 18);
}
