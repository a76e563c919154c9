"""A panic of the core, wherever it happens: row 54 of docs/FAULTS.md."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import dsrkit
from dsrkit import _native

if not hasattr(_native, "panic_after"):
    pytest.skip("this build has no failpoints (make test-python builds one)", allow_module_level=True)

MOST = 12
"""Passages of the door that a call may have before it is taken for fine."""


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    _native.panic_after(-1)


def panics(call: Callable[[], Any]) -> int:
    """Lets a call panic at each of its passages through the door; gives how many there were."""
    for at in range(MOST):
        _native.panic_after(at)
        try:
            call()
        except Exception as error:
            assert _native.panic_after(-1) < 0, f"raised by itself: {error!r}"
            assert type(error) is dsrkit.InternalError and error.code == 99
            assert "report" in error.hint
        else:
            if _native.panic_after(-1) >= 0:
                return at
    return MOST


def calls(client: dsrkit.Client, place: Path) -> dict[str, Callable[[], Any]]:
    def plan() -> dsrkit.Plan:
        return client.plan_deletion(["user-1", "user-2"])

    task = client.create_deletion(["user-9"]).id
    got = client.create_retrieval(["user-9"]).id
    run = client.retrieve(["user-3"])
    run.wait()
    deleted = client.delete(["user-4"], confirm=1)
    deleted.wait()
    others = (f"user-{number}" for number in count(10))
    return {
        "create_retrieval": lambda: client.create_retrieval([next(others)]),
        "get_retrieval": lambda: client.get_retrieval(got),
        "create_deletion": lambda: client.create_deletion([next(others)]),
        "get_deletion": lambda: client.get_deletion(task),
        "plan_retrieval": lambda: client.plan_retrieval(["user-6"]),
        "plan_deletion": plan,
        "retrieve": lambda: client.retrieve([next(others)]),
        "delete": lambda: client.delete([next(others)], confirm=1),
        "run": lambda: client.run(run.id),
        "runs": client.runs,
        "tick": client.tick,
        "seal": lambda: client.seal(deleted.id),
        "was_processed": lambda: client.was_processed("user-3"),
        "purge": lambda: client.purge(older_than=1e9),
        "verify_journal": client.verify_journal,
        "drift": client.drift,
        "raw": lambda: client.raw("GET", "/no-such-thing/"),
        "with_options": lambda: client.with_options(request_timeout=5),
        "Plan.start": lambda: plan().start(plan().confirm),
        "Run.wait": run.wait,
        "Run.events": lambda: list(run.events()),
        "Run.cancel": lambda: client.retrieve([next(others)]).cancel(),
        "Run.report": run.report,
        "Run.collect": lambda: run.collect(place / "out"),
        "Run.state": lambda: run.state,
        "Run.jobs": lambda: run.jobs,
        "Run.counts": lambda: run.counts,
        "Run.next_due": lambda: run.next_due,
        "Run.waiting_for": lambda: run.waiting_for,
        "outcomes": lambda: list(run.report().outcomes),
        "to_csv": lambda: run.report().outcomes.to_csv(place / "outcomes.csv"),
    }


def test_54_a_panic_is_an_ordinary_exception_and_the_next_call_works(
    client: dsrkit.Client, tmp_path: Path
) -> None:
    table = calls(client, tmp_path)
    for name, call in table.items():
        assert panics(call) > 0, f"{name} did not pass the door"
        call()
    # Cancelling is refused or a conflict by itself here, and nobody signed a callback; what else has
    # no line goes nowhere.
    passing = {"cancel_retrieval", "cancel_deletion", "close", "receive_callback", "sandbox"}
    public = {name for name in dir(client) if not name.startswith("_") and name != "vendor"}
    assert not {name for name in public - passing - set(table) if "_flow" not in name}
    _native.panic_after(0)
    with pytest.raises(dsrkit.InternalError) as caught:
        client.cancel_deletion("1")
    assert isinstance(caught.value, Exception)
    assert client.vendor is not None
    for look in (client.vendor.ledger, client.vendor.summary, lambda: dsrkit.Sandbox().close()):
        assert panics(look) > 0
    _native.panic_after(0)
    with pytest.raises(dsrkit.InternalError):
        client.close()


def test_54_the_same_in_an_event_loop() -> None:
    async def main() -> None:
        async with dsrkit.AsyncClient.sandbox() as client:
            for at in range(2):
                _native.panic_after(at)
                with pytest.raises(dsrkit.InternalError):
                    await client.create_deletion(["user-1"])
            _native.panic_after(0)
            with pytest.raises(dsrkit.InternalError):
                await client.plan_deletion(["user-1"])
            run = await client.delete(["user-1"], confirm=1)
            assert (await run.wait()).counts == {"done": 1}

    asyncio.run(main())
