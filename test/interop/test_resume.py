"""kill -9 in the middle of a folder of slides, then the same command: the bytes of an undisturbed run."""

import pathlib
import shutil
import signal
import subprocess

import pytest

import conftest
import study
from storm import outputs, wait_for

SLIDES = ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    for number, name in enumerate(SLIDES):
        study.write_png(folder / f"{name}.png", study.tissue_picture(width=1060 + 40 * number, height=900))
    return folder


def command(slides, folder, tiny_models):
    return [conftest.program_file(), "encode", slides, "--save_dir", folder, "--preset", "bwh_biopsy", "--patch_level", "0",
            "--patch_size", "512", "--step_size", "64", "--overview", "--lock_max_age", "10", *map(str, tiny_models)]


@pytest.fixture(scope="module")
def undisturbed(slides, tiny_models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    subprocess.run(command(slides, folder, tiny_models), check=True, capture_output=True)
    assert len(list((folder / study.PATCH_FEATURES).glob("*.pt"))) == len(SLIDES)
    return outputs(folder)


@pytest.mark.parametrize("finished", [0, 1, 3])
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_killed_and_started_again(slides, undisturbed, tiny_models, tmp_path, finished, signal_number):
    """Stopped while the slide after `finished` finished ones is being encoded."""
    features = tmp_path / study.PATCH_FEATURES
    process = subprocess.Popen(command(slides, tmp_path, tiny_models), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    done = lambda: len(list(features.glob("?.pt")))  # noqa: E731
    half_written = lambda: any(".tmp-" in file.name for file in features.glob("*"))  # noqa: E731
    wait_for(lambda: done() >= finished and half_written(), process)
    process.send_signal(signal_number)
    process.communicate()
    assert process.returncode != 0, "it ended before it could be stopped"
    assert done() < len(SLIDES)
    if signal_number == signal.SIGINT:
        assert not half_written(), "something half-written stays behind after Ctrl-C"

    again = subprocess.run(command(slides, tmp_path, tiny_models), capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert outputs(tmp_path) == undisturbed


def test_nothing_depends_on_threads(slides, undisturbed, tiny_models, tmp_path):
    subprocess.run([*command(slides, tmp_path, tiny_models), "--threads", "1"], check=True, capture_output=True)
    assert outputs(tmp_path) == undisturbed


def test_one_bad_slide_does_not_stop_the_others(slides, tiny_models, tmp_path):
    folder = tmp_path / "slides"
    shutil.copytree(slides, folder)
    pathlib.Path(folder, "b.png").write_text("not a slide", encoding="utf-8")
    done = subprocess.run(command(folder, tmp_path / "out", tiny_models), capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "b.png" in done.stderr.splitlines()[-2]
    rows = (tmp_path / "out/process_list_autogen.csv").read_text(encoding="utf-8").splitlines()
    status = {row.split(",")[0]: row.split(",")[2] for row in rows[1:]}
    assert status == {"a.png": "processed", "b.png": "failed", "c.png": "processed", "d.png": "processed"}
