"""Patches by --mag and --mpp against Pillow's bicubic of the same pixels read by --patch_level, and cells of regions."""

import h5py
import numpy as np
import pytest
from PIL import Image

from conftest import ROOT

SCALES = ROOT / "test/cases/scales"
# The tissue of these small slides.
TISSUE = ("--preset", "bwh_biopsy", "--seg_level", "0")


def pictures(folder, slide):
    """The dumped patches by their corner."""
    found = {}
    for file in sorted((folder / "patch_images" / slide).glob("*.png")):
        x, y = file.stem.split("_")[-2:]
        found[int(x), int(y)] = Image.open(file).convert("RGB")
    return found


def dump(hipt, slide, folder, *flags):
    hipt("tile", SCALES / f"{slide}.svs", "--save_dir", folder, "--dump_patches", *TISSUE, *flags)
    return pictures(folder, slide)


@pytest.mark.parametrize(
    "slide, rule, level, read_size",
    [
        ("forty-x", ("--mag", "20"), 0, 512),  # the published recipe: 512 px of 40x
        ("forty-x", ("--mag", "8"), 1, 320),
        ("mpp-0265", ("--mag", "20"), 0, 512),  # 0.265 counts as 40x
        ("mpp-0265", ("--mpp", "0.5"), 0, 483),  # 256 * 0.5 / 0.265
        ("mpp-0265", ("--mpp", "0.2"), 0, 193),  # enlarged
        ("mpp-0265", ("--mpp", "2.12"), 1, 512),
    ],
)
def test_resampled_patches_are_those_of_pillow(hipt, tmp_path, slide, rule, level, read_size):
    ours = dump(hipt, slide, tmp_path / "rule", *rule)
    plain = dump(hipt, slide, tmp_path / "plain", "--patch_level", level, "--patch_size", read_size)
    assert ours and ours.keys() == plain.keys()
    for corner, patch in plain.items():
        assert patch.size == (read_size, read_size)
        expected = patch.resize((256, 256), Image.Resampling.BICUBIC)
        assert np.array_equal(np.asarray(ours[corner]), np.asarray(expected)), corner
    with h5py.File(tmp_path / "rule" / "patches" / f"{slide}.h5") as file:
        attributes = dict(file["coords"].attrs)
    assert attributes["patch_level"] == level and attributes["patch_size"] == read_size
    assert attributes["target_patch_size"] == 256 and attributes["custom_downsample"] == 1


def test_a_level_within_the_tolerance_is_taken_as_it_is(hipt, tmp_path):
    near = dump(hipt, "mpp-0265", tmp_path / "near", "--mpp", "0.27")
    plain = dump(hipt, "mpp-0265", tmp_path / "plain", "--patch_level", "0")
    assert near.keys() == plain.keys()
    assert all(np.array_equal(np.asarray(near[corner]), np.asarray(plain[corner])) for corner in near)


def test_cells_of_aligned_regions_are_cut_from_the_region(hipt, tmp_path):
    flags = ("--patch_level", "0")
    patches = dump(hipt, "forty-x", tmp_path / "patches", *flags, "--patch_size", "128", "--align_regions",
                   "--region_size", "512")
    regions = dump(hipt, "forty-x", tmp_path / "regions", *flags, "--patch_size", "512")
    with h5py.File(tmp_path / "patches/patches/forty-x.h5") as file:
        cells = file["coords"][:]
    with h5py.File(tmp_path / "regions/patches/forty-x.h5") as file:
        corners = file["coords"][:]
    assert len(cells) == 16 * len(corners) and len(corners) > 1
    for r, (x, y) in enumerate(corners):
        region = np.asarray(regions[x, y])
        for i in range(4):
            for j in range(4):
                cell = tuple(cells[16 * r + 4 * i + j])
                assert cell == (x + 128 * j, y + 128 * i)
                cut = region[128 * i:128 * (i + 1), 128 * j:128 * (j + 1)]
                assert np.array_equal(np.asarray(patches[cell]), cut)
