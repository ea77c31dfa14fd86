#include <algorithm>

#include <doctest/doctest.h>

#include "hipt/cohort/source.h"
#include "hipt/cohort/study_folder.h"
#include "hipt/slide/slide.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::cohort::find_slides;
using hipt::cohort::Source;
using hipt::test::error_of;
using hipt::test::TemporaryFolder;

namespace {

void touch(const TemporaryFolder& folder, std::string_view name) {
  std::filesystem::create_directories((folder / name).parent_path());
  test::write_text(folder / name, "");
}

std::vector<std::string> ids(const Source& source) {
  std::vector<std::string> names;
  for (const cohort::SlideEntry& slide : source.slides) names.push_back(slide.id);
  return names;
}

std::vector<std::string> file_names(const std::vector<std::filesystem::path>& paths) {
  std::vector<std::string> names;
  for (const std::filesystem::path& path : paths) names.push_back(path.filename().string());
  return names;
}

}  // namespace

TEST_CASE("source: one slide is itself whatever its name") {
  const TemporaryFolder folder;
  touch(folder, "TCGA-AA.1234.svs");
  const Source source = find_slides(folder / "TCGA-AA.1234.svs", false);
  REQUIRE(source.slides.size() == 1);
  CHECK(source.slides[0].id == "TCGA-AA.1234");
  CHECK(source.slides[0].path == folder / "TCGA-AA.1234.svs");
  CHECK(!source.slides[0].mpp.has_value());
  touch(folder, "unusual.extension");
  CHECK(ids(find_slides(folder / "unusual.extension", false)) == std::vector<std::string>{"unusual"});
}

TEST_CASE("source: a folder gives its slides by name and lists the rest") {
  const TemporaryFolder folder;
  for (const char* name : {"b.svs", "a.SVS", "c.tif", "notes.txt", ".hidden.svs", "._b.svs", "deeper/d.svs"}) {
    touch(folder, name);
  }
  const Source source = find_slides(folder.path(), false);
  CHECK(ids(source) == std::vector<std::string>{"a", "b", "c"});
  CHECK(file_names(source.not_slides) == std::vector<std::string>{"._b.svs", ".hidden.svs", "notes.txt"});
}

TEST_CASE("source: DICOM files of one series in one folder are one slide") {
  const TemporaryFolder folder;
  // The start of a file as PS3.10 has it, then SeriesInstanceUID.
  const auto write = [&](std::string_view name, std::string_view series) {
    const std::string start(128, '\0');
    const char length = static_cast<char>(series.size());
    const std::string tag("\x20\x00\x0E\x00UI", 6);
    std::filesystem::create_directories((folder / name).parent_path());
    test::write_text(folder / name, start + "DICM...." + tag + length + '\0' + std::string(series) + "....");
  };
  write("a.dcm", std::string_view("1.2.3\0", 6));
  write("b.dcm", "1.2.44");
  write("c.dcm", "1.2.3");
  write("below/d.dcm", "1.2.3");
  write("e.dcm", "no uid");
  write("f.dcm", "no uid");
  write("g.svs", "1.2.3");
  const Source source = find_slides(folder.path(), true);
  CHECK(ids(source) == std::vector<std::string>{"a", "b", "below", "e", "f", "g"});
  CHECK(file_names(source.not_slides) == std::vector<std::string>{"c.dcm"});

  // A folder of one series alone is a slide of the folder's name, as SOURCE too when it has more than one file.
  write("series.1/1.dcm", "1.2.5");
  write("series.1/2.dcm", "1.2.5");
  test::write_text(folder / "series.1/.DS_Store", "");
  CHECK(ids(find_slides(folder.path(), false)) ==
        std::vector<std::string>{"a", "b", "below", "e", "f", "g", "series.1"});
  CHECK(ids(find_slides(folder / "series.1", false)) == std::vector<std::string>{"series.1"});
  CHECK(ids(find_slides(folder / "below", false)) == std::vector<std::string>{"d"});
  write("series.1/3.dcm", "1.2.6");
  CHECK(ids(find_slides(folder / "series.1", false)) == std::vector<std::string>{"1", "3"});
  test::write_text(folder / "list.csv", "slide\nbelow\n");
  CHECK(ids(find_slides(folder / "list.csv", false)) == std::vector<std::string>{"below"});
}

TEST_CASE("source: nested folders are searched on request but not the pixels of a MIRAX slide") {
  const TemporaryFolder folder;
  for (const char* name : {"2/b.svs", "1/deep/c.svs", "a.svs", "m.mrxs", "m/Data0000.tif"}) touch(folder, name);
  std::filesystem::create_directory_symlink(folder.path(), folder / "1/back");
  CHECK(ids(find_slides(folder.path(), true)) == std::vector<std::string>{"a", "b", "c", "m"});
  CHECK(ids(find_slides(folder.path(), false)) == std::vector<std::string>{"a", "m"});
}

TEST_CASE("source: what a study wrote below its slides is not searched") {
  const TemporaryFolder folder;
  for (const char* name : {"a.svs", "out/masks/a.png", "out/stitches/a.png", "out/process_list_autogen.csv",
                           "masks/b.png", "new/masks/c.png", "new/runs/1.json", "out/d.svs"}) {
    touch(folder, name);
  }
  CHECK(ids(find_slides(folder.path(), true)) == std::vector<std::string>{"a", "b", "d"});
}

