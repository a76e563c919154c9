"""Intake beside a plain Python script and polars: one run, all sides on the same files.

`run.py [ROWS] [ROUNDS]`, 2,000,000 and 3 by default. CPU seconds by the operating system's account,
the turns interleaved; each figure is the middle of its rounds.
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

# The Python API as users call it: a plan in a journal in memory, so that what is compared is the
# intake; `path` and `arrow` beside the Rust program's figure for the same.
API = """
import sys, dsrkit
from pathlib import Path
how, path = sys.argv[1:]
settings = dsrkit.Settings(max_ids_per_deletion_plan=10**9)
client = dsrkit.Client(dsrkit.Mixpanel("p", "o"), journal=":memory:", settings=settings)
if how == "path":
    ids = Path(path)
elif how == "list":
    with open(path) as file:
        ids = [line.rstrip("\\n") for line in file]
else:
    import polars
    ids = polars.read_csv(path, has_header=False, new_columns=["id"])["id"]
print(client.plan_retrieval(ids).subjects)
"""


def measured(command: list[str]) -> tuple[float, float]:
    """CPU seconds and peak MiB of a command."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{command[0]} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def program() -> str:
    build = ["cargo", "build", "--release", "-q", "-p", "dsrkit", "--features", "sandbox", "--example", "intake_memory"]
    subprocess.run(build, cwd=ROOT, check=True)
    return str(ROOT / "target/release/examples/intake_memory")


def has(*modules: str) -> bool:
    """Whether the venv of the benches has these."""
    line = [VENV, "-c", f"import {', '.join(modules)}"]
    return VENV.exists() and subprocess.run(line, capture_output=True).returncode == 0


def sides(ours: str, place: Path, ending: str, count: str) -> dict[str, list[str]]:
    path = str(place / f"ids.{ending}")
    scripts = {"plain": PLAIN, "polars": POLARS, "api": API}
    for name, text in scripts.items():
        (place / f"{name}.py").write_text(text)
    lines = {
        "dsrkit": [ours, count, path],
        "dsrkit, all in memory": [ours, count, path, "16384"],
        "plain Python": [sys.executable, str(place / "plain.py"), path],
    }
    if ending == "csv" and has("polars", "orjson"):
        lines["polars, orjson"] = [str(VENV), str(place / "polars.py"), path]
    if ending == "txt" and has("dsrkit"):
        for how in ("path", "list", *(["arrow"] if has("polars") else [])):
            name = f"dsrkit from Python, {how}"
            lines[name] = [str(VENV), str(place / "api.py"), how, path]
    return lines


def compare(count: int, rounds: int) -> list[dict[str, object]]:
    ours = program()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("txt", "csv"):
            lines = sides(ours, Path(folder), ending, str(count))
            measured(lines["dsrkit"])  # writes the file
            figures: dict[str, list[tuple[float, float]]] = {name: [] for name in lines}
            for _ in range(rounds):
                for name, line in lines.items():
                    figures[name].append(measured(line))
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
            f"{row['file']}  {row['rows']} rows  {row['side']:26} {row['cpu']:7.2f} CPU s "
            f"({row['least']:.2f}-{row['most']:.2f})  {row['mib']:6.0f} MiB  {row['ratio']:5.2f}x dsrkit"
        )


if __name__ == "__main__":
    main()
