#include <map>
#include <mutex>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hipt/base/md5.h"
#include "hipt/cohort/gdc.h"
#include "hipt/cohort/organise.h"
#include "hipt/cohort/studies.h"
#include "hipt/io/csv.h"

#include "test/support/support.h"

using namespace hipt;
using cohort::FileStatus;
using cohort::OrganiseOptions;
using cohort::OrganiseSummary;
using cohort::Placement;
using hipt::test::error_of;
using hipt::test::read_text;
using hipt::test::TemporaryFolder;
using hipt::test::write_text;
namespace fs = std::filesystem;

namespace {

constexpr const char* kManifestHead = "id\tfilename\tmd5\tsize\tstate\n";
constexpr const char* kSheetHead =
    "File ID\tFile Name\tData Category\tData Type\tProject ID\tCase ID\tSample ID\tSample Type\n";
// RFC 1321's test suite: texts and their MD5.
constexpr const char* kAbc = "900150983cd24fb0d6963f7d28e17f72";
constexpr const char* kMessageDigest = "f96b697d7cb7938d525a2f31aaf161d0";

// A cart of files: tables, and what was downloaded.
struct Cart {
  Cart() { fs::create_directories(downloads()); }

  fs::path downloads() const { return folder / "downloads"; }
  fs::path root() const { return folder / "TCGA_ROOT_DIR"; }

  void list(const std::string& id, const std::string& name, const std::string& md5, std::size_t size,
            const std::string& project) {
    manifest += fmt::format("{}\t{}\t{}\t{}\treleased\n", id, name, md5, size);
    if (!project.empty()) {
      sheet += fmt::format("{}\t{}\tBiospecimen\tSlide Image\t{}\tTCGA-AA-0001\tTCGA-AA-0001-01Z\tPrimary Tumor\n", id,
                           name, project);
    }
  }
  void download(const std::string& place, const std::string& text) const {
    fs::create_directories((downloads() / place).parent_path());
    write_text(downloads() / place, text);
  }
  // Listed and downloaded as gdc-client does, with the content "abc".
  void add(const std::string& id, const std::string& name, const std::string& project) {
    list(id, name, kAbc, 3, project);
    download(id + "/" + name, "abc");
  }

  OrganiseSummary organise(Placement by = Placement::Link, bool diagnostic_only = false) const {
    write_text(folder / "manifest.txt", manifest);
    write_text(folder / "sheet.tsv", sheet);
    OrganiseOptions options;
    options.manifest = folder / "manifest.txt";
    options.sample_sheet = folder / "sheet.tsv";
    options.downloads = downloads();
    options.root_dir = root();
    options.by = by;
    options.diagnostic_only = diagnostic_only;
    return cohort::organise_slides(options, test::quiet_context());
  }

  TemporaryFolder folder;
  std::string manifest = kManifestHead;
  std::string sheet = kSheetHead;
};

const cohort::OrganisedFile& file_of(const OrganiseSummary& summary, const std::string& id) {
  for (const auto& file : summary.files) {
    if (file.id == id) return file;
  }
  throw Error(ErrorCode::NotFound, id);
}

void check_file(const OrganiseSummary& summary, const std::string& id, FileStatus status, const std::string& words) {
  CAPTURE(id);
  const cohort::OrganisedFile& file = file_of(summary, id);
  CHECK(file.status == status);
  CHECK_MESSAGE(file.reason.find(words) != std::string::npos, file.reason);
}

}  // namespace

TEST_CASE("MD5 of files are those of RFC 1321") {
  const TemporaryFolder folder;
  const std::pair<const char*, const char*> cases[] = {
      {"", "d41d8cd98f00b204e9800998ecf8427e"},
      {"a", "0cc175b9c0f1b6a831c399e269772661"},
      {"abc", kAbc},
      {"message digest", kMessageDigest},
      {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
       "57edf4a22be3c955ac49da2e2107b67a"}};
  for (const auto& [text, md5] : cases) {
    write_text(folder / "file", text);
    CHECK(md5_hex_of_file(folder / "file") == md5);
  }
  CHECK(error_of([&] { md5_hex_of_file(folder / "absent"); }) == ErrorCode::NotFound);
}

