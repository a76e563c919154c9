"""All benches in one run: `run.py [--quick]` writes docs/PERFORMANCE.md and docs/performance/*.svg.

What is written by people about the figures stands in benches/words.md and is copied in.
"""

import importlib.util
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
PLOTS = ROOT / "docs/performance"
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
    for how in ("path", "arrow"):
        if ("txt", f"dsrkit from Python, {how}") in by:
            goal(f"W1 through Python, {how}", 1.5, by["txt", f"dsrkit from Python, {how}"]["ratio"], most=True)
    goal("W1 memory by default", 64, max(by[file, "dsrkit"]["mib"] for file in ("txt", "csv")), most=True, unit=" MiB")
    grown = module.grow([10**power for power in range(3, 7 if QUICK else 9)])
    sides = {"CPU seconds": [(row["rows"], row["cpu"]) for row in grown], "peak MiB": [(row["rows"], row["mib"]) for row in grown]}
    plot.lines(PLOTS / "intake.svg", "Intake of more and more ids, by default", "ids", "CPU s, MiB", sides)
    head = ["file", "rows", "side", "CPU s", "least-most", "peak MiB", "beside ours"]
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


def example(name: str, *arguments: str) -> str:
    line = [ROOT / "target/release/examples" / name, *arguments]
    return subprocess.run(line, cwd=ROOT, check=True, capture_output=True, text=True).stdout


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
    return table(["projects", "cores", "peak MiB", "due to done p99, ms"], cells) + "\n\n![how it grows](performance/projects.svg)"


def schedule() -> str:
    return example("schedule", *(["3"] if QUICK else [])).strip()


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


def prepare() -> None:
    """The programs and the venv: none of it counts."""
    for name in ("requests", "projects", "schedule", "intake_memory", "archive_speed"):
        line = ["cargo", "build", "--release", "-q", "-p", "dsrkit", "--features", "sandbox", "--example", name]
        subprocess.run(line, cwd=ROOT, check=True)
    python = bench("requests").venv()
    if not QUICK:
        subprocess.run(["make", "wheel"], cwd=ROOT, check=True)
        wheels = sorted((ROOT / "target/wheels").glob("dsrkit-*.whl"))
        line = [python, "-m", "pip", "install", "-q", "--force-reinstall", "--no-deps", wheels[-1]]
        subprocess.run(line, check=True)


def main() -> None:
    PLOTS.mkdir(exist_ok=True)
    prepare()
    load, begun = os.getloadavg()[0], time.time()
    sections = {"Intake": intake, "Requests": requests, "Projects": projects, "Schedule": schedule, "Archives": archive, "What users feel": costs}
    parts = {}
    for title, section in sections.items():
        print(f"{title} ...", flush=True)
        try:
            parts[title] = section()
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            parts[title] = f"Not measured in this run: {error}"
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
    (ROOT / "docs/PERFORMANCE.md").write_text("\n".join(text))
    print(table(["goal", "wanted", "measured", "reached"], goals))


if __name__ == "__main__":
    main()
