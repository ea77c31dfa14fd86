"""`hipt encode` with regions of several patches: patch, region and slide features read by h5py and torch."""

import numpy as np
import torch

import conftest
import published_model as model
import study

TOLERANCE = 5e-6


def in_patches(region):
    """[side, side, 3] -> [n * n, 3, 256, 256], row by row."""
    n = region.shape[0] // 256
    return torch.from_numpy(region.reshape(n, 256, n, 256, 3).transpose(0, 2, 4, 1, 3).reshape(n * n, 3, 256, 256)).double()


def test_made_slide_against_torch(hipt, tiny_models, tmp_path):
    picture = study.tissue_picture()
    study.write_png(tmp_path / "made.png", picture)
    hipt("encode", tmp_path / "made.png", "--save_dir", tmp_path / "out", "--preset", "bwh_biopsy", "--patch_level", 0,
         "--patch_size", 512, *tiny_models)

    coords, _, size = study.clam_coordinates(tmp_path / "out", "made")
    assert size == 512 and len(coords) >= 4
    patches, patch_coords = study.features(tmp_path / "out", study.PATCH_FEATURES, "made")
    regions, region_coords = study.features(tmp_path / "out", study.REGION_FEATURES, "made")
    slide, _ = study.features(tmp_path / "out", study.SLIDE_FEATURES, "made")
    assert np.array_equal(coords, patch_coords) and np.array_equal(coords, region_coords)
    assert patches.shape == (len(coords), 4, conftest.VIT256.dim)
    assert regions.shape == (len(coords), conftest.VIT4K.dim)
    assert slide.shape == (conftest.VIT4K.dim,)

    vit256 = model.Model(conftest.VIT256, conftest.SALT256)
    vit4k = model.Model(conftest.VIT4K, conftest.SALT4K)
    expected = torch.stack([vit256(in_patches(study.patch_pixels(picture, corner, 512))) for corner in coords])
    grids = expected.reshape(len(coords), 2, 2, -1).permute(0, 3, 1, 2)
    expected_regions = vit4k(grids)
    for name, ours, theirs in (("patches", patches, expected), ("regions", regions, expected_regions),
                               ("slide", slide, expected_regions.mean(dim=0))):
        worst = (ours - theirs).abs().max().item()
        print(f"{name}: worst difference to torch {worst:.3g} (tolerance {TOLERANCE:.3g})")
        assert worst <= TOLERANCE, name


def test_mosaic(hipt, tiny_models, mosaic_slide, tmp_path):
    """4096-px regions of a slide with several of them; level 0 is 20x."""
    hipt("encode", mosaic_slide, "--save_dir", tmp_path, "--preset", "tcga", "--patch_size", 4096, *tiny_models)
    slide = mosaic_slide.stem
    coords, level, size = study.clam_coordinates(tmp_path, slide)
    assert (len(coords), level, size) == (6, 0, 4096)  # as CLAM finds them with its preset tcga
    patches, patch_coords = study.features(tmp_path, study.PATCH_FEATURES, slide)
    regions, region_coords = study.features(tmp_path, study.REGION_FEATURES, slide)
    vector, _ = study.features(tmp_path, study.SLIDE_FEATURES, slide)
    assert np.array_equal(coords, patch_coords) and np.array_equal(coords, region_coords)
    assert patches.shape == (6, 256, conftest.VIT256.dim)
    assert regions.shape == (6, conftest.VIT4K.dim)
    assert (vector.double() - regions.double().mean(dim=0)).abs().max() <= 1e-6

    grids = patches.double().reshape(6, 16, 16, -1).permute(0, 3, 1, 2)
    worst = (regions - model.Model(conftest.VIT4K, conftest.SALT4K)(grids)).abs().max().item()
    print(f"regions: worst difference to torch {worst:.3g} (tolerance {TOLERANCE:.3g})")
    assert worst <= TOLERANCE
    of_pt, of_h5 = study.fingerprints(tmp_path, study.REGION_FEATURES, slide)
    assert of_pt == of_h5 and of_pt["patch_size"] == "4096"


def test_mosaic_at_256(hipt, tiny_models, mosaic_slide, tmp_path):
    hipt("encode", mosaic_slide, "--save_dir", tmp_path, "--patch_size", 256, *tiny_models)
    coords, level, size = study.clam_coordinates(tmp_path, mosaic_slide.stem)
    features, feature_coords = study.features(tmp_path, study.PATCH_FEATURES, mosaic_slide.stem)
    assert (level, size) == (0, 256) and len(coords) > 500
    assert np.array_equal(coords, feature_coords)
    assert features.shape == (len(coords), conftest.VIT256.dim)
