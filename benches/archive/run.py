"""From archive to packages beside the usual programs: one run, all sides on the same files.

Unpacking beside unzip, 7z and bsdtar (as far as they are installed), the split per person beside a
plain copy of the unpacked data. Each figure is the middle of three runs. Size in MiB, people and
folder can be given: `run.py 256 2000 /dev/shm`.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECRET = "archive-secret"


def peers(cipher: str) -> dict[str, list[str]]:
    """Commands that unpack {file} into {out}."""
    all_of_them = {
        "unzip": ["unzip", "-q", "-P", SECRET, "{file}", "-d", "{out}"],
        "7z": ["7z", "x", "-bso0", "-bsp0", f"-p{SECRET}", "{file}", "-o{out}"],
        "bsdtar": ["bsdtar", "-x", "-f", "{file}", "-C", "{out}", "--passphrase", SECRET],
    }
    if cipher == "aes256":
        del all_of_them["unzip"]  # it refuses AES
    return {name: line for name, line in all_of_them.items() if shutil.which(name)}


def middle(measure, out: Path) -> object:
    figures = []
    for _ in range(3):
        shutil.rmtree(out, ignore_errors=True)
        figures.append(measure())
    shutil.rmtree(out, ignore_errors=True)
    return sorted(figures, key=lambda each: each if isinstance(each, float) else each["sum"])[1]


def main() -> None:
    mib, people, place = (sys.argv[1:] + ["256", "2000", "/dev/shm"][len(sys.argv) - 1 :])[:3]
    build = ["cargo", "build", "--release", "-q", "-p", "dsrkit", "--example", "archive_speed"]
    subprocess.run(build, cwd=ROOT, check=True)
    ours = str(ROOT / "target/release/examples/archive_speed")
    with tempfile.TemporaryDirectory(dir=place) as folder:
        file, out = Path(folder, "a.zip"), Path(folder, "out")

        def run(step: str) -> dict[str, float]:
            shown = subprocess.run(
                [ours, "run", str(file), people, str(out), step],
                check=True, capture_output=True, text=True,
            )
            figures = json.loads(shown.stdout)
            return figures | {"sum": sum(v for k, v in figures.items() if k != "peak_mib")}

        def peer(line: list[str]) -> float:
            out.mkdir()
            line = [part.format(file=file, out=out) for part in line]
            begin = time.perf_counter()
            subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
            return time.perf_counter() - begin

        for cipher in ("zipcrypto", "aes256"):
            for members in ("1024", "1"):
                make = [ours, "make", str(file), mib, people, members, cipher]
                subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
                name = f"{cipher:9}  {members:>4} files  {mib} MiB"
                mine = middle(lambda: run("unpack"), out)
                print(f"{name}  dsrkit   {mine['sum']:7.2f} s  {mine['peak_mib']:4} MiB memory")
                for other, line in peers(cipher).items():
                    theirs = middle(lambda line=line: peer(line), out)
                    ratio = theirs / mine["sum"]
                    print(f"{name}  {other:7}  {theirs:7.2f} s  {ratio:5.1f}x dsrkit")

        def copy() -> float:
            begin = time.perf_counter()
            shutil.copytree(data, out)
            return time.perf_counter() - begin

        data = Path(folder, "data")
        whole = middle(lambda: run("html"), out)
        run("unpack")
        (out / "members").rename(data)
        copied = middle(copy, out)
        print(f"copy of {mib} MiB       {copied:7.2f} s")
        print(f"split to {people} people {whole['split']:7.2f} s  {whole['split'] / copied:5.1f}x the copy")
        print(f"packages with pages  {whole['packages']:7.2f} s  {whole['peak_mib']} MiB memory")


if __name__ == "__main__":
    main()
