"""Requests of each client, 64 at once, to one server on this machine: CPU per request, ratios.

`run.py [COUNT] [ROUNDS]`: so many creates and as many looks. The turns are interleaved, so that what
else the machine does meets all alike; each figure is the middle of its rounds, with the least and
the most. The Python clients are installed at fixed versions into target/bench-venv.
"""

import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / "target/bench-venv"
PEERS = [
    *["requests==2.32.5", "httpx==0.28.1", "aiohttp==3.13.2", "uvloop==0.23.0", "urllib3==2.5.0", "pycurl==7.49.0"],
    *["polars==1.35.2", "orjson==3.11.4", "pandas==3.1.1", "duckdb==2.0.0", "pyarrow==26.0.1"],
    *["pyzipper==0.4.0", "stream-unzip==0.0.101"],
]
RUST = ["hyper", "dsrkit", "reqwest"]
PYTHON = ["pycurl", "aiohttp+uvloop", "aiohttp", "http.client", "urllib3", "requests", "httpx", "httpx async"]
SLOW = {"requests": 5, "httpx": 10, "httpx async": 10}
"""These get fewer requests: their figure per request is the same, and the run ends today."""


def venv() -> str:
    python = VENV / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    kept = VENV / "peers.txt"
    if not kept.exists() or kept.read_text() != str(PEERS):
        subprocess.run([python, "-m", "pip", "install", "-q", *PEERS], check=True)
        kept.write_text(str(PEERS))
    return str(python)


def measure(count: int, rounds: int) -> dict[str, list[tuple[float, float]]]:
    build = ["cargo", "build", "--release", "-q", "-p", "dsrkit", "--features", "sandbox,blocking,testing,postgres"]
    subprocess.run([*build, "--example", "requests"], cwd=ROOT, check=True)
    ours = str(ROOT / "target/release/examples/requests")
    python, peers = venv(), str(Path(__file__).with_name("peers.py"))
    vendor = subprocess.Popen([ours, "vendor"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert vendor.stdout is not None
        address = vendor.stdout.readline().strip()
        lines = {name: [ours, name, address] for name in RUST}
        lines |= {name: [python, peers, name, address] for name in PYTHON}
        figures: dict[str, list[tuple[float, float]]] = {name: [] for name in lines}
        for _ in range(rounds):
            for name, line in lines.items():
                some = str(count // SLOW.get(name, 1))
                shown = subprocess.run([*line, some], check=True, capture_output=True, text=True)
                cpu, peak = shown.stdout.split()
                figures[name].append((float(cpu), float(peak) / 1024))
        return figures
    finally:
        vendor.communicate("")


def rows(figures: dict[str, list[tuple[float, float]]]) -> list[dict[str, object]]:
    middle = {name: statistics.median(cpu for cpu, _ in runs) for name, runs in figures.items()}
    return [
        {
            "client": name,
            "microseconds": middle[name],
            "least": min(cpu for cpu, _ in runs),
            "most": max(cpu for cpu, _ in runs),
            "mib": max(mib for _, mib in runs),
            "ratio": middle[name] / middle["dsrkit"],
        }
        for name, runs in figures.items()
    ]


def main() -> None:
    given = [int(each) for each in sys.argv[1:] if each.isdigit()]
    count, rounds = [*given, *[5000, 5][len(given) :]]
    for row in rows(measure(count, rounds)):
        print(
            f"{row['client']:12} {row['microseconds']:8.1f} us of CPU per request "
            f"({row['least']:.1f}-{row['most']:.1f})  {row['mib']:4.0f} MiB  {row['ratio']:6.2f}x dsrkit"
        )


if __name__ == "__main__":
    main()
