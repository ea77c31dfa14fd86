"""Results of the published program, pickled by Python with NumPy, read by `hipt evaluate summary`."""

import os
import pickle
import subprocess

import numpy as np
import pytest


def summary(*arguments):
    program = os.environ.get("HIPT_PROGRAM")
    if not program:
        pytest.skip("HIPT_PROGRAM does not name the program hipt")
    return subprocess.run([program, "evaluate", "summary", *arguments], check=True, capture_output=True, text=True).stdout


def write_results(folder, protocol, labels, scores):
    folder.mkdir()
    (folder / "summary.csv").write_text(",folds,test_auc\n0,0,0.5\n")
    slides = {}
    for i, (label, score) in enumerate(zip(labels, scores)):
        name = f"TCGA-{i}"
        slides[name] = {"slide_id": np.array(name), "prob": np.array([[1 - score, score]], np.float32), "label": label}
    with open(folder / "split_0_results.pkl", "wb") as file:
        pickle.dump(slides, file, protocol=protocol)


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_paired_test_reads_pickles_of_numpy(tmp_path, protocol):
    labels = [1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0]
    write_results(tmp_path / "a", protocol, labels, [0.9, 0.4, 0.7, 0.35, 0.3, 0.5, 0.8, 0.2, 0.5, 0.45, 0.6, 0.7])
    write_results(tmp_path / "b", protocol, labels, [0.6, 0.5, 0.55, 0.4, 0.35, 0.6, 0.5, 0.3, 0.7, 0.5, 0.45, 0.4])
    table = summary(str(tmp_path / "a"), str(tmp_path / "b"), "--compare", "--format", "csv", "--digits", "6")
    # AUCs by scikit-learn, z and p by the definition in NumPy and SciPy.
    assert table.splitlines()[1] == "a,b,0.805556,0.722222,0.083333,0.496,0.62"