TEST_CASE("Projects of the GDC are the study folders that the README names") {
  for (const auto& [project, study] : {std::pair("TCGA-ACC", "tcga_acc"),
                                       {"TCGA-BLCA", "tcga_blca"},
                                       {"TCGA-BRCA", "tcga_brca"},
                                       {"TCGA-COAD", "tcga_coadread"},
                                       {"TCGA-READ", "tcga_coadread"},
                                       {"TCGA-KIRC", "tcga_kirc"},
                                       {"TCGA-KIRP", "tcga_kirp"},
                                       {"TCGA-KICH", "tcga_kich"},
                                       {"TCGA-LUAD", "tcga_luad"},
                                       {"TCGA-LUSC", "tcga_lusc"},
                                       {"TCGA-STAD", "tcga_stad"},
                                       {"TCGA-UCEC", "tcga_ucec"},
                                       {"CPTAC-3", "cptac_3"}}) {
    CHECK(cohort::study_of_project(project) == study);
  }
  for (const char* wrong : {"", "..", "../TCGA", "TCGA BRCA", "/etc", "TCGA-BRCA/x", "-x"}) {
    CHECK(error_of([&] { cohort::study_of_project(wrong); }) == ErrorCode::InvalidArgument);
  }
  using Names = std::vector<std::string>;
  CHECK(cohort::studies_of_task("tcga_kidney") == Names{"tcga_kirc", "tcga_kirp", "tcga_kich"});
  CHECK(cohort::studies_of_task("tcga_lung") == Names{"tcga_luad", "tcga_lusc"});
  CHECK(cohort::studies_of_task("tcga_brca") == Names{"tcga_brca"});
  CHECK(cohort::study_of_subtype("CHRCC") == "tcga_kich");
  CHECK(cohort::study_of_subtype("IDC").empty());
}

TEST_CASE("Downloads come to their studies by each placement and stay verified") {
  for (const Placement by : {Placement::Link, Placement::HardLink, Placement::Copy, Placement::Move}) {
    CAPTURE(name_of(by));
    Cart cart;
    cart.add("id-1", "TCGA-AA-0001-01Z-00-DX1.F6E9.svs", "TCGA-BRCA");
    cart.add("id-2", "TCGA-AA-0002-01Z-00-DX1.11AB.svs", "TCGA-READ");
    cart.list("id-3", "flat.svs", kMessageDigest, 14, "TCGA-COAD, TCGA-COAD");
    cart.download("flat.svs", "message digest");
    cart.download("id-1/annotations.txt", "id\n");
    cart.download("id-1/logs/x.parcel", "");
    cart.list("id-4", "report.PDF", kAbc, 3, "TCGA-BRCA");
    const OrganiseSummary summary = cart.organise(by);
    CHECK(summary.count(FileStatus::Placed) == 3);
    CHECK(summary.files.size() == 3);
    CHECK(summary.passed_over == 1);
    const fs::path brca = cart.root() / "tcga_brca/WSIs/TCGA-AA-0001-01Z-00-DX1.F6E9.svs";
    CHECK(read_text(brca) == "abc");
    CHECK(read_text(cart.root() / "tcga_coadread/WSIs/TCGA-AA-0002-01Z-00-DX1.11AB.svs") == "abc");
    CHECK(read_text(cart.root() / "tcga_coadread/WSIs/flat.svs") == "message digest");
    CHECK(fs::is_symlink(brca) == (by == Placement::Link));
    CHECK(fs::exists(cart.downloads() / "flat.svs") == (by != Placement::Move));
    CHECK(std::distance(fs::directory_iterator(brca.parent_path()), {}) == 1);

    // Verified once: damage that leaves size and time alone is not looked for again.
    const auto time = fs::last_write_time(brca);
    write_text(brca, "xyz");
    fs::last_write_time(brca, time);
    CHECK(cart.organise(by).count(FileStatus::There) == 3);
    // Another time of modification: read again.
    fs::last_write_time(brca, time + std::chrono::seconds(1));
    const OrganiseSummary again = cart.organise(by);
    CHECK(again.count(FileStatus::There) == 2);
    check_file(again, "id-1", FileStatus::Refused, "is taken by something else (MD5 d16fb36f0911f878998c136191af705e");
    CHECK(read_text(brca) == "xyz");
  }
}

TEST_CASE("Missing and damaged downloads are listed and the others are placed") {
  Cart cart;
  cart.add("good", "good.svs", "TCGA-BRCA");
  cart.list("absent", "absent.svs", kAbc, 3, "TCGA-BRCA");
  cart.list("partial", "partial.svs", kAbc, 3, "TCGA-BRCA");
  cart.download("partial/partial.svs.partial", "ab");
  cart.list("short", "short.svs", kAbc, 3, "TCGA-BRCA");
  cart.download("short/short.svs", "ab");
  cart.list("flipped", "flipped.svs", kAbc, 3, "TCGA-BRCA");
  cart.download("flipped/flipped.svs", "abd");
  cart.add("unknown", "unknown.svs", "");
  const OrganiseSummary summary = cart.organise();
  check_file(summary, "good", FileStatus::Placed, "");
  check_file(summary, "absent", FileStatus::Missing, "is not among the downloads");
  check_file(summary, "partial", FileStatus::Missing, "not finished (.partial)");
  check_file(summary, "short", FileStatus::Damaged, "2 bytes, the manifest says 3");
  check_file(summary, "flipped", FileStatus::Damaged, fmt::format("the manifest says {}", kAbc));
  check_file(summary, "unknown", FileStatus::Refused, "is not in the sample sheet");
  const io::CsvTable report = io::read_csv(summary.report);
  CHECK(report.rows.size() == 6);
  CHECK(report.rows[1][*report.column("status")] == "missing");
  CHECK(report.rows[3][*report.column("reason")] == "2 bytes, the manifest says 3");
  // Repaired, it is placed by the next run.
  cart.download("flipped/flipped.svs", "abc");
  check_file(cart.organise(), "flipped", FileStatus::Placed, "");
}

