"""Ctrl-C ends the waiting at once, and harms nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

import dsrkit

ALLOWED = 0.2
TIMES = 105 if os.environ.get("DSRKIT_SOAK") else 14

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


MANY = """
import json, signal, sys, time
import dsrkit

def never():
    while True:
        time.sleep(0.001)
        yield "user-1"

vendor = dsrkit.Sandbox(speed="real", state="vendor.log")
vendor.faults([{"on": "get_deletion", "kind": "slow_body", "chunk": 1, "pause_ms": 60_000, "times": 10_000}])
client = dsrkit.Client(vendor.mixpanel(), journal="dsr.sqlite3")
run = client.delete(["a", "b"], confirm=2)
for event in run.events():
    if event.kind == "submitted":
        break
calls = [
    run.wait,
    lambda: run.wait(timeout=3600),
    lambda: run.wait(progress=lambda event: None),
    lambda: list(run.events()),
    lambda: client.plan_retrieval(never()),
    lambda: client.get_deletion("123"),
    lambda: client.raw("GET", "/data-deletions/v3.0/123/"),
]
for number in range(int(sys.argv[1])):
    call = calls[number % len(calls)]
    print("begin", flush=True)
    late = None
    try:
        while True:
            call()
    except KeyboardInterrupt:
        late = time.time()
    print(json.dumps([late, run.counts, len(client.runs())]), flush=True)
"""


def test_ctrl_c_at_any_moment(program: object, tmp_path: Path) -> None:
    assert callable(program)
    draw = random.Random(17)
    process = program(MANY, str(TIMES))
    for number in range(TIMES):
        assert process.stdout.readline() == "begin\n", process.stderr.read()
        time.sleep(0.01 + draw.random() * 0.2)
        sent = time.time()
        process.send_signal(signal.SIGINT)
        late, counts, runs = json.loads(process.stdout.readline())
        assert late - sent < ALLOWED, f"call {number % 7} took {late - sent:.3f} s"
        assert (counts, runs) == ({"submitted": 2}, 1)
    process.communicate(timeout=10)
    with dsrkit.Sandbox(state=tmp_path / "vendor.log") as vendor:
        with dsrkit.Client(vendor.mixpanel(), tmp_path / "dsr.sqlite3") as client:
            assert client.verify_journal() > 0
            assert [run.counts for run in client.runs()] == [{"submitted": 2}]
        assert vendor.summary()["max_per_id"] == 1


WORK = """
import itertools, json, sys, time
import dsrkit

client = dsrkit.Client.sandbox(journal="dsr.sqlite3")
people = [f"user-{number}" for number in range(60)]
run = client.retrieve(people)
assert run.wait().counts == {"done": 60}
folders = (f"out-{number}" for number in itertools.count())
calls = [
    lambda: run.collect(next(folders)),
    lambda: client.deletion_flow(["ann"], wait=True),
    lambda: client.retrieval_flow(["ann"], wait=True),
    lambda: run.decide(1, "send_again"),
    lambda: client.delete(["bob", "cy"], confirm=2).cancel(),
    lambda: client.create_retrieval(["dan"]),
    lambda: client.purge(older_than=1e9),
    lambda: client.seal(client.delete(["eve"], confirm=1).wait().run_id),
    lambda: client.verify_journal(),
    lambda: client.was_processed("user-7"),
    lambda: list(run.report().outcomes),
]
for number in range(int(sys.argv[1])):
    call = calls[number % len(calls)]
    print("begin", flush=True)
    try:
        while True:
            try:
                call()
            except dsrkit.DsrError:
                pass
    except KeyboardInterrupt:
        print(time.time(), flush=True)
print(json.dumps([run.counts, client.verify_journal() > 0, client.vendor.summary()["min_gap_ms"]]), flush=True)
"""


def test_ctrl_c_in_whatever_blocks(program: object, tmp_path: Path) -> None:
    assert callable(program)
    draw = random.Random(18)
    times = 110 if os.environ.get("DSRKIT_SOAK") else 11
    process = program(WORK, str(times))
    for number in range(times):
        assert process.stdout.readline() == "begin\n", process.stderr.read()
        time.sleep(0.01 + draw.random() * 0.2)
        sent = time.time()
        process.send_signal(signal.SIGINT)
        late = float(process.stdout.readline() or "nan") - sent
        assert late < ALLOWED, f"call {number % 11} took {late:.3f} s"
    out, err = process.communicate(timeout=60)
    counts, whole, gap = json.loads(out)
    assert (counts, whole) == ({"done": 60}, True) and gap >= 1000, err
    # Each package is complete, or not there yet; once more makes the whole of it.
    folders = list(tmp_path.glob("out-*/subjects"))
    assert folders
    for package in (package for folder in folders for package in folder.iterdir()):
        assert (package / "manifest.json").exists() and (package / "index.html").exists(), package
    with dsrkit.Client.sandbox(journal=tmp_path / "dsr.sqlite3") as client:
        assert client.runs()[0].collect(folders[0].parent).problems == ()
    assert len(list(folders[0].iterdir())) == 60
