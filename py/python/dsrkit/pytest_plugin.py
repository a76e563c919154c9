"""Fixtures for the tests of programs that use dsrkit. Installed with it; nothing leaves the machine.

    def test_erasing(dsr_client):
        report = my_program.erase(dsr_client, ["user-1"])
        assert report.counts == {"done": 1}
        assert dsr_client.vendor.summary()["max_per_id"] == 1

    @pytest.mark.dsr_sandbox(faults=[{"on": "create_deletion", "kind": "drop_after"}])
    def test_a_lost_answer(dsr_sandbox): ...

`dsr_sandbox` is a simulated vendor, new for each test; `dsr_client` and `dsr_async_client` are clients
of it, with a journal in the test's folder. The marker `dsr_sandbox` takes the arguments of
`dsrkit.Sandbox`, and `faults`. The awaiting client needs no plug-in for asyncio: it may be used by
`asyncio.run`, pytest-asyncio or anyio.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# What every run of pytest imports must stay small: dsrkit itself comes with the first fixture.
if TYPE_CHECKING:
    from . import AsyncClient, Client, Sandbox

__all__ = ["dsr_async_client", "dsr_client", "dsr_sandbox"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "dsr_sandbox(faults=(), **options): the simulated vendor of this test (see dsrkit.Sandbox)",
    )


@pytest.fixture
def dsr_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A simulated vendor on a virtual clock, new for each test."""
    from . import Sandbox

    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("dsr_sandbox"))):
        if marker.args:
            raise TypeError("the marker dsr_sandbox takes keyword arguments")
        options.update(marker.kwargs)
    faults = options.pop("faults", ())
    with Sandbox(**options) as sandbox:
        sandbox.faults(faults)
        yield sandbox


@pytest.fixture
def dsr_client(dsr_sandbox: Sandbox, tmp_path: Path) -> Iterator[Client]:
    """A client of `dsr_sandbox`, with a journal in `tmp_path`. `dsr_client.vendor` is the sandbox."""
    from . import Client

    with Client(dsr_sandbox.mixpanel(), tmp_path / "dsr.sqlite3") as client:
        client.vendor = dsr_sandbox
        yield client


@pytest.fixture
def dsr_async_client(dsr_sandbox: Sandbox, tmp_path: Path) -> Iterator[AsyncClient]:
    """The same for asyncio."""
    from . import AsyncClient
    from ._base import PATIENCE

    client = AsyncClient(dsr_sandbox.mixpanel(), tmp_path / "dsr-async.sqlite3")
    client.vendor = dsr_sandbox
    yield client
    # The test's event loop may have ended.
    client._native.close(PATIENCE).wait()