TEST_CASE("source: shards take every n-th slide and are all of them together") {
  Source source;
  for (const char* name : {"a.svs", "b.svs", "c.svs", "d.svs", "e.svs"}) {
    source.slides.push_back({name, std::filesystem::path(name).stem().string(), {}, {}, {}});
  }
  const auto shard = [&](std::string_view text) {
    Source part = source;
    cohort::take_shard(part, text);
    return ids(part);
  };
  CHECK(shard("1/1") == std::vector<std::string>{"a", "b", "c", "d", "e"});
  CHECK(shard("1/2") == std::vector<std::string>{"a", "c", "e"});
  CHECK(shard("2/2") == std::vector<std::string>{"b", "d"});
  CHECK(shard("7/8").empty());
  for (const char* text : {"", "1", "0/2", "3/2", "1/0", "1/2/3", "1/2x", "-1/2", " 1/2", "a/b", "1/"}) {
    std::string message;
    CHECK(error_of([&] { shard(text); }, &message) == ErrorCode::InvalidArgument);
    CHECK(message.starts_with("--shard "));
  }
}

TEST_CASE("source: linked slides are slides") {
  const TemporaryFolder folder;
  touch(folder, "store/0001.svs");
  std::filesystem::create_directory(folder / "WSIs");
  std::filesystem::create_symlink(folder / "store/0001.svs", folder / "WSIs/patient.svs");
  CHECK(ids(find_slides(folder / "WSIs", false)) == std::vector<std::string>{"patient"});
}

TEST_CASE("source: two slides with one id are refused and both are named") {
  const TemporaryFolder folder;
  touch(folder, "a.svs");
  touch(folder, "a.tif");
  std::string message;
  CHECK(error_of([&] { find_slides(folder.path(), false); }, &message) == ErrorCode::InvalidArgument);
  CHECK(message.find("a.svs") != std::string::npos);
  CHECK(message.find("a.tif") != std::string::npos);
}

TEST_CASE("source: nothing found says where and what would help") {
  const TemporaryFolder folder;
  std::string message;
  CHECK(error_of([&] { find_slides(folder / "absent", false); }, &message) == ErrorCode::NotFound);
  CHECK(message.find("absent") != std::string::npos);
  touch(folder, "deeper/a.svs");
  touch(folder, "readme.md");
  CHECK(error_of([&] { find_slides(folder.path(), false); }, &message) == ErrorCode::NotFound);
  CHECK(message.find("no slide among 1 files; --search_nested") != std::string::npos);
}

TEST_CASE("source: a CSV keeps its order with paths from its own folder and microns per pixel") {
  const TemporaryFolder folder;
  test::write_text(folder / "list.CSV",
                   "\xef\xbb\xbfstain,slide,mpp\r\nHE,b.svs,0.2526\r\nHE,\"x/a, 1.svs\",\r\n"
                   "HE,/elsewhere/c.svs, \r\n");
  const Source source = find_slides(folder / "list.CSV", false);
  CHECK(ids(source) == std::vector<std::string>{"b", "a, 1", "c"});
  CHECK(source.slides[0].path == folder / "b.svs");
  CHECK(source.slides[0].mpp == 0.2526);
  CHECK(source.slides[1].path == folder / "x/a, 1.svs");
  CHECK(!source.slides[1].mpp.has_value());
  CHECK(source.slides[2].path == "/elsewhere/c.svs");
  CHECK(!source.slides[2].mpp.has_value());
}

TEST_CASE("source: a wrong CSV is an error with its row") {
  const TemporaryFolder folder;
  const auto refused = [&](std::string_view text) {
    test::write_text(folder / "list.csv", text);
    std::string message;
    const ErrorCode code = error_of([&] { find_slides(folder / "list.csv", false); }, &message);
    CHECK(code == ErrorCode::InvalidArgument);
    return message.substr(folder.path().string().size() + 1);
  };
  CHECK(refused("file,mpp\na.svs,1\n") == "list.csv: has no column \"slide\" among: file, mpp");
  CHECK(refused("slide\na.svs\nb/\n") == "list.csv: row 3: slide \"b/\": does not name a file");
  CHECK(refused("slide\n..\n").starts_with("list.csv: row 2: slide \"..\""));
  for (const char* mpp : {"0", "-1", "abc", "0.5um", "nan", "inf"}) {
    CHECK(refused(std::string("slide,mpp\na.svs,") + mpp + "\n").starts_with("list.csv: row 2: mpp \""));
  }
  CHECK(refused("slide\na.svs\nx/a.svs\n").find("both have the slide id \"a\"") != std::string::npos);
  test::write_text(folder / "list.csv", "slide\n");
  CHECK(error_of([&] { find_slides(folder / "list.csv", false); }) == ErrorCode::NotFound);
}

TEST_CASE("study folder: the names of a TCGA study") {
  CHECK(cohort::study_slides("TCGA/tcga_brca") == "TCGA/tcga_brca/WSIs");
  CHECK(cohort::study_output("TCGA/tcga_brca", 20.0, 4096).root == "TCGA/tcga_brca/extracted_mag20x_patch4096_fp");
  CHECK(cohort::study_output("s", 2.5, 256).root == "s/extracted_mag2.5x_patch256_fp");
}

TEST_CASE("source: a folder of DICOM files opens as the slide of the folder's name") {
  const auto file = test::shared_data("slides/dicom/wsi2dcm-jpeg.dicom");
  const auto library = slide::openslide_library();
  if (!file || !library || library->version < "4") {
    test::skip("needs OpenSlide 4 (HIPT_OPENSLIDE) and the shared slides");
    return;
  }
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "case.1.2");
  std::filesystem::create_symlink(std::filesystem::absolute(*file), folder / "case.1.2/a.dcm");
  const Source source = find_slides(folder.path(), false);
  REQUIRE(ids(source) == std::vector<std::string>{"case.1.2"});
  const auto slide = slide::open_slide(source.slides[0].path);
  CHECK(slide->id() == "case.1.2");
  CHECK(slide->format() == "dicom");
  CHECK(slide->size().width == slide::open_slide(*file)->size().width);
}
