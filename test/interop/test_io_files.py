"""Files written by hipt/io, opened with torch, h5py, numpy, safetensors and the standard library.

The program hipt_test_io writes them (test/io/test_interop_files.cpp); the environment variable HIPT_TEST_IO names it.
"""

import csv
import json
import os
import pathlib
import pickle
import subprocess
import zipfile

import numpy as np
import pytest

torch = pytest.importorskip("torch")
h5py = pytest.importorskip("h5py")

DTYPES = ["float32", "float64", "float16", "bfloat16", "bool", "uint8", "int8", "int16", "int32", "int64"]
SHAPES = {"scalar": (), "empty": (0, 384), "four": (2, 70000, 1, 1)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    program = os.environ.get("HIPT_TEST_IO")
    if not program:
        pytest.skip("HIPT_TEST_IO does not name the program hipt_test_io")
    made = tmp_path_factory.mktemp("io")
    environment = dict(os.environ, HIPT_INTEROP_DIR=str(made))
    subprocess.run([program, "--no-skip", "-tc=files for the interop test in Python"], env=environment, check=True)
    return made


def names():
    return DTYPES + list(SHAPES)


def expected(name):
    dtype = torch.float32 if name in SHAPES else getattr(torch, name)
    shape = SHAPES.get(name, (3, 5))
    count = int(np.prod(shape))
    return (torch.arange(count) % 2).to(dtype).reshape(shape)


def assert_same(actual, name):
    assert actual.dtype == expected(name).dtype
    assert tuple(actual.shape) == tuple(expected(name).shape)
    assert torch.equal(actual, expected(name))


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("mmap", [False, True])
def test_torch_loads_a_tensor_with_weights_only(folder, name, mmap):
    assert_same(torch.load(folder / f"{name}.pt", weights_only=True, mmap=mmap), name)


def test_torch_loads_a_dict_with_weights_only(folder):
    tensors = torch.load(folder / "dict.pt", weights_only=True)
    assert list(tensors) == names()
    for name in names():
        assert_same(tensors[name], name)


def test_torch_loads_the_64_bit_form_of_zip(folder):
    assert_same(torch.load(folder / "zip64.pt", weights_only=True), "four")


def test_torch_writes_the_same_pickle(folder, tmp_path):
    for name in names():
        torch.save(expected(name), tmp_path / "x.pt")
        with zipfile.ZipFile(tmp_path / "x.pt") as by_torch, zipfile.ZipFile(folder / f"{name}.pt") as ours:
            assert ours.read("archive/data.pkl") == by_torch.read("x/data.pkl"), name


def test_zip_is_sound_and_carries_provenance(folder):
    for name in [*names(), "zip64", "dict"]:
        with zipfile.ZipFile(folder / f"{name}.pt") as archive:
            assert archive.testzip() is None
    with zipfile.ZipFile(folder / "float32.pt") as archive:
        assert json.loads(archive.read("archive/hipt.json")) == {"precision": "f32"}


@pytest.mark.parametrize("name", [name for name in names() if name != "bfloat16"])
def test_h5py_reads_datasets(folder, name):
    with h5py.File(folder / "all.h5") as file:
        dataset = file[name]
        assert dataset.dtype == expected(name).numpy().dtype
        assert dataset.shape == tuple(expected(name).shape)
        assert np.array_equal(dataset[()], expected(name).numpy())


def test_h5py_sees_the_structure_of_clams_files(folder):
    golden = pathlib.Path(__file__).parents[1] / "golden/clam/layout/patches.h5"
    with h5py.File(folder / "all.h5") as ours, h5py.File(golden) as clam:
        a, b = ours["coords"], clam["coords"]
        for field in ("dtype", "shape", "maxshape", "chunks", "compression", "fillvalue"):
            assert getattr(a, field) == getattr(b, field), field
        assert list(a.attrs) == list(b.attrs)
        for key in a.attrs:
            x, y = a.attrs.get_id(key), b.attrs.get_id(key)
            assert x.get_type() == y.get_type(), key
            assert x.shape == y.shape and x.dtype == y.dtype, key
            assert np.array_equal(a.attrs[key], b.attrs[key]), key
        assert ours.userblock_size == clam.userblock_size


@pytest.mark.parametrize("name", [name for name in names() if name != "bfloat16"])
def test_numpy_reads_npy(folder, name):
    array = np.load(folder / f"{name}.npy", allow_pickle=False)
    assert array.dtype == expected(name).numpy().dtype
    assert np.array_equal(array, expected(name).numpy())


def test_python_unpickles_numpy_arrays_and_values(folder):
    values = pickle.loads((folder / "values.pkl").read_bytes())
    for name in [name for name in DTYPES if name != "bfloat16"]:
        assert values[name].dtype == expected(name).numpy().dtype
        assert np.array_equal(values[name], expected(name).numpy())
    assert values["text"].shape == () and str(values["text"]) == "TCGA-1"
    assert values["wide text"].shape == () and str(values["wide text"]) == "Präparat-1 切片 \U0001f52c"
    assert values["numbers"] == {"small": -7, "large": 2**40, "half": 0.5}


def test_safetensors_reads_ours(folder):
    safetensors = pytest.importorskip("safetensors")
    with safetensors.safe_open(folder / "all.safetensors", "pt") as file:
        assert file.metadata() == {"made_by": "hipt"}
        assert sorted(file.keys()) == sorted(names())
        for name in names():
            assert_same(file.get_tensor(name), name)


def test_python_reads_csv_and_geojson(folder):
    with open(folder / "table.csv", newline="") as file:
        assert list(csv.reader(file)) == [["slide", "note"], ["a.svs", 'says "x, y"'], ["b", "two\nlines"]]
    collection = json.loads((folder / "tissue.geojson").read_text())
    rings = collection["features"][0]["geometry"]["coordinates"]
    assert rings[0][0] == rings[0][-1] and len(rings) == 2


def test_tensorboard_reads_scalars_of_a_run_that_went_on(folder):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder / "events")).Reload()
    assert events.Tags()["scalars"] == ["train/loss", "val/auc"]
    loss = events.Scalars("train/loss")
    assert [event.step for event in loss] == [0, 1, 2, 3, 4]
    assert [event.value for event in loss] == [np.float32(x) for x in (1, 1 / 2, 1 / 5, 1 / 6, 1 / 7)]
    assert [event.value for event in events.Scalars("val/auc")] == [0.5, 0.625, 0.75, 0.875, 1.0]
    assert [event.wall_time for event in loss] == sorted(event.wall_time for event in loss)
