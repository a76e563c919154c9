"""Ctrl-C ends the waiting at once, and harms nothing."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

import dsrkit

WAITING = """
import sys, time
import dsrkit

with dsrkit.Sandbox(speed="real", state="vendor.log") as vendor:
    client = dsrkit.Client(vendor.mixpanel(), journal="dsr.sqlite3")
    run = client.{begin}
    for event in run.events():
        if event.kind == "waiting":
            break
    print(run.id, flush=True)
    try:
        {wait}
    except KeyboardInterrupt as interrupt:
        print(time.time(), flush=True)
        print(interrupt, flush=True)
        sys.exit(7)
"""


@pytest.mark.parametrize(
    "wait",
    [
        "run.wait()",
        "run.wait(timeout=3600)",
        "run.wait(progress=lambda event: None)",
        "list(run.events())",
    ],
)
def test_ctrl_c_ends_the_waiting_and_a_second_process_goes_on(
    program: object, tmp_path: Path, wait: str
) -> None:
    assert callable(program)
    process = program(WAITING.format(begin="delete(['a', 'b'], confirm=2)", wait=wait))
    run_id = process.stdout.readline().strip()
    assert run_id, process.stderr.read()
    # Once more inside of the wait: nothing tells from outside when it has begun.
    time.sleep(0.3)
    sent = time.time()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 7, err
    interrupted, said = out.split("\n", 1)
    assert float(interrupted) - sent < 0.2
    assert run_id in said and "dsr.sqlite3" in said
    with dsrkit.Sandbox(state=tmp_path / "vendor.log") as vendor:
        with dsrkit.Client(vendor.mixpanel(), tmp_path / "dsr.sqlite3") as client:
            report = client.run(run_id).wait()
        assert report.counts == {"done": 2}
        assert vendor.summary()["max_per_id"] == 1


def test_ctrl_c_while_ids_are_read_leaves_nothing(program: object, tmp_path: Path) -> None:
    assert callable(program)
    process = program("""
import itertools, sys
import dsrkit

client = dsrkit.Client.sandbox(journal="dsr.sqlite3")

def ids():
    for number in itertools.count():
        if number == 10_000:
            print("reading", flush=True)
        yield f"user-{number}"

try:
    client.plan_retrieval(ids())
except KeyboardInterrupt:
    print(client.runs(), flush=True)
""")
    assert process.stdout.readline() == "reading\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "[]\n"), err
