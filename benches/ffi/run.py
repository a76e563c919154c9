"""What the C surface costs: the same work through the C ABI and directly in Rust, by turns, in one run.

    python3 benches/ffi/run.py [--dev]

--dev measures the quick build of the tests instead of a release build. Prints the median of five turns.
"""

import json
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TURNS = 5
ROWS = {
    "plan_ids_per_s": "ids planned, per CPU second",
    "driven_events_per_s": "events with the work that makes them, per CPU second",
    "read_events_per_s": "events read from the journal, per CPU second",
    "outcomes_per_s": "outcomes of people, per CPU second",
    "getter_ns": "a getter (people of a plan), ns",
    "state_ns": "the state of a run, ns",
}


def main() -> None:
    dev = "--dev" in sys.argv
    flags = [] if dev else ["--release"]
    built = ROOT / "target" / ("debug" if dev else "release")
    cargo = ["cargo", "build", "-q", "-p", "dsrkit-ffi", "--lib", "--example", "direct", *flags]
    subprocess.run(cargo, cwd=ROOT, check=True)
    place = ROOT / "target" / "ffi-bench"
    place.mkdir(exist_ok=True)
    soname = place / "libdsrkit.so.0"
    soname.unlink(missing_ok=True)
    soname.symlink_to(built / "libdsrkit.so")
    program = place / "through_c"
    source = pathlib.Path(__file__).with_name("through_c.c")
    compiler = ["cc", "-O2", "-std=c99", f"-I{ROOT / 'include'}", str(source), "-o", str(program), str(soname)]
    subprocess.run([*compiler, f"-Wl,-rpath,{place}"], check=True)
    turns: dict[str, list[dict[str, float]]] = {"direct": [], "c": []}
    for _ in range(TURNS):
        for name, command in (("direct", built / "examples" / "direct"), ("c", program)):
            told = subprocess.run([command], check=True, capture_output=True, text=True).stdout
            turns[name].append(json.loads(told))
    events = turns["c"][0]["events"]
    print(f"{TURNS} turns each, {'the quick build of the tests' if dev else 'release build'}, a run of {events:,.0f} events")
    print("| | Rust | C | C / Rust |\n|---|---|---|---|")
    for key, what in ROWS.items():
        rust, c = (statistics.median(turn[key] for turn in turns[name]) for name in ("direct", "c"))
        print(f"| {what} | {rust:,.0f} | {c:,.0f} | {c / rust:.2f} |" if rust >= 10 else f"| {what} | {rust:.1f} | {c:.1f} | |")


if __name__ == "__main__":
    main()
