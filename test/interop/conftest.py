"""What the interop tests share: the program, slides, and skips that ctest sees."""

import collections
import json
import os
import pathlib
import subprocess

import pytest

import published_model as model

ROOT = pathlib.Path(__file__).parents[2]

# Small models, so that a test takes a second. Sizes differ from the published ones everywhere, to catch constants.
VIT256 = model.Config(name="tiny256", source="pixels", input_dim=3, dim=48, depth=2, heads=3, mlp_dim=80)
VIT4K = model.Config(name="tiny4k", source="features", input_dim=48, dim=24, depth=1, heads=2, mlp_dim=40)
SALT256, SALT4K = "interop256", "interop4k"


def pytest_sessionfinish(session, exitstatus):
    """Each reason for skips on a line of its own; status 77 (ctest: skipped) when nothing else happened."""
    reports = session.config.pluginmanager.get_plugin("terminalreporter").stats
    reasons = collections.Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports.get("skipped", []))
    for reason, count in reasons.items():
        print(f"\n[SKIPPED] {count} of {session.testscollected}: {reason}", end="")
    if reasons and exitstatus == 0 and not reports.get("passed"):
        session.exitstatus = 77


@pytest.fixture(scope="session")
def hipt():
    """Runs the program: hipt("encode", slide, "--save_dir", folder)."""
    program = program_file()

    def run(*arguments, status=0):
        done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
        assert done.returncode == status, f"hipt {' '.join(map(str, arguments))}:\n{done.stdout}{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory):
    """Flags that name the small models."""
    folder = tmp_path_factory.mktemp("models")
    flags = []
    for which, config, salt in (("256", VIT256, SALT256), ("4k", VIT4K, SALT4K)):
        file = folder / f"{config.name}.json"
        file.write_text(json.dumps(config.json()), encoding="utf-8")
        flags += [f"--weights{which}", f"random:{salt}", f"--model_config{which}", file]
    return flags


@pytest.fixture(scope="session")
def demo_slide():
    """The real Aperio slide CMU-1-Small-Region.svs."""
    for file in (ROOT / ".cache/CMU-1-Small-Region.svs", shared_data() / "slides/aperio/CMU-1-Small-Region.svs"):
        if file.is_file():
            return file
    pytest.skip("the demo slide is absent: tools/setup --demo-slide fetches it")


@pytest.fixture(scope="session")
def mosaic_slide():
    """A made slide of 12288 x 10240 px with several regions of tissue."""
    file = shared_data() / "slides/made/mosaic-20x.svs"
    if not file.is_file():
        pytest.skip(f"{file} is absent: it is not part of the project")
    return file


def program_file():
    program = pathlib.Path(os.environ.get("HIPT_PROGRAM", ROOT / "build/hipt"))
    assert program.is_file(), f"{program}: not built; make build"
    return program


def shared_data():
    return pathlib.Path(os.environ.get("HIPT_TEST_DATA", ROOT / "../shared/data"))
