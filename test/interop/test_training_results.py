"""What `hipt subtype` leaves, opened with the programs that its users have: TensorBoard, pickle, torch; and its own --predict."""

import csv
import json
import pickle
import shutil
import subprocess

import numpy as np
import pytest

import conftest

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """(folder of features, results folder) of two epochs in three folds over twenty slides whose classes differ."""
    if not (conftest.program_file().parent / "hipt-train").is_file():
        pytest.skip("the training half is not built")
    root = tmp_path_factory.mktemp("subtype")
    (root / "bags").mkdir()
    generator = np.random.default_rng(7)
    rows = ["case_id,slide_id,oncotree_code"]
    for i in range(20):
        rows.append(f"case{i},slide{i},{('IDC', 'ILC')[i % 2]}")
        features = generator.standard_normal((5, 32)).astype(np.float32) + i % 2
        torch.save(torch.from_numpy(features), root / f"bags/slide{i}.pt")
    (root / "table.csv").write_text("\n".join(rows) + "\n")
    subprocess.run(
        [conftest.program_file(), "subtype", "--task", "tcga_brca_subtype", "--csv_path", root / "table.csv", "--bags",
         root / "bags", "--split_dir", root / "splits", "--results_dir", root / "results", "--model_type", "amil", "--k", "3",
         "--max_epochs", "2"],
        check=True, capture_output=True, cwd=root)
    (summary,) = (root / "results").glob("*/*/summary.csv")
    return root / "bags", summary.parent


def test_tensorboard_reads_every_epoch(results):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for fold in range(3):
        record = json.loads((results[1] / f"fold_{fold}.json").read_text())
        events = accumulator.EventAccumulator(str(results[1] / str(fold))).Reload()
        for name in ("train/loss", "train/error", "val/loss", "val/error"):
            scalars = events.Scalars(name)
            assert [scalar.step for scalar in scalars] == [0, 1]
            assert [scalar.value for scalar in scalars] == [np.float32(epoch[name]) for epoch in record["epochs"]]
        (test_error,) = events.Scalars("final/test_error")
        assert test_error.value == np.float32(record["final"]["final/test_error"])


def test_predictions_of_a_checkpoint_are_those_of_its_training(results, hipt, tmp_path):
    bags, folder = results
    hipt("subtype", "--predict", folder / "s_1_checkpoint.pt", "--source", bags, "--save_dir", tmp_path)
    with open(tmp_path / "predictions.csv", newline="") as file:
        predicted = {row["slide_id"]: row for row in csv.DictReader(file)}
    assert len(predicted) == 20
    with open(folder / "split_1_results.pkl", "rb") as file:
        tested = pickle.load(file)
    assert tested
    for slide, result in tested.items():
        ours = np.array([predicted[slide]["probability_0"], predicted[slide]["probability_1"]], np.float32)
        assert np.array_equal(ours, result["prob"][0])
        assert int(predicted[slide]["prediction"]) == result["prob"][0].argmax()


def test_plots_are_there(results):
    if not shutil.which("gnuplot"):
        pytest.skip("gnuplot is not installed")
    image = pytest.importorskip("PIL.Image")
    for name in ("roc", "confusion_matrix", "loss"):
        with image.open(results[1] / f"plots/{name}.png") as picture:
            assert picture.size[0] >= 1000 and len(picture.getcolors(1 << 22)) > 10
