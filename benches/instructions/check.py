"""Counts the instructions of hot paths (valgrind) and compares them with counts.json: a slow-down is
seen without timing anything. `check.py` compares, `check.py --write` keeps what it counted.

The build is the quick one of the tests, which is there already when the gate comes to this. The bound is
generous: compilers and allocators differ a little. What is counted is the difference of two sizes, so
that starting the program costs nothing.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path(__file__).with_name("counts.json")
PATHS = {"lines": (5_000, 20_000), "csv": (5_000, 20_000), "batches": (5_000, 20_000), "answers": (200, 1_000), "run": (2_000, 8_000)}
BOUND = 1.3


def program() -> str:
    build = ["cargo", "build", "-q", "-p", "dsrkit", "--features", "sandbox,blocking,testing,postgres"]
    subprocess.run([*build, "--example", "instructions"], cwd=ROOT, check=True)
    return str(ROOT / "target/debug/examples/instructions")


def counted(ours: str, path: str, times: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        line = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", ours, path, str(times)]
        said = subprocess.run(line, check=True, capture_output=True, text=True).stderr
    found = re.search(r"Collected : (\d+)", said)
    assert found, said
    return int(found[1])


def measure() -> dict[str, float]:
    ours = program()
    each = {}
    for path, (few, many) in PATHS.items():
        each[path] = round((counted(ours, path, many) - counted(ours, path, few)) / (many - few), 1)
    return each


def main() -> None:
    if not shutil.which("valgrind"):
        sys.exit("valgrind is needed to count instructions")
    now = measure()
    if "--write" in sys.argv:
        KEPT.write_text(json.dumps(now, indent=2) + "\n")
    kept = json.loads(KEPT.read_text())
    slower = []
    for path, count in now.items():
        ratio = count / kept[path]
        print(f"{path:8} {count:10.1f} instructions each, {ratio:.2f}x of what is kept")
        if ratio > BOUND:
            slower.append(path)
    if slower:
        sys.exit(f"more instructions than {BOUND}x of before: {', '.join(slower)}")


if __name__ == "__main__":
    main()
