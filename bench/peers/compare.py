"""bench/peers/run SLIDE: prints two tables, each from one run in which the contestants take turns.

Each contestant is a process of its own that stays alive and idle between its turns; a round is one turn of each. All
are held to the same cores and get the same patches and squares. For each peer the faster of several settings (streams
and batches) is found first. Models and patches stay in .cache/peers, made again when the slide or a version changes.
"""

import argparse
import dataclasses
import datetime
import math
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time

import numpy as np

HERE = pathlib.Path(__file__).parent
FOLDER = HERE.parents[1] / ".cache/peers"
OURS = os.environ["HIPT_BENCH"]
GFLOP_A_PATCH = 12.2825  # published work of ViT-256
ANSWER_SECONDS = 300  # a contestant that takes longer for an answer is given up
SQUARES = ((256, 600), (4096, 4))  # side in pixels, at most so many of them


class Unable(Exception):
    """A contestant that does not run on this machine, and why."""


class Process:
    """One contestant that answers as contestant.py says."""

    def __init__(self, command, threads, environment=()):
        cores = sorted(os.sched_getaffinity(0))[:threads]
        settings = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        begin = time.perf_counter()
        self.child = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=os.environ | settings | dict(environment),
            preexec_fn=lambda: os.sched_setaffinity(0, cores))
        self.expect("ready")
        self.start_up = time.perf_counter() - begin

    def expect(self, word):
        late = threading.Event()

        def give_up():
            late.set()
            self.child.kill()

        timer = threading.Timer(ANSWER_SECONDS, give_up)
        timer.start()
        line = self.child.stdout.readline().strip()
        timer.cancel()
        if not line or (word and line != word):
            self.child.kill()
            errors = self.child.communicate()[1].strip().splitlines()
            if late.is_set():
                raise Unable(f"no answer in {ANSWER_SECONDS} s")
            raise Unable(errors[-1] if errors else f"it ended with status {self.child.returncode}")
        return line

    def ask(self, line):
        try:
            self.child.stdin.write(f"{line}\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended: expect() says how

    def seconds(self):
        self.ask("")
        return float(self.expect(None))

    def results(self, file):
        self.ask(file)
        self.expect("written")
        return file

    def peak_megabytes(self):
        """Largest resident size in the life of the process."""
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text(encoding="utf-8")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6

    def end(self):
        self.child.communicate()


@dataclasses.dataclass
class Encoder:
    name: str
    precision: str
    peer: str  # of encoder.py; "" for ours
    threads: int
    setting: tuple = (1, 1)  # streams, patches a call
    process: Process = None
    start_up: float = 0.0
    cosine: float = 0.0
    rates: list = dataclasses.field(default_factory=list)  # patches a second, one a round
    of_peak: list = dataclasses.field(default_factory=list)

    def settings(self):
        """Those to choose from. Ours always runs a stream on each thread."""
        each = [(self.threads, batch) for batch in (1, 8)]
        return each if not self.peer else each + [(1, batch) for batch in (8, 32) if (1, batch) not in each]

    def start(self, setting):
        streams, batch = setting
        if not self.peer:
            command = [OURS, "--contest", "encode", FOLDER / "weights.safetensors", self.precision,
                       FOLDER / "patches.u8", self.threads, batch]
            return Process(command, self.threads)
        environment = {"OMP_NUM_THREADS": str(self.threads // streams)}
        if self.peer.startswith("torch"):  # memory is kept between calls: glibc's defaults return and fetch it each time
            environment |= {"MALLOC_TRIM_THRESHOLD_": str(1 << 32), "MALLOC_MMAP_THRESHOLD_": str(1 << 32),
                            "TORCHINDUCTOR_CACHE_DIR": str(FOLDER / "inductor")}
        command = [sys.executable, "-B", "-W", "ignore", HERE / "encoder.py", self.peer, self.precision, FOLDER,
                   self.threads, streams, batch]
        return Process(command, self.threads, environment)


def encoders(threads):
    peers = [("PyTorch eager", "torch", "f32 bf16"), ("PyTorch compiled", "torch-compiled", "f32 bf16"),
             ("ONNX Runtime", "onnxruntime", "f32 int8"), ("OpenVINO", "openvino", "f32 bf16 int8"), ("hipt", "", "f32 bf16 int8")]
    return [Encoder(name, precision, peer, threads) for name, peer, precisions in peers
            for precision in precisions.split()]


def note(text):
    print(f"peers: {text}", file=sys.stderr, flush=True)


def choose_setting(encoder):
    """The fastest, each tried in a process of its own by one pass after its first call."""
    seconds = {}
    for setting in encoder.settings():
        process = encoder.start(setting)
        seconds[setting] = process.seconds()
        process.end()
        note(f"{encoder.name} {encoder.precision}: {setting[0]} streams, {setting[1]} a call: {seconds[setting]:.2f} s")
    return min(seconds, key=seconds.get)


def start_up_seconds(encoder):
    """Start of the process to the first patch's features, files and caches warm: median of three."""
    times = []
    for _ in range(3):
        process = encoder.start((1, 1))
        times.append(process.start_up)
        process.end()
    return statistics.median(times)


def least_cosine(file):
    reference = np.fromfile(FOLDER / "reference.f64").reshape(-1, 384)
    features = np.fromfile(file, np.float32).reshape(-1, 384).astype(np.float64)
    norms = np.linalg.norm(reference, axis=1) * np.linalg.norm(features, axis=1)
    return ((reference * features).sum(axis=1) / norms).min()


def prepared(contestants, prepare):
    """Those that run here, after prepare(each); the others are told with their reason."""
    able, unable = [], []
    for contestant in contestants:
        try:
            prepare(contestant)
            able.append(contestant)
        except Unable as reason:
            unable.append((contestant, str(reason)))
    return able, unable


def take_turns(able, rounds, turn, title):
    """turn(each), round after round; those that fail are taken out of `able` and given back with the reason."""
    failed = []
    for number in range(rounds):
        note(f"{title}, round {number + 1} of {rounds}")
        for contestant in list(able):
            try:
                turn(contestant)
            except Unable as reason:
                able.remove(contestant)
                failed.append((contestant, f"in round {number + 1}: {reason}"))
    return failed


class Peaks:
    """The machine's peak in each precision that it has, GFLOP/s, measured anew whenever asked."""

    def __init__(self, threads):
        self.threads, self.processes, self.measured = threads, {}, {}

    def gigaflops(self, precision):
        """Not a number where the machine has no instructions of this precision."""
        if precision not in self.processes:
            try:
                self.processes[precision] = Process([OURS, "--contest", "peak", precision, self.threads], self.threads)
            except Unable:
                self.processes[precision] = None
        process = self.processes[precision]
        if process is None:
            return math.nan
        self.measured.setdefault(precision, []).append(1000 / process.seconds())
        return self.measured[precision][-1]

    def text(self):
        return "peak " + ", ".join(f"{name} {statistics.median(values):.1f}" for name, values in self.measured.items())

    def end(self):
        for process in filter(None, self.processes.values()):
            process.end()


def percent_text(values):
    return "-" if any(map(math.isnan, values)) else f"{statistics.median(values):.1f}"


def compare_encoders(threads, rounds, patches):
    def prepare(encoder):
        encoder.setting = choose_setting(encoder)
        encoder.start_up = start_up_seconds(encoder)
        encoder.process = encoder.start(encoder.setting)
        encoder.process.seconds()
        encoder.cosine = least_cosine(encoder.process.results(FOLDER / "features.f32"))

    able, unable = prepared(encoders(threads), prepare)
    peaks = Peaks(threads)

    def turn(encoder):
        before = peaks.gigaflops(encoder.precision)
        rate = patches / encoder.process.seconds()
        encoder.rates.append(rate)
        encoder.of_peak.append(
            100 * rate * GFLOP_A_PATCH / statistics.mean((before, peaks.gigaflops(encoder.precision))))

    failed = take_turns(able, rounds, turn, "encoding")
    print(f"\nViT-256 features of {patches} patches in memory, threads: {threads}, median of {rounds} rounds; "
          f"{peaks.text()} GFLOP/s")
    print(f"{'':<18}{'':<6}{'streams':>8}{'batch':>6}{'patches/s':>11}{'% of its peak':>15}{'least cosine':>14}"
          f"{'peak MB':>9}{'start-up s':>12}")
    for encoder in able:
        streams, batch = encoder.setting
        print(f"{encoder.name:<18}{encoder.precision:<6}{streams:>8}{batch:>6}{statistics.median(encoder.rates):>11.2f}"
              f"{percent_text(encoder.of_peak):>15}{encoder.cosine:>14.6f}"
              f"{encoder.process.peak_megabytes():>9.0f}{encoder.start_up:>12.2f}")
    for encoder, reason in unable:
        print(f"{encoder.name:<18}{encoder.precision:<6}  not on this machine: {reason}")
    for encoder, reason in failed:
        print(f"{encoder.name:<18}{encoder.precision:<6}  failed {reason}")
    print_ratios(able)
    peaks.end()
    for encoder in able:
        encoder.process.end()


def print_ratios(able):
    """Ours against the best peer of the same precision: median over the rounds of the ratio within a round."""
    for ours in (encoder for encoder in able if not encoder.peer):
        peers = [encoder for encoder in able if encoder.peer and encoder.precision == ours.precision]
        if not peers:
            continue
        best = max(peers, key=lambda encoder: statistics.median(encoder.rates))
        ratio = statistics.median(a / b for a, b in zip(ours.rates, best.rates))
        print(f"hipt {ours.precision} / best peer ({best.name}): {ratio:.3f}")


@dataclasses.dataclass
class Reader:
    name: str
    peer: str  # of reader.py; "" for ours
    slide: str
    side: int
    threads: int
    digests: str = ""
    rates: list = dataclasses.field(default_factory=list)  # megapixels a second
    process: Process = None

    def start(self):
        ours = [OURS, "--contest", "read"]
        command = ours if not self.peer else [sys.executable, "-B", "-W", "ignore", HERE / "reader.py", self.peer]
        self.process = Process([*command, self.slide, corner_file(self.side), self.side, self.threads], self.threads)
        self.digests = self.process.results(FOLDER / "digests.txt").read_text(encoding="utf-8")


def corner_file(side):
    return FOLDER / f"corners-{side}.txt"


def write_corners(slide, side, most):
    """Level-0 corners of squares inside the slide, on a grid, spread over it. Returns how many."""
    import openslide

    width, height = openslide.OpenSlide(slide).dimensions
    every = [(x, y) for y in range(0, height - side + 1, side) for x in range(0, width - side + 1, side)]
    chosen = every[::max(1, len(every) // most)][:most]
    corner_file(side).write_text("".join(f"{x} {y}\n" for x, y in chosen), encoding="utf-8")
    return len(chosen)


def compare_readers(slide, threads, rounds):
    counts = {side: write_corners(slide, side, most) for side, most in SQUARES}
    thread_counts = sorted({1, threads})
    columns = [(side, count) for side in counts if counts[side] for count in thread_counts]
    names = (("openslide-python", "openslide"), ("tifffile", "tifffile"), ("cucim", "cucim"), ("hipt", ""))
    able, unable = prepared([Reader(name, peer, slide, *column) for name, peer in names for column in columns],
                            Reader.start)

    def turn(reader):
        reader.rates.append(counts[reader.side] * reader.side**2 / 1e6 / reader.process.seconds())

    failed = take_turns(able, rounds, turn, "reading")
    print(f"\nReading {pathlib.Path(slide).name} (megapixels/s, level 0 to RGB, median of {rounds} rounds)")
    print(f"{'':<18}" + "".join(f"{f'{side} px, threads: {count}':>22}" for side, count in columns) + "  pixels")
    for name, _ in names:
        print_reader(name, [reader for reader in able if reader.name == name], able, columns)
    for name, reason in dict((reader.name, reason) for reader, reason in unable).items():
        print(f"{name:<18}  not on this machine: {reason}")
    for reader, reason in failed:
        print(f"{reader.name:<18}  {reader.side} px, threads: {reader.threads}: failed {reason}")
    for reader in able:
        reader.process.end()


def print_reader(name, row, able, columns):
    if len(row) < len(columns):
        return
    reference = {reader.side: reader.digests for reader in able if reader.peer == "openslide"}
    same = all(reader.digests == reference[reader.side] for reader in row)
    print(f"{name:<18}" + "".join(f"{statistics.median(reader.rates):>22.0f}" for reader in row)
          + ("  as OpenSlide" if same else "  differ from OpenSlide"))


def main():
    parser = argparse.ArgumentParser(prog="bench/peers/run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("slide", help="a tiled JPEG slide with tissue")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--patches", type=int, default=64, help="encoded in each turn, a multiple of 32")
    parser.add_argument("--only", choices=["encode", "read"], help="one of the two tables")
    options = parser.parse_args()
    if options.patches < 32 or options.patches % 32:
        parser.error("--patches: a multiple of 32")
    FOLDER.mkdir(parents=True, exist_ok=True)
    print(datetime.date.today())
    subprocess.run([OURS, "-", "peak"], check=True)
    if options.only != "read":
        command = [sys.executable, "-B", "-W", "ignore", HERE / "prepare.py", options.slide, FOLDER, options.patches]
        subprocess.run([str(word) for word in command], check=True)
        compare_encoders(options.threads, options.rounds, options.patches)
    if options.only != "encode":
        compare_readers(options.slide, options.threads, options.rounds)


if __name__ == "__main__":
    main()
