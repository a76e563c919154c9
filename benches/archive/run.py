"""From archive to packages beside the usual programs: one run, all sides in turn on the same files.

Unpacking beside 7z, unzip, bsdtar and Python's zipfile, pyzipper and stream-unzip, as far as they are
installed; the split per person beside a plain copy of the unpacked data; and how both grow. Each round
runs every side once, so that whatever else the machine does falls on all alike; a figure is the
middle of the rounds. `run.py [MIB] [PEOPLE] [FOLDER] [ROUNDS]`; FOLDER lies in memory by default, so that
no disk is measured. `run.py --json FILE ...` writes what was found as well.
"""

from __future__ import annotations

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
VENV = ROOT / "target/bench-archive-venv"
PEERS = ["pyzipper==0.4.0", "stream-unzip==0.0.101"]
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


def venv() -> str | None:
    """An interpreter with the Python peers at fixed versions; none without a package registry."""
    python = VENV / "bin/python"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", *PEERS], check=True)
    except (OSError, subprocess.CalledProcessError):
        shutil.rmtree(VENV, ignore_errors=True)
        return None
    return str(python)


def python(script: str) -> list[str] | None:
    found = venv()
    return [found, "-c", script, "{file}", "{out}"] if found else None


def peers(cipher: str, members: int) -> dict[str, list[str]]:
    """Commands that unpack {file} into {out}."""
    all_of_them = {
        "7z": ["7z", "x", "-bso0", "-bsp0", f"-p{SECRET}", "{file}", "-o{out}"],
        "bsdtar": ["bsdtar", "-x", "-f", "{file}", "-C", "{out}", "--passphrase", SECRET],
        "stream-unzip": python(STREAM.format(SECRET)),
    }
    if cipher == "aes256":
        script = ZIPFILE.format("pyzipper", "AESZipFile", SECRET)
        all_of_them["pyzipper"] = python(script)
    else:
        # They refuse AES.
        all_of_them["unzip"] = ["unzip", "-q", "-P", SECRET, "{file}", "-d", "{out}"]
        if members > 1:
            all_of_them["zipfile"] = python(ZIPFILE.format("zipfile", "ZipFile", SECRET))
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
    """A folder with one archive at a time, and whoever unpacks it."""

    def __init__(self, folder: Path, rounds: int) -> None:
        self.folder, self.file, self.out = folder, folder / "a.zip", folder / "out"
        self.rounds = rounds
        build = ["cargo", "build", "--release", "-q", "-p", "dsrkit", "--features", "sandbox", "--example", "archive_speed"]
        subprocess.run(build, cwd=ROOT, check=True)
        self.ours = str(ROOT / "target/release/examples/archive_speed")

    def make(self, mib: int, people: int, members: int, cipher: str) -> None:
        line = [self.ours, "make", str(self.file), str(mib), str(people), str(members), cipher]
        subprocess.run(line, check=True, stdout=subprocess.DEVNULL)

    def step(self, people: int, name: str) -> list[str]:
        return [self.ours, "run", "{file}", str(people), "{out}", name]

    def once(self, line: list[str]) -> Figure:
        shutil.rmtree(self.out, ignore_errors=True)
        # These two want no folder to be there.
        if line[0] not in {self.ours, "cp"}:
            self.out.mkdir()
        figure = measured([part.format(file=self.file, out=self.out) for part in line])
        shutil.rmtree(self.out, ignore_errors=True)
        return figure

    def middles(self, sides: dict[str, list[str]]) -> dict[str, list[Figure]]:
        rounds: dict[str, list[Figure]] = {name: [] for name in sides}
        for n in range(self.rounds):
            for name, line in sides.items():
                # It takes a minute for what others do in a second.
                if name != "zipfile" or n == 0:
                    rounds[name].append(self.once(line))
        return rounds

    def unpacking(self, mib: int, people: int) -> list[dict[str, Any]]:
        rows = []
        for cipher in ("zipcrypto", "aes256"):
            for members in (1024, 1):
                self.make(mib, people, members, cipher)
                found = self.middles({"dsrkit": self.step(people, "unpack")} | peers(cipher, members))
                mine = middle(found["dsrkit"])
                for side, figures in found.items():
                    figure, walls = middle(figures), [each.wall for each in figures]
                    rows.append(
                        {
                            "cipher": cipher,
                            "files": members,
                            "side": side,
                            "wall": figure.wall,
                            "cpu": figure.cpu,
                            "least": min(walls),
                            "most": max(walls),
                            "ratio": figure.wall / mine.wall,
                            "cpu_ratio": figure.cpu / mine.cpu,
                            "mib": figure.told.get("peak_mib"),
                        }
                    )
        return rows

    def split(self, people: int) -> dict[str, float]:
        """Of the archive that was made last."""
        data = self.folder / "data"
        measured([part.format(file=self.file, out=self.out) for part in self.step(people, "unpack")])
        (self.out / "members").rename(data)
        found = self.middles({"copy": ["cp", "-r", str(data), "{out}"], "split": self.step(people, "split")})
        shutil.rmtree(data)
        copy, told = middle(found["copy"]), middle(found["split"]).told
        split = told["split"]
        return {"copy": copy.wall, "split": split, "ratio": split / copy.wall, "mib": told["peak_mib"]}

    def packages(self, mib: int, people: int) -> dict[str, float]:
        """With the pages that people read. Once: they take far longer than everything before them."""
        self.make(mib, people, 3, "aes256")
        told = self.once(self.step(people, "html")).told
        return {"of_mib": mib, "packages": told["packages"], "mib": told["peak_mib"]}

    def grow(self, sizes: list[tuple[int, int]]) -> list[dict[str, float]]:
        """Once for each size in MiB and number of people, as far as there is room."""
        rows = []
        for mib, people in sizes:
            if shutil.disk_usage(self.folder).free < mib * 2.5 * 2**20:
                print(f"no room for {mib} MiB in {self.folder}", file=sys.stderr)
                continue
            self.make(mib, people, 3, "aes256")
            told = self.once(self.step(people, "split")).told
            rows.append({"mib": mib, "people": people, "unpack": told["unpack"], "split": told["split"], "peak_mib": told["peak_mib"]})
        return rows


