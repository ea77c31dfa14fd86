"""Our files opened as CLAM and TRIDENT open theirs, and theirs by us."""

import pathlib
import shutil

import h5py
import numpy as np
import pytest

import conftest
import study

PRESET = ["--preset", "bwh_biopsy", "--patch_level", "0", "--patch_size", "256"]


class ClamBag:
    """What CLAM's dataset of a slide takes from a coordinate file: rows in order, each read at one level and size."""

    def __init__(self, file):
        with h5py.File(file, "r") as opened:
            coords = opened["coords"]
            self.patch_level = coords.attrs["patch_level"]
            self.patch_size = coords.attrs["patch_size"]
            self.length = len(coords)
            self.summary = dict(coords.attrs.items())
            self.regions = [(tuple(coord), self.patch_level, (self.patch_size, self.patch_size)) for coord in coords]


class TridentCoordinates:
    """What TRIDENT's patcher takes: the three numbers that it refuses to go on without, and the rows."""

    def __init__(self, file):
        with h5py.File(file, "r") as opened:
            attributes = dict(opened["coords"].attrs)
            self.coords = opened["coords"][:]
        self.patch_size, self.level0, self.target = (
            attributes[name] for name in ("patch_size", "level0_magnification", "target_magnification"))
        self.patch_size_level0 = attributes["patch_size_level0"]
        self.overlap = attributes["overlap"]


def write_trident(file, coords):
    """A patches file as TRIDENT writes it: int64 scalars, chunks of one row."""
    file.parent.mkdir(parents=True)
    with h5py.File(file, "w") as opened:
        data = opened.create_dataset("coords", data=coords.astype(np.int64), maxshape=(None, 2), chunks=(1, 2))
        numbers = {"patch_size": 256, "patch_size_level0": 256, "level0_magnification": 20, "target_magnification": 20,
                   "overlap": 0, "level0_width": 2220, "level0_height": 2967}
        for name, value in numbers.items():
            data.attrs[name] = np.int64(value)
        data.attrs["name"] = "CMU-1-Small-Region"
        data.attrs["savetodir"] = "patches"


def test_clam_and_trident_read_our_coordinates(hipt, demo_slide, tmp_path):
    hipt("tile", demo_slide, "--save_dir", tmp_path, *PRESET)
    file = tmp_path / "patches" / f"{demo_slide.stem}.h5"
    bag = ClamBag(file)
    assert bag.length == 50
    assert bag.patch_level == 0 and bag.patch_size == 256
    assert bag.regions[0][2] == (256, 256)
    assert {"downsample", "downsampled_level_dim", "level_dim", "name", "save_path"} <= bag.summary.keys()
    assert bag.summary["name"] == demo_slide.stem
    trident = TridentCoordinates(file)
    assert trident.patch_size * trident.level0 // trident.target == trident.patch_size_level0 == 256
    assert trident.overlap == 0
    assert [tuple(row) for row in trident.coords] == [region[0] for region in bag.regions]


def test_coordinates_are_those_of_the_published_file(hipt, demo_slide, tmp_path):
    """clam/layout/patches.h5 was written by create_patches_fp.py with the same options."""
    published = conftest.ROOT / "test/golden/clam/layout/patches.h5"
    hipt("tile", demo_slide, "--save_dir", tmp_path, *PRESET)
    ours = ClamBag(tmp_path / "patches" / f"{demo_slide.stem}.h5")
    theirs = ClamBag(published)
    assert ours.regions == theirs.regions
    assert theirs.summary.keys() <= ours.summary.keys()


def test_clam_reads_our_features(hipt, tiny_models, demo_slide, tmp_path):
    hipt("encode", demo_slide, "--save_dir", tmp_path, *PRESET, *tiny_models[:4])
    with h5py.File(tmp_path / study.PATCH_FEATURES / f"{demo_slide.stem}.h5", "r") as file:
        features, coords = file["features"][:], file["coords"][:]
    assert features.shape == (50, conftest.VIT256.dim) and features.dtype == np.float32
    assert coords.shape == (50, 2)


@pytest.mark.parametrize("program", ["clam", "trident"])
def test_coordinates_of_other_programs_are_encoded(hipt, tiny_models, demo_slide, tmp_path, program):
    published = conftest.ROOT / "test/golden/clam/layout/patches.h5"
    coords = ClamBag(published).regions
    if program == "clam":
        pathlib.Path(tmp_path, "theirs/patches").mkdir(parents=True)
        shutil.copy(published, tmp_path / "theirs/patches" / f"{demo_slide.stem}.h5")
    else:
        write_trident(tmp_path / "theirs/patches" / f"{demo_slide.stem}_patches.h5",
                      np.array([region[0] for region in coords]))
    hipt("encode", demo_slide, "--save_dir", tmp_path / "given", "--coords_dir", tmp_path / "theirs", *tiny_models[:4])
    hipt("encode", demo_slide, "--save_dir", tmp_path / "own", *PRESET, *tiny_models[:4])
    given, rows = study.features(tmp_path / "given", study.PATCH_FEATURES, demo_slide.stem)
    own, _ = study.features(tmp_path / "own", study.PATCH_FEATURES, demo_slide.stem)
    assert [tuple(row) for row in rows] == [region[0] for region in coords]
    assert np.array_equal(given.numpy(), own.numpy())
