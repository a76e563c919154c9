"""The demonstration: whole, killed anywhere and started again, and a second time."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

import dsrkit

DEMO = ("-m", "dsrkit", "demo")
# Of a release, whole or a piece of it (`PIECE=3/10`); or of every change.
SEEDS = list(range(50 if os.environ.get("DSRKIT_SOAK") else 3))
if "PIECE" in os.environ:
    _number, _of = map(int, os.environ["PIECE"].split("/"))
    SEEDS = SEEDS[(_number - 1) * len(SEEDS) // _of : _number * len(SEEDS) // _of]
KILLS = 7


def proof(folder: Path) -> None:
    """Every id was submitted once, at the allowed pace, and nobody leaked a secret."""
    with dsrkit.Sandbox(state=folder / "vendor.log") as vendor:
        ledger, summary = vendor.ledger(), vendor.summary()
    for operation, people in (("create_retrieval", 5_000), ("create_deletion", 10_000)):
        times = Counter(
            id
            for entry in ledger
            if entry["operation"] == operation and entry["processed"]
            for id in entry["ids"]
        )
        assert len(times) == people
        assert set(times.values()) == {1}
    assert summary["min_gap_ms"] >= 1000
    assert summary["store_requests_with_credentials"] == 0
    faults = {entry["fault"] for entry in ledger}
    assert {"status", "drop_after", "truncated_archive"} <= faults
    assert any(entry["status"] == 409 for entry in ledger)


def test_it_does_the_main_job_and_then_says_so(program: object, tmp_path: Path) -> None:
    assert callable(program)
    first = program(None, *DEMO)
    out, err = first.communicate(timeout=120)
    assert (first.returncode, err) == (0, "")
    assert "\x1b" not in out
    assert "each submitted exactly once" in out
    assert "10,000 done" in out and "5,000 done" in out
    proof(tmp_path / "demo")
    subjects = tmp_path / "demo" / "packages" / "subjects"
    assert sum(1 for _ in subjects.iterdir()) == 5_000
    named = [line.strip() for line in out.splitlines() if "/subjects/" in line]
    assert len(named) == 2
    for line in named:
        manifest = json.loads((tmp_path / line / "manifest.json").read_text("utf-8"))
        assert manifest
    second = program(None, *DEMO)
    again, err = second.communicate(timeout=60)
    assert (second.returncode, err) == (0, "")
    assert again.startswith("Nothing is left to do")
    account = out[out.index("The account") :]
    assert again[again.index("The account") :] == account


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_anywhere_it_goes_on(program: object, tmp_path: Path, seed: int) -> None:
    assert callable(program)
    chance = random.Random(seed)
    killed = 0
    for _ in range(KILLS):
        process = program(None, *DEMO)
        # The moment itself is what is tested: no event of the program marks it.
        time.sleep(chance.uniform(0.15, 1.6))
        killed += process.poll() is None
        process.kill()
        process.communicate()
    last = program(None, *DEMO)
    out, err = last.communicate(timeout=120)
    assert (last.returncode, err) == (0, ""), out[-2000:]
    assert "each submitted exactly once" in out
    proof(tmp_path / "demo")
    print(f"\nG5: {killed} kills of a Python program in 1 runs, 0 ids lost, 0 ids repeated")
