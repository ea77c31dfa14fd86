#!/usr/bin/env python3
"""Kill test, long form: many processes on one folder of small slides, each killed and started again at random.

    bench/kill_and_restart.py build/hipt [--verb tile|encode] [--slides 40] [--processes 8] [--kills 20] [--seed 1]

Prints what happened and fails unless the folder holds the bytes of one undisturbed run, no output was committed twice,
and neither locks nor temporary files are left. Runs in the tests' environment: .cache/venv/bin/python.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "test/interop"))
import conftest  # noqa: E402
import storm  # noqa: E402
import study  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--verb", choices=["tile", "encode"], default="tile")
    parser.add_argument("--slides", type=int, default=40)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--longest", type=float, default=1.0, help="seconds that a process lives at most before a kill")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        sys.exit(run(options, pathlib.Path(root)))


def run(options, root):
    slides = root / "slides"
    slides.mkdir()
    for number in range(options.slides):
        study.write_png(slides / f"s{number:03}.png", study.tissue_picture(width=700 + 8 * number, height=600))
    model = root / "tiny256.json"
    model.write_text(json.dumps(conftest.VIT256.json()), encoding="utf-8")

    def command(folder):
        words = [options.program.resolve(), options.verb, slides, "--save_dir", folder, "--preset", "bwh_biopsy", "--a_t",
                 "0.2", "--patch_level", "0", "--step_size", "128"]
        if options.verb == "tile":
            words += ["--number_contours", "--tar", "--dump_patches", "--report"]
        else:
            words += ["--weights256", f"random:{conftest.SALT256}", "--model_config256", model, "--overview"]
        return list(map(str, words))

    started = time.monotonic()
    subprocess.run(command(root / "undisturbed"), check=True, capture_output=True)
    print(f"one undisturbed run: {time.monotonic() - started:.1f} s")
    watch = storm.Watch(root / "stormy")
    started = time.monotonic()
    done = storm.Storm(command(root / "stormy"), options.processes, options.kills, options.longest, options.seed)
    seconds = time.monotonic() - started
    replaced, left = watch.end(), storm.leftovers(root / "stormy")
    wanted, got = storm.outputs(root / "undisturbed"), storm.outputs(root / "stormy")
    differing = sorted(name for name in wanted.keys() | got.keys() if wanted.get(name) != got.get(name))
    print(f"{options.processes} processes, {done.killed} kills, {done.ended} runs to the end: {seconds:.1f} s\n"
          f"{len(wanted)} files, {len(differing)} differ, {len(replaced)} committed twice, {len(left)} left behind, "
          f"{len(done.failures)} runs failed")
    for text in (differing + replaced + left + done.failures)[:20]:
        print(f"  {text}")
    return 1 if differing or replaced or left or done.failures else 0


if __name__ == "__main__":
    main()
