#include <algorithm>
#include <numeric>

#include <doctest/doctest.h>

#include "hipt/bags/dataset.h"
#include "hipt/bags/sampling.h"
#include "hipt/bags/splits.h"

#include "test/support/support.h"

using namespace hipt;
using Places = std::vector<std::size_t>;

namespace {

bags::Dataset made_dataset(std::size_t patients) {
  bags::Dataset dataset{.slides = {}, .classes = 2};
  for (std::size_t i = 0; i < patients; ++i) {
    const std::string patient = "P" + std::to_string(i);
    for (std::size_t s = 0; s <= i % 2; ++s) {  // one or two slides a patient
      dataset.slides.push_back({patient + "-" + std::to_string(s), patient, i % 3 == 0 ? 1 : 0});
    }
  }
  return dataset;
}

std::string message_of(const std::function<void()>& body, ErrorCode code) {
  std::string message;
  CHECK(test::error_of(body, &message) == code);
  return message;
}

}  // namespace

TEST_CASE("permutations equal numpy.random.RandomState") {
  // NumPy 2.4.6: np.random.RandomState(seed).permutation(n).
  CHECK(bags::numpy_permutation(10, 1) == Places{2, 9, 6, 4, 0, 3, 1, 7, 8, 5});
  CHECK(bags::numpy_permutation(7, 0) == Places{6, 2, 1, 3, 0, 5, 4});
  const Places many = bags::numpy_permutation(850, 1);
  CHECK(Places(many.begin(), many.begin() + 12) == Places{486, 559, 185, 806, 493, 298, 842, 776, 752, 755, 8, 819});
}

