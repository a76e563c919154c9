"""A progress callback may do what it likes: the run is not harmed by it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import dsrkit


class Own(Exception):
    pass


def begun(client: dsrkit.Client) -> dsrkit.Run:
    return client.delete(["user-1", "user-2"], confirm=2)


@pytest.mark.parametrize("own", [Own("of the caller"), SystemExit(3)])
def test_53_what_a_callback_raises_reaches_the_caller(
    client: dsrkit.Client, own: BaseException
) -> None:
    run = begun(client)

    def raises(event: dsrkit.Event) -> None:
        raise own

    for _ in range(3):
        with pytest.raises(type(own)) as caught:
            run.wait(progress=raises)
        assert caught.value is own
    assert run.wait().counts == {"done": 2}
    assert client.vendor is not None
    assert client.vendor.summary()["max_per_id"] == 1


def test_53_a_callback_may_use_the_client(client: dsrkit.Client) -> None:
    run = begun(client)
    seen: list[str] = []

    def uses(event: dsrkit.Event) -> None:
        seen.append(client.run(event.run_id).state)
        assert sum(run.counts.values()) == 2
        assert run.report().subjects == 2
        if len(seen) == 1:
            # Even a run of its own, to its end.
            assert client.delete(["user-3"], confirm=1).wait().counts == {"done": 1}

    assert run.wait(progress=uses).counts == {"done": 2}
    assert seen[-1] == "finished"


@pytest.mark.parametrize("what", ["close", "drop"])
def test_53_a_callback_may_close_or_drop_the_client(tmp_path: Any, what: str) -> None:
    vendor = dsrkit.Sandbox()
    held = {"client": dsrkit.Client(vendor.mixpanel(), tmp_path / "dsr.sqlite3")}
    run = begun(held["client"])
    alive = weakref.ref(held["client"])
    do: dict[str, Callable[[], object]] = {"close": held["client"].close, "drop": held.clear}

    def ends(event: dsrkit.Event) -> None:
        do.pop(what, lambda: None)()
        gc.collect()

    if what == "close":
        with pytest.raises(dsrkit.DsrError):
            run.wait(progress=ends)
    else:
        do.pop("close")
        assert run.wait(progress=ends).counts == {"done": 2}
    del run
    held.clear()
    do.clear()
    gc.collect()
    assert alive() is None
    with dsrkit.Client(vendor.mixpanel(), tmp_path / "dsr.sqlite3") as client:
        assert client.runs()[0].wait().counts == {"done": 2}
    assert vendor.summary()["max_per_id"] == 1
    vendor.close()