TEST_CASE("Names that lead elsewhere are refused") {
  Cart cart;
  write_text(cart.folder / "outside.svs", "abc");
  cart.list("a", "../../outside.svs", kAbc, 3, "TCGA-BRCA");
  cart.list("b", "/etc/outside.svs", kAbc, 3, "TCGA-BRCA");
  cart.list("../c", "c.svs", kAbc, 3, "TCGA-BRCA");
  cart.list("d", "sub\\d.svs", kAbc, 3, "TCGA-BRCA");
  cart.add("e", "e.svs", "../TCGA");
  cart.add("f", "f.svs", "TCGA-BRCA, TCGA-LUAD");
  cart.list("g", "g.svs", "no checksum", 3, "TCGA-BRCA");
  cart.download("g/g.svs", "abc");
  const OrganiseSummary summary = cart.organise();
  CHECK(summary.count(FileStatus::Refused) == 7);
  check_file(summary, "a", FileStatus::Refused, "lead out of the folder");
  check_file(summary, "b", FileStatus::Refused, "lead out of the folder");
  check_file(summary, "../c", FileStatus::Refused, "no plain name");
  check_file(summary, "d", FileStatus::Refused, "lead out of the folder");
  check_file(summary, "e", FileStatus::Refused, "no name such as TCGA-BRCA");
  check_file(summary, "f", FileStatus::Refused, "several projects");
  check_file(summary, "g", FileStatus::Refused, "32 hexadecimal digits");
  for (const auto& entry : fs::directory_iterator(cart.root())) CHECK(!entry.is_directory());
}

TEST_CASE("Two files of one name are refused by both ids") {
  Cart cart;
  cart.add("one", "same.svs", "TCGA-COAD");
  cart.add("two", "same.svs", "TCGA-READ");    // the same study
  cart.add("three", "same.svs", "TCGA-BRCA");  // another
  cart.add("three", "same.svs", "TCGA-BRCA");  // the same row twice
  const OrganiseSummary summary = cart.organise();
  check_file(summary, "one", FileStatus::Refused, "has the name and study of file two");
  check_file(summary, "two", FileStatus::Refused, "has the name and study of file one");
  check_file(summary, "three", FileStatus::Placed, "");
  CHECK(summary.files.size() == 3);
}

TEST_CASE("Frozen sections are left out on request") {
  Cart cart;
  cart.add("dx", "TCGA-AA-0001-01Z-00-DX1.F6E9.svs", "TCGA-BRCA");
  cart.add("ts", "TCGA-AA-0001-01A-01-TS1.F6E9-DX1.svs", "TCGA-BRCA");
  cart.add("bs", "TCGA-AA-0001-01A-01-BSA.svs", "TCGA-BRCA");
  const OrganiseSummary summary = cart.organise(Placement::Link, true);
  CHECK(summary.count(FileStatus::Placed) == 1);
  CHECK(summary.passed_over == 2);
}

TEST_CASE("A link whose download has gone is made again") {
  Cart cart;
  cart.add("a", "a.svs", "TCGA-BRCA");
  cart.organise();
  fs::remove_all(cart.downloads() / "a");
  check_file(cart.organise(), "a", FileStatus::Missing, "is not among the downloads");
  cart.download("a.svs", "abc");
  check_file(cart.organise(), "a", FileStatus::Placed, "");
  CHECK(read_text(cart.root() / "tcga_brca/WSIs/a.svs") == "abc");
}

TEST_CASE("Tables that are no GDC tables are told apart") {
  Cart cart;
  cart.manifest = "file,size\n";
  CHECK(error_of([&] { cart.organise(); }) == ErrorCode::InvalidArgument);
  cart.manifest = kManifestHead;
  cart.sheet = "File ID\tFile Name\n";
  std::string message;
  CHECK(error_of([&] { cart.organise(); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message.find("no column \"Project ID\" among: File ID, File Name") != std::string::npos);
  fs::remove_all(cart.downloads());
  CHECK(error_of([&] { cart.organise(); }) == ErrorCode::NotFound);
}
