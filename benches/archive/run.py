"""From archive to packages beside the usual programs: one run, all sides in turn on the same files.

Unpacking beside unzip, 7z, bsdtar and Python's zipfile, pyzipper and stream-unzip, as far as they
are installed; the split per person beside a plain copy of the unpacked data. Each round runs every
side once, so that whatever else the machine does falls on all alike; a figure is the middle of the
rounds. Wall time, and in brackets the CPU time, of all cores. Size in MiB, people, folder and
rounds can be given: `run.py 256 2000 /dev/shm 3`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SECRET = "archive-secret"
ZIPFILE = "import sys, {0} as z; a = z.{1}(sys.argv[1]); a.setpassword(b'{2}'); a.extractall(sys.argv[2])"
STREAM = """
import os, sys, stream_unzip
def pieces():
    with open(sys.argv[1], "rb") as file:
        while piece := file.read(1 << 18):
            yield piece
for name, size, content in stream_unzip.stream_unzip(pieces(), password=b"{0}"):
    with open(os.path.join(sys.argv[2], name.decode()), "wb") as file:
        file.writelines(content)
"""


class Figure(NamedTuple):
    wall: float
    cpu: float
    # What the side printed of itself.
    told: dict[str, float]


def python(module: str, script: str) -> list[str] | None:
    return [sys.executable, "-c", script, "{file}", "{out}"] if importlib.util.find_spec(module) else None


def peers(cipher: str) -> dict[str, list[str]]:
    """Commands that unpack {file} into {out}."""
    all_of_them = {
        "7z": ["7z", "x", "-bso0", "-bsp0", f"-p{SECRET}", "{file}", "-o{out}"],
        "bsdtar": ["bsdtar", "-x", "-f", "{file}", "-C", "{out}", "--passphrase", SECRET],
        "stream-unzip": python("stream_unzip", STREAM.format(SECRET)),
    }
    if cipher == "aes256":
        script = ZIPFILE.format("pyzipper", "AESZipFile", SECRET)
        all_of_them["pyzipper"] = python("pyzipper", script)
    else:
        # They refuse AES.
        all_of_them["unzip"] = ["unzip", "-q", "-P", SECRET, "{file}", "-d", "{out}"]
        all_of_them["zipfile"] = python("zipfile", ZIPFILE.format("zipfile", "ZipFile", SECRET))
    return {name: line for name, line in all_of_them.items() if line and shutil.which(line[0])}


def measured(line: list[str]) -> Figure:
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as shown:
        process = subprocess.Popen(line, stdout=shown)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = status
        if status:
            sys.exit(f"{line[0]} failed")
        shown.seek(0)
        text = shown.read().decode()
    return Figure(wall, usage.ru_utime + usage.ru_stime, json.loads(text) if text else {})


class Bench:
    def __init__(self, folder: str, rounds: int, make_their_own: set[str]) -> None:
        self.file, self.out = Path(folder, "a.zip"), Path(folder, "out")
        self.rounds = rounds
        # Programs that want no folder to be there.
        self.make_their_own = make_their_own

    def once(self, line: list[str]) -> Figure:
        shutil.rmtree(self.out, ignore_errors=True)
        if line[0] not in self.make_their_own:
            self.out.mkdir()
        figure = measured([part.format(file=self.file, out=self.out) for part in line])
        shutil.rmtree(self.out, ignore_errors=True)
        return figure

    def middles(self, sides: dict[str, list[str]]) -> dict[str, Figure]:
        rounds: dict[str, list[Figure]] = {name: [] for name in sides}
        for n in range(self.rounds):
            for name, line in sides.items():
                # It takes a minute for what others do in a second.
                if name != "zipfile" or n == 0:
                    rounds[name].append(self.once(line))
        return {name: middle(figures) for name, figures in rounds.items()}


def middle(figures: list[Figure]) -> Figure:
    told = {key: median(each.told[key] for each in figures) for key in figures[0].told}
    return Figure(median(each.wall for each in figures), median(each.cpu for each in figures), told)


def main() -> None:
    given: list[Any] = sys.argv[1:]
    mib, people, place, rounds = given + ["256", "2000", "/dev/shm", "3"][len(given) :]
    build = ["cargo", "build", "--release", "-q", "-p", "dsrkit", "--features", "sandbox,blocking,testing,postgres"]
    subprocess.run([*build, "--example", "archive_speed"], cwd=ROOT, check=True)
    ours = str(ROOT / "target/release/examples/archive_speed")
    with tempfile.TemporaryDirectory(dir=place) as folder:
        bench = Bench(folder, int(rounds), {ours, "cp"})

        def step(name: str) -> list[str]:
            return [ours, "run", "{file}", people, "{out}", name]

        for cipher in ("zipcrypto", "aes256"):
            for members in ("1024", "1"):
                make = [ours, "make", str(bench.file), mib, people, members, cipher]
                subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
                found = bench.middles({"dsrkit": step("unpack")} | peers(cipher))
                mine = found["dsrkit"]
                print(f"{cipher}, {members} files, {mib} MiB: {mine.told['peak_mib']:.0f} MiB of memory")
                for side, figure in found.items():
                    ratio = figure.wall / mine.wall
                    print(f"  {side:12} {figure.wall:7.2f} s  {figure.cpu:7.2f} s CPU  {ratio:6.2f}x", flush=True)

        data = Path(folder, "data")
        measured([part.format(file=bench.file, out=bench.out) for part in step("unpack")])
        (bench.out / "members").rename(data)
        shutil.rmtree(bench.out)
        found = bench.middles({"copy": ["cp", "-r", str(data), "{out}"], "all": step("html")})
        copied, told = found["copy"].wall, found["all"].told
        print(f"of {mib} MiB for {people} people")
        print(f"  plain copy   {copied:7.2f} s")
        print(f"  split        {told['split']:7.2f} s  {told['split'] / copied:6.2f}x")
        print(f"  packages     {told['packages']:7.2f} s, {told['peak_mib']:.0f} MiB of memory for all")


if __name__ == "__main__":
    main()