TEST_CASE("samples equal pandas DataFrame.sample") {
  // pandas: DataFrame.sample(frac, random_state); 845 rows at a quarter are 211, 2.5 rows are 2.
  const Places quarter = bags::pandas_sample(845, 0.25, 1);
  CHECK(quarter.size() == 211);
  CHECK(Places(quarter.begin(), quarter.begin() + 10) == Places{484, 223, 329, 463, 318, 443, 644, 706, 756, 594});
  CHECK(bags::pandas_sample(10, 0.25, 3) == Places{5, 4});
  CHECK(bags::pandas_sample(10, 0.5, 4294967295U) == Places{6, 9, 5, 1, 8});
  CHECK(bags::pandas_sample(1, 0.25, 3).empty());
  CHECK(test::error_of([] { bags::pandas_sample(10, 1.5, 1); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("published datasets and splits: used and listed slides of fold 0 as published") {
  const auto root = test::shared_data("hipt-published");
  if (!root) return test::skip("no ../shared/data");
  // ../shared/spec/40: "Used/listed slides fold 0"; BRCA's used ones count every subtype, the task only two.
  struct Expected {
    std::string group;
    std::size_t train, validation, test;
    std::int64_t unknown;
  };
  for (const Expected& e : {Expected{"lung", 785, 86, 87, 1033 - 958}, Expected{"kidney", 730, 88, 87, 931 - 905}}) {
    const bags::Task task = bags::find_task("tcga_" + e.group + "_subtype");
    const bags::Dataset dataset =
        bags::read_dataset(*root / "dataset_csv" / ("tcga_" + e.group + "_subset.csv.zip"), task);
    const auto folder = *root / "splits/10foldcv_subtype" / ("tcga_" + e.group);
    const bags::Split split = bags::read_split(folder / "splits_0.csv", dataset);
    CHECK(split.train.size() == e.train);
    CHECK(split.validation.size() == e.validation);
    CHECK(split.test.size() == e.test);
    CHECK(split.unknown == e.unknown);
    CHECK_FALSE(split.shared_patients.empty());
    const bags::Split by_truth = bags::read_split(folder / "splits_0_bool.csv", dataset);
    CHECK(by_truth.train == split.train);
    CHECK(by_truth.validation == split.validation);
    CHECK(by_truth.test == split.test);
  }
  const bags::Dataset brca =
      bags::read_dataset(*root / "dataset_csv/tcga_brca_subset.csv.zip", bags::find_task("tcga_brca_subtype"));
  CHECK(brca.slides.size() == 726 + 149);  // IDC and ILC, as pandas counts them
  CHECK(brca.left_out == 937 - 875);
}

TEST_CASE("a slide id loses a slide's extension and nothing else") {
  CHECK(bags::slide_id_of("TCGA-A.svs") == "TCGA-A");
  CHECK(bags::slide_id_of("lesions.vs.svs") == "lesions.vs");
  CHECK(bags::slide_id_of("TCGA-01Z-00-DX1.F6E9A5DF-D8FB") == "TCGA-01Z-00-DX1.F6E9A5DF-D8FB");
}

TEST_CASE("made splits keep patients together and test every slide once and are written as published") {
  const bags::Dataset dataset = made_dataset(31);
  const std::vector<bags::Split> splits = bags::make_splits(dataset, 5, 7);
  const test::TemporaryFolder folder;
  Places tested;
  for (std::size_t k = 0; k < splits.size(); ++k) {
    tested.insert(tested.end(), splits[k].test.begin(), splits[k].test.end());
    bags::write_split(folder.path(), static_cast<std::int64_t>(k), splits[k], dataset, {"a", "b"});
    for (const char* const form : {".csv", "_bool.csv"}) {
      const bags::Split back = bags::read_split(folder / ("splits_" + std::to_string(k) + form), dataset);
      CHECK(back.train == splits[k].train);
      CHECK(back.validation == splits[k].validation);
      CHECK(back.test == splits[k].test);
      CHECK(back.unknown == 0);
      CHECK(back.shared_patients.empty());
    }
  }
  std::ranges::sort(tested);
  Places all(dataset.slides.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  CHECK(tested == all);
  CHECK(test::read_text(folder / "splits_0_descriptor.csv").starts_with(",train,val,test\na,"));
  CHECK(bags::make_splits(dataset, 5, 7)[0].test == splits[0].test);
  CHECK(message_of([&] { bags::make_splits(dataset, 2, 7); }, ErrorCode::InvalidArgument).find("three") !=
        std::string::npos);
  CHECK(message_of([&] { bags::make_splits(dataset, 20, 7); }, ErrorCode::InvalidArgument).find("class 1") !=
        std::string::npos);
}

TEST_CASE("wrong datasets: blank ids and double slides and missing columns and missing classes") {
  const test::TemporaryFolder folder;
  const bags::Task task = bags::find_task("tcga_lung_subtype");
  const auto failure = [&](const std::string& text) {
    test::write_text(folder / "d.csv", text);
    return message_of([&] { bags::read_dataset(folder / "d.csv", task); }, ErrorCode::Corrupt);
  };
  CHECK(failure("case_id,slide_id\nP,a.svs\n").find("oncotree_code") != std::string::npos);
  CHECK(failure("case_id,slide_id,oncotree_code\nP,a.svs,LUAD\nP,a.svs,LUSC\n").find("row 3") != std::string::npos);
  CHECK(failure("case_id,slide_id,oncotree_code\nP,,LUAD\n").find("row 2") != std::string::npos);
  CHECK(failure("case_id,slide_id,oncotree_code\nP,a.svs,LUAD\nP,b.svs,IDC\n").find("class 1") != std::string::npos);
}

TEST_CASE("wrong splits: a slide on two sides and unknown truth and an empty part - patients on two sides are named") {
  const test::TemporaryFolder folder;
  const bags::Dataset dataset = made_dataset(8);
  const auto failure = [&](const std::string& text) {
    test::write_text(folder / "s.csv", text);
    return message_of([&] { bags::read_split(folder / "s.csv", dataset); }, ErrorCode::Corrupt);
  };
  CHECK(failure(",train,val\n0,P0-0,P1-0\n").find("\"test\"") != std::string::npos);
  CHECK(failure(",train,val,test\n0,P0-0,P0-0,P1-0\n").find("two sides") != std::string::npos);
  CHECK(failure(",train,val,test\n0,P0-0,,nobody\n").find("test part") != std::string::npos);
  CHECK(failure(",train,val,test\nP0-0,True,False,perhaps\n").find("perhaps") != std::string::npos);
  test::write_text(folder / "s.csv", ",train,val,test\n0,P1-0,,P1-1\n");
  CHECK(bags::read_split(folder / "s.csv", dataset).shared_patients == std::vector<std::string>{"P1"});
}

TEST_CASE("a task of one's own is a CSV file") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "grade.csv", "grade,class\nlow,0\nmiddle,1\nhigh,1\n");
  const bags::Task task = bags::find_task((folder / "grade.csv").string());
  CHECK(task.name == "grade");
  CHECK(task.label_column == "grade");
  CHECK(task.classes() == 2);
  test::write_text(folder / "d.csv", "case_id,slide_id,grade\nP,a.svs,low\nP,b.tif,high\nQ,c.svs,unknown\n");
  const bags::Dataset dataset = bags::read_dataset(folder / "d.csv", task);
  CHECK(dataset.slides.size() == 2);
  CHECK(dataset.slides[1].slide_id == "b");
  CHECK(dataset.left_out == 1);
  test::write_text(folder / "gap.csv", "grade,class\nlow,0\nhigh,2\n");
  CHECK(test::error_of([&] { bags::find_task((folder / "gap.csv").string()); }) == ErrorCode::Corrupt);
  CHECK(test::error_of([] { bags::find_task("tcga_skin"); }) == ErrorCode::InvalidArgument);
}
