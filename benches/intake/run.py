"""Intake beside a plain Python script: one run, both sides on the same files.

Prints CPU seconds and peak memory of each and the ratio. N defaults to 2,000,000 rows.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import csv, json, sys
path = sys.argv[1]
if path.endswith(".csv"):
    with open(path, newline="") as file:
        ids = dict.fromkeys(row["distinct_id"] for row in csv.DictReader(file))
else:
    with open(path) as file:
        ids = dict.fromkeys(line.rstrip("\\n") for line in file)
ids = list(ids)
total = sum(len(json.dumps(ids[at : at + 2000])) for at in range(0, len(ids), 2000))
print(len(ids), "ids,", total, "bytes of JSON")
"""


def measured(command: list[str]) -> tuple[float, float]:
    """CPU seconds and peak MiB of a command, by the operating system's account."""
    pid = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{command[0]} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    count = sys.argv[1] if len(sys.argv) > 1 else "2000000"
    build = ["cargo", "build", "--release", "-q", "-p", "dsrkit", "--example", "intake_memory"]
    subprocess.run(build, cwd=ROOT, check=True)
    ours = str(ROOT / "target/release/examples/intake_memory")
    with tempfile.TemporaryDirectory() as place:
        script = Path(place, "plain.py")
        script.write_text(SCRIPT)
        for ending in ("txt", "csv"):
            path = str(Path(place, f"ids.{ending}"))
            measured([ours, count, path])  # writes the file
            sides = {
                "dsrkit": [ours, count, path],
                "plain Python": [sys.executable, str(script), path],
            }
            figures = {name: [measured(command) for _ in range(3)] for name, command in sides.items()}
            middle = {name: sorted(runs)[1] for name, runs in figures.items()}
            for name, (cpu, peak) in middle.items():
                print(f"{ending}  {count} rows  {name:13} {cpu:7.2f} CPU s  {peak:7.0f} MiB")
            ratio = middle["plain Python"][0] / middle["dsrkit"][0]
            print(f"{ending}  plain Python / dsrkit: {ratio:.1f}x the CPU")


if __name__ == "__main__":
    main()
