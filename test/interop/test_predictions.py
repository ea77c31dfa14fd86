"""`hipt subtype --predict` with CLAM's published checkpoint, its numbers computed again by NumPy."""

import csv
import json

import numpy as np
import pytest

import conftest

torch = pytest.importorskip("torch")
h5py = pytest.importorskip("h5py")


@pytest.fixture(scope="module")
def checkpoint():
    file = conftest.shared_data() / "checkpoints/clam-demo-s_0_checkpoint.pt"
    if not file.is_file():
        pytest.skip(f"{file} is absent: it is not part of the project")
    if not (conftest.program_file().parent / "hipt-train").is_file():
        pytest.skip("the training half is not built")
    return file


def clam(checkpoint, features):
    """Attention [N] and probabilities of clam_sb by its definition (Lu et al. 2021), in float64."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    state = {name.replace("module.", ""): tensor.double().numpy() for name, tensor in state.items()}
    layer = lambda name, x: x @ state[f"{name}.weight"].T + state[f"{name}.bias"]
    hidden = np.maximum(layer("attention_net.0", features.astype(np.float64)), 0)
    gate = 1 / (1 + np.exp(-layer("attention_net.3.attention_b.0", hidden)))
    scores = layer("attention_net.3.attention_c", np.tanh(layer("attention_net.3.attention_a.0", hidden)) * gate)[:, 0]
    attention = np.exp(scores - scores.max())
    attention /= attention.sum()
    logits = layer("classifiers", attention @ hidden)
    probabilities = np.exp(logits - logits.max())
    return attention, probabilities / probabilities.sum()


def test_predictions_are_those_of_the_published_model(hipt, checkpoint, tmp_path):
    features = np.random.default_rng(1).standard_normal((9, 1024)).astype(np.float32)
    coords = np.array([[512 * (i % 3), 512 * (i // 3)] for i in range(9)])
    (tmp_path / "bags").mkdir()
    with h5py.File(tmp_path / "bags/slide.h5", "w") as file:
        file["features"] = features
        file["coords"] = coords
        file["coords"].attrs["patch_size_level0"] = 512
    hipt("subtype", "--predict", checkpoint, "--source", tmp_path / "bags", "--save_dir", tmp_path / "out",
         "--class_names", "normal,tumor")
    attention, probabilities = clam(checkpoint, features)

    with open(tmp_path / "out/predictions.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["slide_id"] == "slide"
    assert row["prediction"] == ("normal", "tumor")[int(probabilities.argmax())]
    assert np.allclose([float(row["probability_normal"]), float(row["probability_tumor"])], probabilities, atol=1e-5)

    with h5py.File(tmp_path / "out/attention/slide.h5") as file:
        assert np.allclose(file["attention"][:, 0], attention, atol=1e-5)
        assert np.array_equal(file["coords"][()], coords)
        assert np.allclose(file["probabilities"][()], probabilities, atol=1e-5)

    collection = json.loads((tmp_path / "out/attention/slide.geojson").read_text())
    assert collection["type"] == "FeatureCollection" and len(collection["features"]) == 9
    for feature, (x, y), expected in zip(collection["features"], coords, attention):
        (ring,) = feature["geometry"]["coordinates"]
        assert ring == [[x, y], [x + 512, y], [x + 512, y + 512], [x, y + 512], [x, y]]
        assert abs(feature["properties"]["measurements"]["attention"] - expected) < 1e-5


def test_a_slide_of_another_width_does_not_stop_the_others(hipt, checkpoint, tmp_path):
    (tmp_path / "bags").mkdir()
    torch.save(torch.zeros(3, 1024), tmp_path / "bags/good.pt")
    torch.save(torch.zeros(3, 384), tmp_path / "bags/narrow.pt")
    done = hipt("subtype", "--predict", checkpoint, "--source", tmp_path / "bags", "--save_dir", tmp_path / "out", status=3)
    assert "narrow" in done.stderr
    assert (tmp_path / "out/predictions.csv").read_text().splitlines()[1].startswith("good,")
