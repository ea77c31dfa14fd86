"""Many processes on one study's folder, each killed and started again at random: what is left must be what one
undisturbed run leaves. Used by test_storm.py (short) and bench/kill_and_restart.py (long)."""

import hashlib
import pathlib
import random
import signal
import subprocess
import threading
import time


def outputs(folder):
    """Relative name -> digest of all that a run leaves, but for runs/, which holds times and hosts by design."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.relative_to(folder).parts[0] != "runs"
    }


class Watch:
    """Looks all the time which file each output's name means: a second commit gives the name to another file."""

    TOLD_AGAIN = ("runs", "locks", "outcomes")

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.files = {}
        self.replaced = []
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.look_until_end)
        self.thread.start()

    def look_until_end(self):
        while not self.ending.wait(0.002):
            self.look()

    def look(self):
        folders = [entry for entry in self.folder.iterdir() if entry.is_dir() and entry.name not in self.TOLD_AGAIN]
        for file in (file for folder in folders for file in folder.iterdir() if ".tmp-" not in file.name):
            inode = file.stat().st_ino
            if self.files.setdefault(file, inode) != inode:
                self.replaced.append(str(file.relative_to(self.folder)))
                self.files[file] = inode

    def end(self):
        self.ending.set()
        self.thread.join()
        self.look()
        return self.replaced


class Storm:
    """`processes` of the same command at once, each killed `kills` times after a random time, then left to end."""

    def __init__(self, command, processes, kills, longest, seed=1):
        self.command, self.kills, self.longest = list(map(str, command)), kills, longest
        self.killed = self.ended = 0
        self.failures = []
        self.guard = threading.Lock()
        slots = [threading.Thread(target=self.keep, args=(random.Random(f"{seed}:{i}"),)) for i in range(processes)]
        for slot in slots:
            slot.start()
        for slot in slots:
            slot.join()

    def keep(self, chance):
        killed = 0
        while killed < self.kills:
            process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                process.communicate(timeout=chance.uniform(0, self.longest))
                self.account(process.returncode, "ended before it was killed")
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                if process.returncode == -signal.SIGKILL:
                    killed += 1
        last = subprocess.run(self.command, capture_output=True, text=True, check=False)
        with self.guard:
            self.killed += killed
        self.account(last.returncode, last.stderr)

    def account(self, status, text):
        with self.guard:
            self.ended += 1
            if status != 0:
                self.failures.append(f"exit status {status}: {text}")


def leftovers(folder):
    """Locks and half-written files."""
    folder = pathlib.Path(folder)
    return [str(file.relative_to(folder)) for file in folder.rglob("*") if ".tmp-" in file.name or "locks" in file.parts]


def wait_for(condition, process):
    """Until the condition holds or the process ended."""
    while not condition() and process.poll() is None:
        time.sleep(0.002)
