#include "hipt/base/text.h"

#include "test/support/support.h"

TEST_CASE("text: one is singular, none and many are plural") {
  CHECK(hipt::counted(1, "patch", "patches") == "1 patch");
  CHECK(hipt::counted(0, "patch", "patches") == "0 patches");
  CHECK(hipt::counted(12, "patch", "patches") == "12 patches");
}

TEST_CASE("text: lower case of ASCII alone") {
  CHECK(hipt::lower_case(".SVS") == ".svs");
  CHECK(hipt::lower_case("TCGA-Brca_1") == "tcga-brca_1");
  CHECK(hipt::lower_case("\u00c4Z") == "\u00c4z");
}

TEST_CASE("text: parts between commas") {
  using Parts = std::vector<std::string>;
  CHECK(hipt::parts_between_commas("IDC,ILC") == Parts{"IDC", "ILC"});
  CHECK(hipt::parts_between_commas("a, b,,c,") == Parts{"a", " b", "", "c"});
  CHECK(hipt::parts_between_commas("").empty());
}
