"""All benches in one run: `run.py` writes docs/PERFORMANCE.md and docs/performance/*.svg; `--quick` (less
of everything) and `--only=Intake` (some parts) write target/PERFORMANCE.part.md.

What is written by people about the figures stands in benches/words.md and is copied in. A part that
fails is told in its place, and the others go on.
"""

import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import plot

HERE = Path(__file__).parent
ROOT = HERE.parent
PLOTS = ROOT / ("target/performance" if "--quick" in sys.argv else "docs/performance")
QUICK = "--quick" in sys.argv


def bench(folder: str) -> ModuleType:
    """The run.py of one of the benches, as a module of its own."""
    spec = importlib.util.spec_from_file_location(folder, HERE / folder / "run.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(head: list[str], rows: list[list[object]]) -> str:
    lines = [head, ["---"] * len(head), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def spread(row: dict[str, float], digits: int) -> str:
    return f"{row['least']:.{digits}f}-{row['most']:.{digits}f}"


goals: list[list[object]] = []


def goal(what: str, wanted: float, got: float, *, most: bool, unit: str = "x") -> None:
    reached = got <= wanted if most else got >= wanted
    sign = "<=" if most else ">="
    goals.append([what, f"{sign} {wanted:g}{unit}", f"{got:.2f}{unit}", "yes" if reached else "**no**"])


def intake() -> str:
    module = bench("intake")
    rows = module.compare(1_000_000 if QUICK else 10_000_000, 3)
    by = {(row["file"], row["side"]): row for row in rows}
    memory = "dsrkit, all in memory"
    for file, wanted in (("csv", 20), ("txt", 10)):
        plain = by[file, "plain Python"]["cpu"]
        name = "CSV" if file == "csv" else "lines"
        goal(f"W1 {name}: plain Python beside ours in memory", wanted, plain / by[file, memory]["cpu"], most=False)
        goal(f"W1 {name}: the same beside the default", wanted, plain / by[file, "dsrkit"]["cpu"], most=False)
    if ("csv", "polars, orjson") in by:
        goal("W1 CSV: polars beside ours in memory", 4, by["csv", "polars, orjson"]["cpu"] / by["csv", memory]["cpu"], most=False)
    rust = by["txt", "a plan from Rust, path"]["cpu"]
    for how in ("path", "arrow"):
        if ("txt", f"a plan from Python, {how}") in by:
            took = by["txt", f"a plan from Python, {how}"]["cpu"]
            goal(f"W1 through Python, {how}, beside the same from Rust", 1.5, took / rust, most=True)
    bounded = [by[file, "dsrkit"]["mib"] for file in ("txt", "csv")]
    grown = module.grow([10**power for power in range(3, 7 if QUICK else 9)])
    goal(f"W1 memory by default, up to {grown[-1]['rows']:,} ids", 64, max(*bounded, *(r["mib"] for r in grown)), most=True, unit=" MiB")
    sides = {"CPU seconds": [(row["rows"], row["cpu"]) for row in grown], "peak MiB": [(row["rows"], row["mib"]) for row in grown]}
    plot.lines(PLOTS / "intake.svg", "Intake of more and more ids, by default", "ids", "CPU s, MiB", sides)
    head = ["file", "rows", "side", "CPU s", "least-most", "peak MiB", "beside ours by default"]
    cells = [[r["file"], r["rows"], r["side"], f"{r['cpu']:.2f}", spread(r, 2), f"{r['mib']:.0f}", f"{r['ratio']:.2f}x"] for r in rows]
    more = table(["ids", "CPU s", "peak MiB"], [[r["rows"], f"{r['cpu']:.2f}", f"{r['mib']:.0f}"] for r in grown])
    return f"{table(head, cells)}\n\n![how it grows](performance/intake.svg)\n\n{more}"


def requests() -> str:
    module = bench("requests")
    figures = module.measure(2_500 if QUICK else 5_000, 3 if QUICK else 7)
    rows = module.rows(figures)
    by = {row["client"]: row for row in rows}
    goal("W2 a request beside hyper", 1.7, 1 / by["hyper"]["ratio"], most=True)
    goal("W2 a request of `requests` beside ours", 20, by["requests"]["ratio"], most=False)
    head = ["client", "us of CPU per request", "least-most", "peak MiB", "beside ours"]
    cells = [[r["client"], f"{r['microseconds']:.1f}", spread(r, 1), f"{r['mib']:.0f}", f"{r['ratio']:.2f}x"] for r in rows]
    return table(head, cells)


def example(name: str, *arguments: str, **variables: str) -> str:
    line = [ROOT / "target/release/examples" / name, *arguments]
    around = os.environ | variables
    return subprocess.run(line, cwd=ROOT, check=True, capture_output=True, text=True, env=around).stdout


def projects() -> str:
    rows, seconds = [], "6" if QUICK else "20"
    for count in (1, 10, 100, 1_000, 10_000):
        said = example("projects", str(count), seconds)
        cores, mib, p99 = (float(found) for found in re.findall(r"cores +([\d.]+)|memory +(\d+)|p99 ([\d.]+)", said) for found in found if found)
        rows.append((count, cores, mib, p99))
    count, cores, mib, p99 = rows[-1]
    goal("W2 10,000 projects", 0.35, cores, most=True, unit=" core")
    goal("W2 10,000 projects", 64, mib, most=True, unit=" MiB")
    goal("W2 10,000 projects, due to done, p99", 20, p99, most=True, unit=" ms")
    sides = {"cores": [(n, c) for n, c, _, _ in rows], "MiB": [(n, m) for n, _, m, _ in rows], "p99 ms": [(n, p) for n, _, _, p in rows]}
    plot.lines(PLOTS / "projects.svg", "Projects in one process, a call a second each", "projects", "cores, MiB, ms", sides)
    cells = [[n, f"{c:.2f}", f"{m:.0f}", f"{p:.1f}"] for n, c, m, p in rows]
    each = (mib - rows[0][2]) * 1024 / count
    return f"Memory for each further project: {each:.1f} KiB.\n\n" + table(["projects", "cores", "peak MiB", "due to done p99, ms"], cells) + "\n\n![how it grows](performance/projects.svg)"


def schedule() -> str:
    """dsrkit over all scenarios with 21 seeds; the scripts, which need a million calls, in a few."""
    seeds, few = ("3", "1") if QUICK else ("21", "3")
    ours = example("schedule", SEEDS=seeds, ALONE="1").strip()
    judge(ours)
    if QUICK:
        return ours
    beside = example("schedule", SEEDS=few, ROWS="1,2,7,8,13").strip()
    return f"{ours}\n\nBeside scripts, {few} seeds:\n\n{beside}\n\nAll of them: [SCHEDULE.md](SCHEDULE.md)."


def judge(text: str) -> None:
    """The goals of the schedule, from the table that the program prints."""
    found = re.findall(r"\*\*(.+?)\*\*.*?\| dsrkit \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| [\d.]+ \| ([\d.]+) \|", text, re.S)
    rows = {place: (name, *map(float, figures)) for place, (name, *figures) in enumerate(found)}
    capped = [row for row in rows.values() if "deletions" not in row[0]]
    bound = [row for row in rows.values() if "deletions" in row[0]]
    goal("W3 capped: middle over the oracle, the worst scenario", 1.02, max(row[1] for row in capped), most=True)
    goal("W3 capped: the worst seed", 1.045, max(row[2] for row in capped), most=True)
    minutes = [row[3] for row in capped if row[0] in ("60 s", "10 min")]
    goal("W3 requests per job, jobs of minutes", 20, max(minutes), most=True, unit="")
    goal("W3 requests per job, longer jobs", 95, max(row[3] for row in capped), most=True, unit="")
    goal("W3 429s for the pace per job", 0.05, max(row[4] for row in rows.values()), most=True, unit="")
    goal("W3 bound by requests: middle over the oracle", 1.15, max(row[1] for row in bound), most=True)


def archive() -> str:
    module = bench("archive")
    found = module.measure(64, 200) if QUICK else module.measure()
    for what, wanted, got, most, unit in module.goals(found):
        goal(what, wanted, got, most=most, unit=unit)
    head = ["cipher", "files", "side", "s", "least-most", "CPU s", "beside ours", "CPU beside ours"]
    cells = [
        [r["cipher"], r["files"], r["side"], f"{r['wall']:.2f}", spread(r, 2), f"{r['cpu']:.2f}", f"{r['ratio']:.2f}x", f"{r['cpu_ratio']:.2f}x"]
        for r in found["unpacking"]
    ]
    split, packages = found["split"], found["packages"]
    parts = f"Split of {found['mib']} MiB for {found['people']} people: {split['split']:.2f} s, {split['ratio']:.2f}x a plain copy ({split['copy']:.2f} s); "
    parts += f"{split['mib']:.0f} MiB of memory. With packages for {packages['of_mib']} MiB: {packages['packages']:.2f} s more, {packages['mib']:.0f} MiB."
    grown = found["grown"]
    sides = {name: [(row["mib"], row[key]) for row in grown] for name, key in (("unpack, s", "unpack"), ("split, s", "split"), ("peak MiB", "peak_mib"))}
    plot.lines(PLOTS / "archive.svg", "Archives of more and more data", "MiB", "s, MiB", sides)
    rows = [[r["mib"], r["people"], f"{r['unpack']:.2f}", f"{r['split']:.2f}", r["peak_mib"]] for r in [*grown, *found["grown_people"]]]
    more = table(["MiB", "people", "unpack, s", "split, s", "peak MiB"], rows)
    words = (HERE / "archive/words.md").read_text().strip()
    return f"{table(head, cells)}\n\n{parts}\n\n![how it grows](performance/archive.svg)\n\n{more}\n\n{words}"


def costs() -> str:
    return str(bench("costs").table())


def instructions() -> str:
    kept = json.loads((HERE / "instructions/counts.json").read_text())
    rows: list[list[object]] = [[path, f"{count:,.0f}"] for path, count in kept.items()]
    return "Kept in benches/instructions/counts.json and compared by every gate; the quick build of the tests.\n\n" + table(
        ["path", "instructions each"], rows
    )


def c() -> str:
    return subprocess.run([sys.executable, HERE / "ffi/run.py"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def prepare() -> None:
    """The programs and the venv: none of it counts."""
    names = ("requests", "projects", "schedule", "intake_memory", "archive_speed")
    line = ["cargo", "build", "--release", "-q", "-p", "dsrkit", "--features", "sandbox,blocking,testing,postgres"]
    subprocess.run([*line, *(word for name in names for word in ("--example", name))], cwd=ROOT, check=True)
    python = bench("requests").venv()
    if not QUICK:
        # The program of the C surface, too, so that its build falls into no figure.
        subprocess.run(["cargo", "build", "-q", "--release", "-p", "dsrkit-ffi", "--lib", "--example", "direct"], cwd=ROOT, check=True)
        subprocess.run(["make", "wheel"], cwd=ROOT, check=True)
        wheels = sorted((ROOT / "target/wheels").glob("dsrkit-*.whl"))
        line = [python, "-m", "pip", "install", "-q", "--force-reinstall", "--no-deps", wheels[-1]]
        subprocess.run(line, check=True)


def main() -> None:
    PLOTS.mkdir(parents=True, exist_ok=True)
    prepare()
    load, begun = os.getloadavg()[0], time.time()
    sections = {"Intake": intake, "Requests": requests, "Projects": projects, "Schedule": schedule, "Archives": archive}
    sections |= {"What users feel": costs, "Instructions": instructions} | ({} if QUICK else {"Through C": c})
    only = {word.removeprefix("--only=") for word in sys.argv if word.startswith("--only=")}
    parts = {}
    for title, section in sections.items():
        if only and title not in only:
            continue
        before = time.time()
        try:
            parts[title] = section()
        except subprocess.CalledProcessError as error:
            parts[title] = f"Not measured in this run: {error}\n\n{str(error.stderr or '')[-500:]}"
        except Exception as error:  # whatever it is, the other parts count
            parts[title] = f"Not measured in this run: {error!r}"
        failed = parts[title].startswith("Not measured")
        print(f"{title}: {time.time() - before:.0f} s{', NOT MEASURED' if failed else ''}", flush=True)
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "?")
    text = [
        "# Performance",
        "",
        f"Written by `make bench{'-quick' if QUICK else ''}` in {(time.time() - begun) / 60:.0f} minutes: {os.cpu_count()} cores ({model}), "
        f"Linux {platform.release()}, Python {platform.python_version()}. Load when it began: {load:.1f}"
        + (" (not a quiet machine: look at ratios only)." if load > 0.7 else "."),
        "All sides of a comparison ran in turns in this one run; ratios count, not the figures themselves.",
        "",
        "## Goals",
        "",
        table(["goal", "wanted", "measured", "reached"], goals),
    ]
    for title, part in parts.items():
        text += ["", f"## {title}", "", part]
    text += ["", (HERE / "words.md").read_text().strip(), ""]
    whole = ROOT / "docs/PERFORMANCE.md"
    (ROOT / "target/PERFORMANCE.part.md" if only or QUICK else whole).write_text("\n".join(text))
    print(table(["goal", "wanted", "measured", "reached"], goals))


if __name__ == "__main__":
    main()
