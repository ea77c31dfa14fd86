"""`hipt encode --patch_size 256`, read by h5py and torch."""

import numpy as np
import torch

import conftest
import published_model as model
import study

TOLERANCE = 5e-6  # float32 against float64, features of size 1..3


def test_made_slide_against_torch(hipt, tiny_models, tmp_path):
    """Every row is what torch makes of the pixels at that row's coordinates."""
    picture = study.tissue_picture()
    study.write_png(tmp_path / "made.png", picture)
    hipt("encode", tmp_path / "made.png", "--save_dir", tmp_path / "out", "--preset", "bwh_biopsy", "--patch_level", 0,
         "--patch_size", 256, *tiny_models)

    coords, level, size = study.clam_coordinates(tmp_path / "out", "made")
    assert (level, size) == (0, 256)
    assert len(coords) > 12
    assert (coords + 256 > [picture.shape[1], picture.shape[0]]).any(), "no patch hangs over the border"
    features, feature_coords = study.features(tmp_path / "out", study.PATCH_FEATURES, "made")
    assert features.shape == (len(coords), conftest.VIT256.dim)
    assert np.array_equal(coords, feature_coords)

    patches = np.stack([study.patch_pixels(picture, corner, size) for corner in coords])
    expected = model.Model(conftest.VIT256, conftest.SALT256)(torch.from_numpy(patches).permute(0, 3, 1, 2).double())
    worst = (features - expected).abs().max().item()
    print(f"worst difference to torch {worst:.3g} (tolerance {TOLERANCE:.3g})")
    assert worst <= TOLERANCE
    assert (expected[1:] - expected[:-1]).abs().max(dim=1).values.min() > 100 * TOLERANCE, "rows are too alike to tell"


def test_real_slide(hipt, tiny_models, demo_slide, tmp_path):
    """CMU-1-Small-Region: 2220 x 2967 px at 20x."""
    hipt("encode", demo_slide, "--save_dir", tmp_path, "--preset", "bwh_biopsy", "--patch_size", 256, *tiny_models)
    slide = demo_slide.stem
    coords, level, size = study.clam_coordinates(tmp_path, slide)
    assert (level, size) == (0, 256)
    features, feature_coords = study.features(tmp_path, study.PATCH_FEATURES, slide)
    assert features.shape == (len(coords), conftest.VIT256.dim)
    assert np.array_equal(coords, feature_coords)
    assert len(np.unique(coords, axis=0)) == len(coords)

    for file in (tmp_path / "patches" / f"{slide}.h5", tmp_path / study.PATCH_FEATURES / f"{slide}.h5"):
        attributes = study.attributes(file, "coords")
        trident = {name: int(attributes[name]) for name in ("patch_size", "patch_size_level0", "level0_magnification",
                                                            "target_magnification", "overlap", "level0_width", "level0_height")}
        assert trident == {"patch_size": 256, "patch_size_level0": 256, "level0_magnification": 20, "target_magnification": 20,
                           "overlap": 0, "level0_width": 2220, "level0_height": 2967}
        assert attributes["name"] == slide
        assert attributes["downsample"].tolist() == [1.0, 1.0]
        assert attributes["level_dim"].tolist() == [2220, 2967]

    of_pt, of_h5 = study.fingerprints(tmp_path, study.PATCH_FEATURES, slide)
    assert of_pt == of_h5
    assert of_pt["patch_size"] == "256"
    assert str(tmp_path) not in str(of_pt), "a path of this machine in an output"


def test_defaults_that_drop_all_tissue(hipt, tiny_models, demo_slide, tmp_path):
    """The default area filter drops a slide as small as this: no patches, files that still open, the remedy named."""
    done = hipt("encode", demo_slide, "--save_dir", tmp_path, "--patch_size", 256, *tiny_models)
    assert "bwh_biopsy" in done.stdout + done.stderr
    features, coords = study.features(tmp_path, study.PATCH_FEATURES, demo_slide.stem)
    assert features.shape == (0, conftest.VIT256.dim)
    assert coords.shape == (0, 2)
