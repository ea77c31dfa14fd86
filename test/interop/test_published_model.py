"""The twin that the other tests compare with is itself held to numbers of the published code (docs/parity.md)."""

import json
import pathlib

import numpy as np
import pytest
import torch

import published_model as model

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
SALT = "gold1"
VIT_SMALL = model.Config(name="vit_small", source="pixels", input_dim=3, dim=384, depth=12, heads=6, mlp_dim=1536)
VIT4K_XS = model.Config(name="vit4k_xs", source="features", input_dim=384, dim=192, depth=6, heads=6, mlp_dim=768)


def formula_image(name, height, width):
    words = model.formula_words(SALT, name, height * width * 3)
    return torch.from_numpy((words >> np.uint64(56)).astype(np.float64).reshape(1, height, width, 3)).permute(0, 3, 1, 2)


def check(case, actual):
    tolerance = next(entry["tol_abs"] for entry in json.loads((GOLDEN / "index.json").read_text())["cases"] if entry["id"] == case)
    expected = np.load(GOLDEN / f"{case}.npy")
    worst = np.abs(actual.numpy() - expected).max()
    print(f"{case}: worst error {worst:.3g} (tolerance {tolerance:.3g})")
    assert worst <= tolerance


@pytest.mark.parametrize("height, width", [(224, 224), (256, 384)])
def test_vit256(height, width):
    check(f"vit256/cls_formula_{height}x{width}",
          model.Model(VIT_SMALL, SALT)(formula_image(f"img{height}x{width}", height, width))[0])


@pytest.mark.parametrize("name, shape", [("grid1x16x16", (1, 384, 16, 16)), ("grid1x9x13", (1, 384, 9, 13)), ("grid1x1x1", (1, 384, 1, 1))])
def test_vit4k(name, shape):
    check(f"vit4k/cls_{name}", model.Model(VIT4K_XS, SALT)(model.formula_uniform(SALT, name, shape, 0.0, 1.0)))
