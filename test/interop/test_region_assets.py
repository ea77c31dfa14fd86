"""`hipt encode IMAGE --as_region`: the published asset dictionary, read by h5py and torch."""

import h5py
import numpy as np
import torch

import conftest
import published_model as model
import study
from test_region_features import TOLERANCE


def test_assets(hipt, tiny_models, tmp_path):
    """800 x 600 px: the centre 768 x 512 is two rows of three patches."""
    picture = study.tissue_picture(800, 600)
    study.write_png(tmp_path / "region.png", picture)
    hipt("encode", tmp_path / "region.png", "--as_region", "--save_dir", tmp_path, *tiny_models)
    assets = torch.load(tmp_path / "region_assets/region.pt", weights_only=True)
    with h5py.File(tmp_path / "region_assets/region.h5", "r") as file:
        assert sorted(file) == sorted(assets)
        for name, tensor in assets.items():
            assert np.array_equal(file[name][:], tensor.numpy()), name

    centre = picture[44:556, 16:784]
    patches = centre.reshape(2, 256, 3, 256, 3).transpose(0, 2, 4, 1, 3).reshape(6, 3, 256, 256)
    cls256 = model.Model(conftest.VIT256, conftest.SALT256)(torch.from_numpy(patches).double())
    cls4k = model.Model(conftest.VIT4K, conftest.SALT4K)(cls256.reshape(1, 2, 3, -1).permute(0, 3, 1, 2))
    mean256 = cls256.mean(dim=0, keepdim=True)
    expected = {"features_cls256": cls256, "features_mean256": mean256, "features_cls4k": cls4k,
                "features_mean256_cls4k": torch.cat([mean256, cls4k], dim=1)}
    assert assets.keys() == expected.keys()
    for name, tensor in expected.items():
        assert assets[name].shape == tensor.shape and assets[name].dtype == torch.float32
        worst = (assets[name] - tensor).abs().max().item()
        print(f"{name}: worst difference to torch {worst:.3g} (tolerance {TOLERANCE:.3g})")
        assert worst <= TOLERANCE, name
