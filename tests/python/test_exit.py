"""A program that ends ends, whatever is still open, and records what was under way."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import dsrkit

OPEN = """
import asyncio, threading, time
import dsrkit

vendor = dsrkit.Sandbox(speed="real", state="vendor.log")
client = dsrkit.Client(vendor.mixpanel(), journal="dsr.sqlite3")
run = client.delete(["a", "b"], confirm=2)
{then}
print(time.time(), flush=True)
"""

THREAD = "threading.Thread(target=run.wait, daemon=True).start(); time.sleep(0.2)"
TASK = """
async def main():
    other = dsrkit.AsyncClient(vendor.mixpanel(), journal="other.sqlite3")
    own = await other.delete(["c"], confirm=1)
    waiting = asyncio.ensure_future(own.wait())
    await asyncio.sleep(0.2)
asyncio.run(main())
"""
EVENT = "next(run.events())"
DEADLINE = """
try:
    run.wait(timeout=0.01)
except TimeoutError:
    pass
"""


TIMES = 20 if os.environ.get("DSRKIT_SOAK") else 1


@pytest.mark.parametrize("then", ["", EVENT, DEADLINE, THREAD, TASK] * TIMES)
def test_the_interpreter_ends_with_an_unfinished_run(
    program: object, tmp_path: Path, then: str
) -> None:
    assert callable(program)
    process = program(OPEN.format(then=then))
    said = process.stdout.readline()
    _, err = process.communicate(timeout=10)
    took = time.time() - float(said or "nan")
    assert process.returncode == 0, err
    assert err == ""
    assert took < 2
    with dsrkit.Sandbox(state=tmp_path / "vendor.log") as vendor:
        with dsrkit.Client(vendor.mixpanel(), tmp_path / "dsr.sqlite3") as client:
            report = client.runs()[0].wait()
        assert report.counts == {"done": 2}
        assert report.ambiguous == ()
        assert vendor.summary()["max_per_id"] == 1
