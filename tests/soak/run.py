#!/usr/bin/env python3
"""The long runs of a release, piece by piece, with one table at the end.

    run.py                everything that has no result yet of these sources (hours)
    run.py G1 G4:3        only these goals, or pieces of them
    run.py --table        the table of what was done

PROFILE=test takes the quick build of the tests instead of the release build, REUSE=1 the programs of
the sitting before, FUZZ_SECONDS=60 a shorter time for each fuzzer.

Each piece leaves its result in target/soak, so that the whole can be done in several sittings.
A result is of the commit that it was made with, and the table says which.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PLACE = TARGET / "soak"
FEATURES = os.environ.get("FEATURES", "sandbox,blocking,testing,postgres")
PROFILE = os.environ.get("PROFILE", "release")
PYTHON = ROOT / ".venv" / "bin" / "python"


def rust(program: str, test: str, pieces: int = 1) -> list[tuple[str, dict[str, str]]]:
    """A test of a Rust program, in so many pieces."""
    return [
        (f"{program} {test}", {"PIECE": f"{n}/{pieces}"} if pieces > 1 else {})
        for n in range(1, pieces + 1)
    ]


def workers(test: str) -> list[tuple[str, dict[str, str]]]:
    """A test of workers on PostgreSQL."""
    return rust("postgres", f"workers::{test}")


def fuzz(seconds: int) -> list[tuple[str, dict[str, str]]]:
    targets = sorted(path.stem for path in (ROOT / "tests/fuzz/fuzz_targets").glob("*.rs"))
    return [(f"$ tests/fuzz/run.sh {target} {seconds}", {}) for target in targets]


PIECES = {
    "G1": rust("simulation", "g1_g2_g9_any_seed_holds", 20)
    + rust("simulation", "g1_a_crash_at_every_step")
    + rust("simulation", "g1_a_seed_is_the_same_twice"),
    "G3": [("$ tests/mutants/run.sh", {})],
    "G4": rust("crashes", "g4_killed_at_every_failpoint", 12)
    + rust("crashes", "g4_killed_at_every_failpoint_with_a_journal_on_postgresql", 4),
    "G5": [
        (f"$ {PYTHON} -m pytest -q -s tests/python/test_demo.py -k killed", {"PIECE": f"{n}/5"})
        for n in range(1, 6)
    ]
    + [("$ tests/c/killed.sh 300", {})],
    "G6": rust("crashes", "g6_a_disk_that_fails_at_every_call", 6)
    + rust("crashes", "g6_a_disk_that_is_really_full"),
    "G7": rust("crashes", "g7_the_power_goes_at_any_moment", 4),
    "G8": rust("simulation", "g8_a_day_without_the_vendor"),
    "G9": workers("four_workers_keep_one_pace_and_the_next_goes_on_when_one_is_killed"),
    "G10": rust("simulation", "g10_a_clock_that_jumps", 4),
    "G11": rust("lib", "archive::"),
    "G12": fuzz(int(os.environ.get("FUZZ_SECONDS", "1800"))),
    "G15": [("$ env SANITIZED=1 tests/c/soak.sh", {})],
    "G17": [
        (f"$ {PYTHON} -m pytest -q tests/python/test_{what}.py", {"DSRKIT_SOAK": "1"})
        for what in ("signals", "fork", "exit", "async", "threads")
    ],
    "G18": rust("simulation", "g18_cancelled_at_any_moment", 4),
    "G20": rust("soak", "g20_a_million_ids_for_a_month"),
    "G21": rust(
        "processes", "the_second_process_is_told_who_has_the_journal_and_goes_on_after_a_kill"
    ),
    "G22": workers("killed_stopped_cut_off_and_restarted_nothing_is_lost_or_repeated")
    + rust("simulation", "g22_processes_side_by_side", 4),
    "every call": rust("durability", "a_run_survives_a_crash_at_every_call"),
    "large archive": rust("large_archive", "::"),
    "ten million ids": [
        ("$ cargo run --release -q -p dsrkit --example intake_memory -- 10000000", {})
    ],
}


def commit() -> str:
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    )
    return said.stdout.strip() or "?"


def made() -> str:
    """The commit that the programs were built from."""
    return (PLACE / "bin" / "commit").read_text().strip()


def built(programs: set[str]) -> dict[str, Path]:
    """The test programs, copied aside so that later builds do not take them away. With REUSE they
    are those that were built before, whatever has changed since."""
    if "REUSE" in os.environ:
        return {name: PLACE / "bin" / name for name in programs}
    tests = [flag for name in sorted(programs - {"lib"}) for flag in ("--test", name)]
    command = ["cargo", "test", "--no-run", "-q", "--profile", PROFILE, "-p", "dsrkit"]
    command += ["--features", FEATURES, "--message-format", "json", *tests]
    command += ["--lib"] if "lib" in programs else []
    said = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Path] = {}
    for line in said.stdout.splitlines():
        artifact = json.loads(line)
        if path := artifact.get("executable"):
            lib = "lib" in artifact["target"]["kind"]
            name = "lib" if lib else artifact["target"]["name"]
            copy = PLACE / "bin" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.unlink(missing_ok=True)
            shutil.copy2(path, copy)
            found[name] = copy
    (PLACE / "bin" / "commit").write_text(commit())
    return found


def run(goal: str, number: int, command: str, env: dict[str, str], bins: dict[str, Path]) -> bool:
    if command.startswith("$ "):
        words = command[2:].split()
    else:
        program, test = command.split()
        exact = [] if test.endswith("::") else ["--exact"]
        named = [test] if test != "::" else []
        words = [str(bins[program]), *named, *exact, "--nocapture"]
    start = time.monotonic()
    done = subprocess.run(
        words,
        cwd=ROOT if command.startswith("$ ") else ROOT / "core",
        env={**os.environ, **env, "DSRKIT_SOAK": "1", "RUST_BACKTRACE": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = re.findall(r"^(?:.*\.\.\. )?(G\d+[^:\n]*: .+)$", done.stdout, re.MULTILINE)
    result = {
        "goal": goal,
        "piece": number,
        "command": command,
        "env": env,
        "said": said or ["passed"],
        "ok": done.returncode == 0,
        "seconds": round(time.monotonic() - start),
        "commit": commit() if command.startswith("$ ") else made(),
    }
    (PLACE / f"{goal}.{number}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"{goal}:{number} {'ok' if result['ok'] else 'FAILED'}", *said, sep="\n  ", flush=True)
    if done.returncode:
        (PLACE / f"{goal}.{number}.log").write_text(done.stdout)
        print(done.stdout[-6000:])
    return done.returncode == 0


def together(lines: list[str]) -> list[str]:
    """Lines that differ in their numbers only are added up; a least or a most stays one."""
    sums: dict[str, list[float]] = {}
    for line in lines:
        form = re.sub(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\w)", "#", line)
        numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\w)", line)
        old = sums.setdefault(form, [])
        if not old:
            old.extend(map(float, numbers))
            continue
        for at, (number, before) in enumerate(zip(numbers, form.split("#"))):
            pick = sum
            if re.search(r"least (gap )?$", before):
                pick = min
            elif re.search(r"(at most|over|of|that) $", before):
                pick = max
            old[at] = pick((old[at], float(number)))
    told = []
    for form, numbers in sums.items():
        parts = form.split("#")
        text = parts[0]
        for number, part in zip(numbers, parts[1:]):
            text += f"{number:,.0f}{part}"
        told.append(text)
    return told


def table() -> int:
    results = [json.loads(path.read_text()) for path in PLACE.glob("*.json")]
    print("| goal | pieces | what came of it | seconds | commit |\n|---|---|---|---|---|")
    missing = 0
    for goal, pieces in PIECES.items():
        mine = sorted((r for r in results if r["goal"] == goal), key=lambda r: r["piece"])
        failed = [r for r in mine if not r["ok"]]
        missing += len(pieces) - len(mine) + len(failed)
        said = together([line for r in mine if r["ok"] for line in r["said"]])
        text = "<br>".join(line.replace("|", "/") for line in said)
        if failed:
            text += f"<br>FAILED: pieces {', '.join(str(r['piece']) for r in failed)}"
        commits = ", ".join(sorted({r["commit"] for r in mine}))
        seconds = sum(r["seconds"] for r in mine)
        print(f"| {goal} | {len(mine)} of {len(pieces)} | {text} | {seconds} | {commits} |")
    return missing


def main(words: list[str]) -> int:
    PLACE.mkdir(parents=True, exist_ok=True)
    if words == ["--table"]:
        table()
        return 0
    asked = []
    for goal, pieces in PIECES.items():
        for number, (command, env) in enumerate(pieces, 1):
            here = PLACE / f"{goal}.{number}.json"
            fresh = here.exists() and json.loads(here.read_text())["ok"]
            fresh = fresh and json.loads(here.read_text())["commit"] == commit()
            named = goal in words or f"{goal}:{number}" in words
            if named or (not words and not fresh):
                asked.append((goal, number, command, env))
    programs = {command.split()[0] for _, _, command, _ in asked} - {"$"}
    bins = built(programs) if programs else {}
    good = [run(*piece, bins) for piece in asked]
    print()
    missing = table()
    if not words and missing:
        print(f"{missing} pieces are missing or failed", file=sys.stderr)
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
