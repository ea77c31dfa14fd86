#!/usr/bin/env python3
"""run_transcript.py <program> <file.transcript>: runs the commands of a transcript and compares what they print.

A transcript is text: a line `$ hipt ...` or `$ NAME=value hipt ...` is a command; the lines below it, up to the next
command, are what it prints (standard output and error together); a line `? 2` among them is its exit status when it is
not 0. `...` on a line of its own stands for any lines, inside a line for any text. Lines that begin with `#` are
comments. $SLIDE is the demo slide and $TMP an empty folder, both for commands and for expected lines.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def demo_slide():
    data = pathlib.Path(os.environ.get("HIPT_TEST_DATA", ROOT / "../shared/data"))
    for file in (ROOT / ".cache/CMU-1-Small-Region.svs", data / "slides/aperio/CMU-1-Small-Region.svs"):
        if file.is_file():
            return str(file)
    return None


def steps(text):
    """(command, expected lines, status) in order."""
    command, expected, status = None, [], 0
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if line.startswith("$ "):
            if command:
                yield command, expected, status
            command, expected, status = line[2:], [], 0
        elif line.startswith("? "):
            status = int(line[2:])
        elif command:
            expected.append(line)
    if command:
        yield command, expected, status


def pattern(lines):
    """A regular expression for the whole output."""
    parts = []
    for line in "\n".join(lines).strip("\n").split("\n"):
        if line == "...":
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append(r"[^\n]*?".join(re.escape(piece) for piece in line.split("...")) + "\n")
    return re.compile(r"\n*" + "".join(parts) + r"\n*")


def main():
    program, transcript = sys.argv[1:]
    text = pathlib.Path(transcript).read_text(encoding="utf-8")
    slide = demo_slide()
    if "$SLIDE" in text and slide is None:
        print("[SKIPPED] the demo slide is absent: tools/setup --demo-slide fetches it")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        replaced = lambda line: line.replace("$SLIDE", slide or "").replace("$TMP", folder)  # noqa: E731
        for command, expected, status in steps(text):
            words = shlex.split(replaced(command))
            environment = {**os.environ, "HIPT_WEIGHTS": folder, "XDG_DATA_HOME": folder}
            while "=" in words[0]:
                environment.update([words.pop(0).split("=", 1)])
            if words[0] != "hipt":
                sys.exit(f"{transcript}: a command must begin with hipt: {command}")
            done = subprocess.run([program, *words[1:]], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  env=environment, check=False)
            wanted = [replaced(line) for line in expected]
            if done.returncode != status or (any(wanted) and not pattern(wanted).fullmatch(done.stdout.rstrip("\n") + "\n")):
                print(f"$ {command}\nexpected (status {status}):\n" + "\n".join(wanted))
                print(f"printed (status {done.returncode}):\n{done.stdout}")
                return 1
            print(f"ok: {command}")
    return 0


sys.exit(main())