def middle(figures: list[Figure]) -> Figure:
    told = {key: median(each.told[key] for each in figures) for key in figures[0].told}
    return Figure(median(each.wall for each in figures), median(each.cpu for each in figures), told)


def goals(found: dict[str, Any]) -> list[tuple[str, float, float, bool, str]]:
    """Of each goal: what, wanted, measured, whether that is the most allowed, unit."""
    by = {(row["cipher"], row["files"], row["side"]): row for row in found["unpacking"]}
    wanted = [
        ("aes256", 1024, "7z", 3.5),
        ("aes256", 1024, "pyzipper", 4.5),
        ("zipcrypto", 1024, "unzip", 5.0),
        ("zipcrypto", 1024, "7z", 3.0),
        ("aes256", 1, "7z", 2.3),
        ("zipcrypto", 1, "7z", 2.3),
    ]
    rows = [
        (f"W4 {cipher}, {files} file{'s' if files > 1 else ''}: {side}", least, by[cipher, files, side]["ratio"], False, "x")
        for cipher, files, side, least in wanted
        if (cipher, files, side) in by
    ]
    memory = max(row["mib"] for row in found["unpacking"] if row["side"] == "dsrkit")
    rows.append(("W4 memory for unpacking", 32, memory, True, " MiB"))
    rows.append(("W4 split beside a plain copy", 2, found["split"]["ratio"], True, "x"))
    rows.append(("W4 memory with split, any size", 200, max(row["peak_mib"] for row in found["grown"]), True, " MiB"))
    return rows


def measure(mib: int = 1024, people: int = 2000, place: str = "/dev/shm", rounds: int = 3) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=place) as folder:
        bench = Bench(Path(folder), rounds)
        found: dict[str, Any] = {"mib": mib, "people": people, "unpacking": bench.unpacking(mib, people)}
        found["split"] = bench.split(people)
        found["packages"] = bench.packages(mib // 4, people)
        sizes = [(mib // 10, people), (mib, people), (4 * mib, people), (10 * mib, people)]
        few = [(mib // 4, many) for many in (1, 10, 100, 1_000, 2_000)]
        found["grown"] = bench.grow(sizes)
        found["grown_people"] = bench.grow(few)
    return found


def show(found: dict[str, Any]) -> str:
    lines, before = [], None
    for row in found["unpacking"]:
        if before != (before := (row["cipher"], row["files"])):
            lines.append(f"{row['cipher']}, {row['files']} files, {found['mib']} MiB: {row['mib']:.0f} MiB of memory")
        lines.append(
            f"  {row['side']:12} {row['wall']:7.2f} s ({row['least']:.2f}-{row['most']:.2f})  {row['cpu']:7.2f} s CPU"
            f"  {row['ratio']:6.2f}x, {row['cpu_ratio']:.2f}x CPU"
        )
    split, packages = found["split"], found["packages"]
    lines += [
        f"of {found['mib']} MiB for {found['people']} people",
        f"  plain copy   {split['copy']:7.2f} s",
        f"  split        {split['split']:7.2f} s  {split['ratio']:6.2f}x",
        f"  packages     {packages['packages']:7.2f} s of {packages['of_mib']} MiB, {packages['mib']:.0f} MiB of memory",
        "how it grows (AES-256, 3 files)",
    ]
    lines += [
        f"  {row['mib']:6} MiB, {row['people']:5} people: unpack {row['unpack']:7.2f} s, split {row['split']:7.2f} s, {row['peak_mib']:.0f} MiB of memory"
        for row in [*found["grown"], *found["grown_people"]]
    ]
    for what, wanted, got, most, unit in goals(found):
        reached = got <= wanted if most else got >= wanted
        lines.append(f"{what}: wanted {'<=' if most else '>='} {wanted:g}{unit}, measured {got:.2f}{unit}{'' if reached else ': NOT REACHED'}")
    return "\n".join(lines)


def main() -> None:
    given = sys.argv[1:]
    kept = None
    if given[:1] == ["--json"]:
        kept, given = Path(given[1]), given[2:]
    mib, people, place, rounds = given + ["1024", "2000", "/dev/shm", "3"][len(given) :]
    found = measure(int(mib), int(people), place, int(rounds))
    if kept:
        kept.write_text(json.dumps(found, indent=1))
    print(show(found))


if __name__ == "__main__":
    main()
