"""Slides that are odd or broken in one folder with good ones, through the program: each has its named outcome, the batch
goes on, and the exit status says that some failed."""

import csv
import json
import os
import pathlib
import shutil

import h5py
import pytest

import conftest

NEWER = "OpenSlide 4.0.1 and newer can"

# File, and what its outcome says: "" for patches, or the words of the reason. Of each reader.
PROCESSED = {
    "aperio/CMU-1-Small-Region.svs": "",  # one level
    "made/odd-levels.svs": "",  # downsamples 3.9998 and 4.0001
    "other/histolab-kidney-48-5.tif": "no tissue: the largest of 1 areas found is 0.0152 squares",  # strips, no tiles
    "other/pathml-smalltif.tif": "no tissue: nothing on level 0 is more saturated",  # 16 bits, grey
    "other/openslide-python-boxes.tiff": "no tissue: ",  # deflate; levels smaller than one of their tiles
    "other/pathml-small_HE_levels.tiff": "no tissue: ",
    "broken/tifftools-good_single.tif": "no tissue: ",
    "broken/tifftools-good_jpeg.tif": "no tissue: ",
}
FAILED = {
    "broken/histolab-broken.svs": "not a slide, PNG, JPEG or TIFF: it begins with the text",
    "broken/openslide-python-unopenable.tiff": "OpenSlide: Unsupported TIFF compression: 52479",
    "broken/openslide-python-unreadable.svs": "level 0, 16 x 16 pixels at (0, 0): tile (0, 0): JPEG: Bogus marker length",
    "broken/tifftools-bad_header1.tif": "its first bytes belong to no known format",
    "broken/tifftools-bad_jpeg.tif": "JPEGLib: Premature end of JPEG file",
    "broken/tifftools-bad_tag_offset.tif": "IO error during reading of \"ImageDescription\"",
    "dicom/highdicom-sm_image_jpegls.dcm": (f"a DICOM file; {NEWER}", "Unsupported transfer syntax 1.2.840.10008.1.2.4.80"),
}
BY_VERSION = {  # with OpenSlide 3, with OpenSlide 4
    "dicom/wsi2dcm-jpeg.dicom": (f"a DICOM file; {NEWER}", ""),
    "dicom/wsi2dcm-jpeg2000.dicom": (f"a DICOM file; {NEWER}", ""),
    "dicom/wsi2dcm-raw.dicom": (f"a DICOM file; {NEWER}", ""),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    data = conftest.shared_data() / "slides"
    if not data.is_dir():
        pytest.skip("the odd slides are absent: they are not part of the project")
    folder = tmp_path_factory.mktemp("slides")
    for name in (*PROCESSED, *FAILED, *BY_VERSION):
        (folder / pathlib.Path(name).name).symlink_to((data / name).resolve())
    (folder / "empty.svs").touch()
    (folder / "page.ndpi").write_text("<html>404 not found</html>")
    (folder / "made-up.czi").write_bytes(b"ZISRAWFILE" + bytes(500))
    (folder / "notes.txt").write_text("not a slide")
    return folder


def openslide_major(hipt, slide):
    reader = json.loads(hipt("info", slide, "--json").stdout)["reader"]
    return int(reader.split()[1].split(".")[0])


def outcomes(out):
    with open(out / "process_list_autogen.csv", encoding="utf-8") as file:
        return {row["slide_id"]: row for row in csv.DictReader(file)}


def test_each_slide_has_its_outcome(hipt, folder, tmp_path):
    major = openslide_major(hipt, folder / "CMU-1-Small-Region.svs")
    newer = major >= 4
    expected = {name: (True, words) for name, words in PROCESSED.items()}
    expected |= {name: (False, words if isinstance(words, str) else words[newer]) for name, words in FAILED.items()}
    expected |= {name: (newer, words[newer]) for name, words in BY_VERSION.items()}
    expected |= {"empty.svs": (False, "the file is empty"),
                 "page.ndpi": (False, "it begins with the text \"<html>404 not found</html>\""),
                 "made-up.czi": (False, "made-up.czi" if newer else f"a Zeiss CZI file; {NEWER}")}

    done = hipt("tile", folder, "--save_dir", tmp_path, "--preset", "bwh_biopsy", "--patch_level", "0", status=3)

    rows = outcomes(tmp_path)
    assert len(rows) == len(expected)
    for name, (processed, words) in expected.items():
        file = pathlib.Path(name).name
        row = rows[file]
        assert row["status"] == ("processed" if processed else "failed"), row
        assert words in row["reason"] and (words != "" or row["reason"] == ""), row
        coordinates = tmp_path / "patches" / f"{pathlib.Path(file).stem}.h5"
        if not processed:
            assert f"failed: {file}: " in done.stderr
            assert not coordinates.exists()
            continue
        with h5py.File(coordinates) as opened:
            assert opened["coords"].shape == (int(row["n_patches"]), 2)
            assert (len(opened["coords"]) > 0) == (words == "")
    failures = sum(not processed for processed, _ in expected.values())
    assert f"{len(expected)} slides: {len(expected) - failures} processed, 0 already there, {failures} failed" in done.stderr


def test_again_only_the_failed_are_tried(hipt, folder, tmp_path):
    few = tmp_path / "slides"
    few.mkdir()
    for name in ("CMU-1-Small-Region.svs", "histolab-broken.svs"):
        shutil.copy(folder / name, few / name)
    command = ["tile", few, "--save_dir", tmp_path / "out", "--preset", "bwh_biopsy", "--patch_level", "0"]
    hipt(*command, status=3)
    done = hipt(*command, status=3)
    assert "2 slides: 0 processed, 1 already there, 1 failed" in done.stderr
    os.remove(few / "histolab-broken.svs")
    hipt(*command)
