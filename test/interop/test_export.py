"""`hipt tile --tar` and `--dump_patches`, read by tarfile and Pillow and grouped as WebDataset groups members."""

import io
import itertools
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

import study

SLIDE = "TCGA-1.F6E9.v2"


@pytest.fixture(scope="module")
def picture():
    return study.tissue_picture()


@pytest.fixture(scope="module")
def slide(picture, tmp_path_factory):
    file = tmp_path_factory.mktemp("slide") / f"{SLIDE}.png"
    study.write_png(file, picture)
    return file


def tile(hipt, slide, folder, *flags):
    hipt("tile", slide, "--save_dir", folder, "--preset", "bwh_biopsy", "--patch_level", 0, "--patch_size", 256, *flags)
    return study.clam_coordinates(folder, SLIDE)[0]


def samples(file):
    """WebDataset's rule: names in __ are skipped; a key ends at the first dot of the base name; members of one key that
    follow each other are a sample."""
    with tarfile.open(file) as tar:
        members = [(member.name, tar.extractfile(member).read()) for member in tar if member.isreg()]
    data = [(name.split(".", 1), content) for name, content in members if not (name.startswith("__") and name.endswith("__"))]
    return [{"__key__": key, **{extension: content for (_, extension), content in group}}
            for key, group in itertools.groupby(data, key=lambda item: item[0][0])]


def test_archive_is_webdataset(hipt, slide, picture, tmp_path):
    coords = tile(hipt, slide, tmp_path, "--tar")
    file = tmp_path / "tar_patch_256" / f"{SLIDE}.tar"
    found = samples(file)
    assert len(found) == len(coords) > 12
    assert len({sample["__key__"] for sample in found}) == len(coords)
    for sample, (x, y) in zip(found, coords):
        assert set(sample) == {"__key__", "png", "json"}
        assert sample["__key__"] == f"TCGA-1_F6E9_v2_{x}_{y}"
        assert json.loads(sample["json"]) == {"slide": SLIDE, "x": x, "y": y, "level": 0, "read_size": 256, "patch_size": 256}
        pixels = np.asarray(Image.open(io.BytesIO(sample["png"])))
        assert np.array_equal(pixels, study.patch_pixels(picture, (x, y), 256))
    with tarfile.open(file) as tar:
        assert {(member.mtime, member.uid, member.gid, member.mode) for member in tar} == {(0, 0, 0, 0o644)}
        record = json.loads(tar.extractfile("__hipt__").read())
    assert record["hipt_fingerprint"]["patch_size"] == "256"
    assert str(tmp_path) not in json.dumps(record)


def test_folder_of_jpegs_is_what_pillow_writes(hipt, slide, picture, tmp_path):
    coords = tile(hipt, slide, tmp_path, "--dump_patches", "--dump_patches_format", "jpg", "--dump_patches_jpeg_quality", 75)
    folder = tmp_path / "patch_images" / SLIDE
    assert {file.name for file in folder.iterdir()} == {"hipt.json"} | {f"{SLIDE}_{x}_{y}.jpg" for x, y in coords}
    for x, y in coords:
        expected = io.BytesIO()
        Image.fromarray(study.patch_pixels(picture, (x, y), 256)).save(expected, "JPEG", quality=75)
        assert (folder / f"{SLIDE}_{x}_{y}.jpg").read_bytes() == expected.getvalue()


def test_reduced_patches_are_pillows(hipt, slide, picture, tmp_path):
    """20x of a slide with 0.25 um a pixel: 512 px reduced to 256 by the bicubic filter."""
    source = tmp_path / "slides.csv"
    source.write_text(f"slide,mpp\n{slide},0.25\n", encoding="utf-8")
    hipt("tile", source, "--save_dir", tmp_path, "--preset", "bwh_biopsy", "--patch_size", 256, "--tar")
    found = samples(tmp_path / "tar_patch_256" / f"{SLIDE}.tar")
    assert len(found) > 3
    for sample in found:
        facts = json.loads(sample["json"])
        assert (facts["read_size"], facts["patch_size"], facts["mpp"], facts["magnification"]) == (512, 256, 0.5, 20)
        read = Image.fromarray(study.patch_pixels(picture, (facts["x"], facts["y"]), 512))
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(sample["png"]))),
                              np.asarray(read.resize((256, 256), Image.Resampling.BICUBIC)))


def test_names_that_are_not_ascii(hipt, picture, tmp_path):
    name = "Gewölbe 試料 " + "n" * 120
    study.write_png(tmp_path / f"{name}.png", picture)
    hipt("tile", tmp_path / f"{name}.png", "--save_dir", tmp_path / "out", "--preset", "bwh_biopsy", "--patch_level", 0, "--tar")
    found = samples(tmp_path / "out/tar_patch_256" / f"{name}.tar")
    assert all(sample["__key__"].startswith(f"{name}_") for sample in found)
    assert all(json.loads(sample["json"])["slide"] == name for sample in found)
