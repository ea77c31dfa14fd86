"""Eight processes on one folder, killed and started again at random: the bytes of one undisturbed run."""

import subprocess

import pytest

import conftest
import storm
import study


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    for number in range(16):
        study.write_png(folder / f"s{number:02}.png", study.tissue_picture(width=700 + 8 * number, height=600))
    return folder


@pytest.mark.parametrize("verb", ["tile", "encode"])
def test_killed_and_started_again_at_random(slides, tiny_models, tmp_path, verb):
    more = ["--number_contours", "--tar", "--dump_patches", "--report"]

    def command(folder):
        return [conftest.program_file(), verb, slides, "--save_dir", folder, "--preset", "bwh_biopsy", "--a_t", "0.2",
                "--patch_level", "0", "--step_size", "128", *(more if verb == "tile" else ["--overview", *tiny_models[:4]])]

    subprocess.run(list(map(str, command(tmp_path / "undisturbed"))), check=True, capture_output=True)
    watch = storm.Watch(tmp_path / "stormy")
    done = storm.Storm(command(tmp_path / "stormy"), processes=8, kills=4, longest=0.8)
    replaced = watch.end()
    assert done.killed == 32
    assert not done.failures
    assert not storm.leftovers(tmp_path / "stormy")
    assert storm.outputs(tmp_path / "stormy") == storm.outputs(tmp_path / "undisturbed")
    assert not replaced, "an output was committed twice"
