"""A forked child is refused at once, and its parent does not notice."""

from __future__ import annotations

import os
import sys

import pytest

TIMES = 50 if os.environ.get("DSRKIT_SOAK") else 1

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

FORKING = """
import os, sys
import dsrkit

client = dsrkit.Client.sandbox(journal="dsr.sqlite3", speed=%s)
run = client.delete(["a", "b"], confirm=2)
events = run.events()
next(events)
plan = client.plan_retrieval(["a"])
child = os.fork()
if child == 0:
    refused = 0
    calls = [
        run.wait, run.report, run.cancel, plan.start, client.runs, client.tick, client.close,
        lambda: run.state, lambda: run.counts, lambda: next(events),
        lambda: client.plan_retrieval(["a"]), lambda: client.create_deletion(["a"]),
        lambda: client.get_deletion("1"), lambda: client.vendor.ledger(),
    ]
    for call in calls:
        try:
            call()
        except dsrkit.ForkError:
            refused += 1
    # A client of its own is what the child may have.
    with dsrkit.Client.sandbox() as own:
        assert own.delete(["c"], confirm=1).wait().counts == {"done": 1}
    print("refused", len(calls) - refused, flush=True)
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
%s
print("parent", client.runs()[0].state)
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="system libraries there refuse to fork")
@pytest.mark.parametrize(
    ("speed", "then", "state"),
    [("'virtual'", "run.wait()", "finished"), ("'real'", "client.tick()", "waiting")],
)
def test_a_forked_child_is_refused(program: object, speed: str, then: str, state: str) -> None:
    assert callable(program)
    for number in range(TIMES):
        text = FORKING.replace("dsr.sqlite3", f"{number}.sqlite3") % (speed, then)
        process = program(text)
        out, err = process.communicate(timeout=30)
        assert out.splitlines() == ["refused 0", f"parent {state}"], err
        assert process.returncode == 0, err
