"""Intake beside plain Python, polars, duckdb, pandas and the obvious Rust; through the Python API beside
Rust: one run, all sides on the same files.

`run.py [ROWS] [ROUNDS]`, 2,000,000 and 3 by default. CPU seconds by the operating system's account,
the turns interleaved; each figure is the middle of its rounds. The sides are those that the venv of
the benches has.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / "target/bench-venv/bin/python"

PLAIN = """
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

POLARS = """
import sys, orjson, polars
path = sys.argv[1]
ids = polars.read_csv(path, columns=["distinct_id"])["distinct_id"].unique(maintain_order=True)
total = sum(len(orjson.dumps(ids[at : at + 2000].to_list())) for at in range(0, len(ids), 2000))
print(len(ids), "ids,", total, "bytes of JSON")
"""

PANDAS = """
import sys, orjson, pandas
path = sys.argv[1]
ids = pandas.read_csv(path, usecols=["distinct_id"], dtype=str)["distinct_id"].drop_duplicates().tolist()
total = sum(len(orjson.dumps(ids[at : at + 2000])) for at in range(0, len(ids), 2000))
print(len(ids), "ids,", total, "bytes of JSON")
"""

DUCKDB = """
import sys, orjson, duckdb
path = sys.argv[1]
ids = duckdb.sql(
    "select distinct_id from (select distinct_id, min(row) as first from "
    f"read_csv('{path}', header=true, quote='\\"', all_varchar=true, types={{'row': 'BIGINT'}}) group by distinct_id) order by first"
).fetchnumpy()["distinct_id"].tolist()
total = sum(len(orjson.dumps(ids[at : at + 2000])) for at in range(0, len(ids), 2000))
print(len(ids), "ids,", total, "bytes of JSON")
"""

# The Python API as users call it, beside a Rust program that does the same: a plan in a journal. What
# the call itself took is told, so that reading a column into memory and starting Python do not count.
API = """
import sys, time, dsrkit
from pathlib import Path
how, path, journal = sys.argv[1:]
client = dsrkit.Client(dsrkit.Mixpanel("p", "o"), journal=journal)
if how == "path":
    ids = Path(path)
elif how == "list":
    with open(path) as file:
        ids = [line.rstrip("\\n") for line in file]
else:
    import polars
    ids = polars.read_csv(path, has_header=False, new_columns=["id"])["id"]
begin = time.process_time()
client.plan_retrieval(ids, archives=str(Path(sys.argv[2]).parent))
print("cpu", time.process_time() - begin)
"""

SLOW = {"pandas, orjson", "duckdb, orjson", "HashSet<String> in Rust"}
"""One round each: they take long, and nothing is judged by them."""


def measured(command: list[str]) -> tuple[float, float]:
    """CPU seconds, its own account if it gives one, and peak MiB of a command."""
    with tempfile.TemporaryFile() as told:
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, told.fileno(), 1)])
        _, status, usage = os.wait4(pid, 0)
        if status:
            raise ValueError(f"{Path(command[0]).name} {' '.join(command[1:2])} failed")
        told.seek(0)
        words = told.read().decode().split()
    cpu = float(words[1]) if words[:1] == ["cpu"] else usage.ru_utime + usage.ru_stime
    return cpu, usage.ru_maxrss / 1024


def program() -> str:
    build = ["cargo", "build", "--release", "-q", "-p", "dsrkit", "--features", "sandbox,blocking,testing,postgres"]
    subprocess.run([*build, "--example", "intake_memory"], cwd=ROOT, check=True)
    return str(ROOT / "target/release/examples/intake_memory")


def has(*modules: str) -> bool:
    """Whether the venv of the benches has these."""
    line = [VENV, "-c", f"import {', '.join(modules)}"]
    return VENV.exists() and subprocess.run(line, capture_output=True).returncode == 0


def sides(ours: str, place: Path, ending: str, count: str) -> dict[str, list[str]]:
    path = str(place / f"ids.{ending}")
    scripts = {"plain": PLAIN, "polars": POLARS, "pandas": PANDAS, "duckdb": DUCKDB, "api": API}
    for name, text in scripts.items():
        (place / f"side_{name}.py").write_text(text)
    lines = {
        "dsrkit": [ours, count, path],
        "dsrkit, all in memory": [ours, count, path, "16384"],
        "plain Python": [sys.executable, str(place / "side_plain.py"), path],
        "floor: read the file": [ours, count, path, "read"],
    }
    if ending == "csv":
        for name in ("polars", "pandas", "duckdb"):
            if has(name, "orjson"):
                lines[f"{name}, orjson"] = [str(VENV), str(place / f"side_{name}.py"), path]
        return lines
    lines["floor: read, write as JSON"] = [ours, count, path, "copy"]
    lines["HashSet<String> in Rust"] = [ours, count, path, "obvious"]
    lines["a plan from Rust, path"] = [ours, count, path, "plan"]
    if has("dsrkit"):
        for how in ("path", "list", *(["arrow"] if has("polars") else [])):
            lines[f"a plan from Python, {how}"] = [str(VENV), str(place / "side_api.py"), how, path, ":memory:"]
        kept = str(place / "kept.sqlite3")
        lines["a plan from Python, path, journal on disk"] = [str(VENV), str(place / "side_api.py"), "path", path, kept]
    return lines


def compare(count: int, rounds: int) -> list[dict[str, object]]:
    ours = program()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("txt", "csv"):
            lines = sides(ours, Path(folder), ending, str(count))
            measured(lines["dsrkit"])  # writes the file
            figures: dict[str, list[tuple[float, float]]] = {name: [] for name in lines}
            for turn in range(rounds):
                for name, line in lines.items():
                    if turn == 0 or name not in SLOW:
                        figures[name].append(measured(line))
                    for old in Path(folder).glob("kept*"):
                        old.unlink()
            base = statistics.median(cpu for cpu, _ in figures["dsrkit"])
            for name, runs in figures.items():
                cpu = statistics.median(cpu for cpu, _ in runs)
                rows.append(
                    {
                        "file": ending,
                        "rows": count,
                        "side": name,
                        "cpu": cpu,
                        "least": min(cpu for cpu, _ in runs),
                        "most": max(cpu for cpu, _ in runs),
                        "mib": max(mib for _, mib in runs),
                        "ratio": cpu / base,
                    }
                )
            Path(folder, f"ids.{ending}").unlink()
    return rows


def grow(counts: list[int]) -> list[dict[str, float]]:
    """The default settings over more and more ids that come from an iterator."""
    ours = program()
    rows = []
    for count in counts:
        cpu, mib = measured([ours, str(count)])
        rows.append({"rows": count, "cpu": cpu, "mib": mib})
    return rows


def main() -> None:
    given = [int(each) for each in sys.argv[1:] if each.isdigit()]
    rows = compare(*[*given, *[2_000_000, 3][len(given) :]])
    if "--json" in sys.argv:
        print(json.dumps(rows))
        return
    for row in rows:
        print(
            f"{row['file']}  {row['rows']} rows  {row['side']:42} {row['cpu']:7.2f} CPU s "
            f"({row['least']:.2f}-{row['most']:.2f})  {row['mib']:6.0f} MiB  {row['ratio']:5.2f}x dsrkit"
        )


if __name__ == "__main__":
    main()
