"""What users feel besides speed: import, first request, size, threads, the journal on the disk.

Needs dsrkit in the venv of the benches (`target/bench-venv`), installed from a release wheel.
"""

import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / "target/bench-venv/bin/python"

JOURNAL = """
import os, sys, dsrkit
place, people = sys.argv[1], int(sys.argv[2])
path = os.path.join(place, "dsr.sqlite3")
def size():
    return sum(os.path.getsize(os.path.join(place, name)) for name in os.listdir(place) if name.startswith("dsr.sqlite3"))
settings = dsrkit.Settings(max_ids_per_deletion_plan=10**9)
client = dsrkit.Client.sandbox(journal=path, settings=settings)
empty = size()
plan = client.plan_deletion([f"user-{n:08x}@example.org" for n in range(people)])
planned = size()
run = plan.start(plan.confirm)
run.wait()
client.close()
print(planned - empty, size() - planned, plan.batches)
"""

COMMIT = """
import os, sqlite3, sys, time
db = sqlite3.connect(os.path.join(sys.argv[1], "commits"), isolation_level=None)
db.execute("PRAGMA journal_mode=WAL"); db.execute("PRAGMA synchronous=FULL")
db.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)")
times = []
for n in range(200):
    begin = time.perf_counter()
    db.execute("INSERT INTO t(b) VALUES (?)", ("x" * 300,))
    times.append(time.perf_counter() - begin)
print(sorted(times)[100] * 1000)
"""


def seconds(line: list[object]) -> float:
    """The middle of nine runs."""
    runs = []
    for _ in range(9):
        begin = time.perf_counter()
        subprocess.run(line, check=True, capture_output=True)
        runs.append(time.perf_counter() - begin)
    return statistics.median(runs)


def said(*line: object) -> str:
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout


def measure() -> list[tuple[str, str]]:
    nothing = seconds([VENV, "-c", "pass"])
    rows = []
    for module in ("dsrkit", "requests", "httpx", "aiohttp"):
        if subprocess.run([VENV, "-c", f"import {module}"], capture_output=True).returncode == 0:
            more = seconds([VENV, "-c", f"import {module}"]) - nothing
            rows.append((f"`import {module}`, beyond Python's own start", f"{more * 1000:.0f} ms"))
    for wheel in sorted((ROOT / "target/wheels").glob("dsrkit-*.whl")):
        rows.append((f"wheel ({wheel.name.split('-')[-1]})", f"{wheel.stat().st_size / 2**20:.1f} MiB"))
    if subprocess.run([VENV, "-c", "import dsrkit"], capture_output=True).returncode == 0:
        first = "import dsrkit; c = dsrkit.Client.sandbox(); c.create_deletion(['a'])"
        rows.append(("Python's start to the first answer of a simulated vendor", f"{seconds([VENV, '-c', first]) * 1000:.0f} ms"))
        threads = said(VENV, "-c", first + "; print(open('/proc/self/status').read())")
        found = re.search(r"Threads:\s+(\d+)", threads)
        rows.append(("threads then, the simulated vendor's included", found[1] if found else "?"))
        people = 20_000
        with tempfile.TemporaryDirectory(dir=ROOT / "target") as place:
            planned, done, batches = map(int, said(VENV, "-c", JOURNAL, place, str(people)).split())
        rows.append(("journal, bytes per planned id (31 bytes each)", f"{planned / people:.0f}"))
        rows.append(("journal, bytes more per request and its looks", f"{done / batches:.0f}"))
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as place:
        each = float(said(sys.executable, "-c", COMMIT, place))
    rows.append(("one durable commit (SQLite, FULL) on this disk", f"{each:.2f} ms"))
    rows.append(("four of them for each request, at one request a second", f"{each * 4 / 10:.1f} % of the time"))
    return rows


def table() -> str:
    lines = ["| what | how much |", "| --- | --- |", *(f"| {what} | {much} |" for what, much in measure())]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
