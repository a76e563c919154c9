"""Status callbacks and the drift report through the Python surface."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dsrkit

URL = "https://dsr.example.com/mixpanel"
HOUR = 3_600_000
TEN_HOURS = {
    "pending": [HOUR, HOUR],
    "staging": [HOUR, HOUR],
    "started": [8 * HOUR, 8 * HOUR],
}


@pytest.fixture
def vendor() -> Iterator[dsrkit.Sandbox]:
    with dsrkit.Sandbox(job_ms=TEN_HOURS) as vendor:
        yield vendor


def project(vendor: dsrkit.Sandbox) -> dsrkit.Mixpanel:
    return vendor.mixpanel(status_callback_urls=[URL])


def due(vendor: dsrkit.Sandbox) -> list[tuple[list[tuple[str, str]], bytes]]:
    """What the vendor tells now, taken with 202."""
    told: list[tuple[list[tuple[str, str]], bytes]] = []

    def take(url: str, headers: list[tuple[str, str]], body: bytes) -> int:
        assert url == URL
        told.append((headers, body))
        return 202

    assert set(vendor.deliver_callbacks(take)) == {202}
    return told


def test_a_callback_makes_a_run_look_sooner(vendor: dsrkit.Sandbox, tmp_path: Path) -> None:
    key = vendor.callback_key
    with dsrkit.Client(project(vendor), tmp_path / "dsr.sqlite3") as client:
        run = client.delete(["anna", "bert"], confirm=2)
        client.tick()
        vendor.advance(hours=10, seconds=-60)
        client.tick()
        vendor.advance(seconds=120)
        headers, body = due(vendor)[-1]
        told = dsrkit.verify_callback(body, headers, key, url=URL)
        assert (told.kind, told.status, told.request) == ("deletion", "completed", "erasure")
        assert told.task_id == run.jobs[0].task_id
        assert client.receive_callback(body, dict(headers), key, url=URL) == "news"
        assert client.receive_callback(body, dict(headers), key, url=URL) == "nothing"
        client.tick()
        assert run.state == "finished"
        assert "callback" in [event.kind for event in run.events()]


def test_only_the_vendors_are_let_through(vendor: dsrkit.Sandbox, tmp_path: Path) -> None:
    key = vendor.callback_key
    with dsrkit.Client(project(vendor), tmp_path / "dsr.sqlite3") as client:
        client.retrieve(["anna"])
        client.tick()
        headers, body = due(vendor)[0]
        raw = [(name.title().encode(), value.encode()) for name, value in headers]
        told = dsrkit.verify_callback(body, raw, key)
        assert copy.copy(told) == pickle.loads(pickle.dumps(told)) == told
        for wrong_body, wrong_headers, url in (
            (body + b" ", headers, URL),
            (body, headers[:-1], URL),
            (body, [*headers, headers[-1]], URL),
            (body, headers, "https://dsr.example.com/other"),
        ):
            with pytest.raises(dsrkit.InvalidInputError):
                dsrkit.verify_callback(wrong_body, wrong_headers, key, url=url)
            with pytest.raises(dsrkit.InvalidInputError):
                client.receive_callback(wrong_body, wrong_headers, key, url=url)
        with pytest.raises(dsrkit.ConfigError):
            dsrkit.verify_callback(body, headers, "no key")
        with pytest.raises(TypeError):
            dsrkit.verify_callback(body.decode(), headers, key)  # type: ignore[arg-type]


def answered(app: dsrkit.CallbackReceiver, method: str, headers: Any, *parts: bytes) -> Any:
    """One request to an ASGI application; gives how its answer starts."""
    pieces = [
        {"type": "http.request", "body": part, "more_body": n < len(parts)}
        for n, part in enumerate(parts, 1)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return pieces.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "method": method, "path": "/", "headers": raw}
    asyncio.run(app(scope, receive, send))
    return sent[0]


def asked(*call: Any) -> int:
    status: int = answered(*call)["status"]
    return status


def test_the_receiver_to_mount(vendor: dsrkit.Sandbox, tmp_path: Path) -> None:
    with dsrkit.Client(project(vendor), tmp_path / "dsr.sqlite3") as client:
        run = client.delete(["anna"], confirm=1)
        client.tick()
        vendor.advance(hours=11)
        headers, body = due(vendor)[-1]
        app = dsrkit.CallbackReceiver(client, vendor.callback_key, URL)
        assert asked(app, "GET", headers, b"") == 405
        assert asked(app, "POST", headers, b"{}") == 403
        assert asked(app, "POST", headers, b" " * 70_000) == 413
        assert asked(app, "POST", headers, body[:100], body[100:]) == 202
        assert asked(app, "POST", headers, body) == 202
        assert run.wait().counts["done"] == 1
    assert asked(app, "POST", headers, body) == 503


def test_a_receiver_without_the_journal_asks_to_be_called_again(
    vendor: dsrkit.Sandbox, tmp_path: Path
) -> None:
    with dsrkit.Client(project(vendor), tmp_path / "dsr.sqlite3") as client:
        client.delete(["anna"], confirm=1)
        client.tick()
        headers, body = due(vendor)[0]
        with dsrkit.Client(project(vendor), tmp_path / "dsr.sqlite3") as beside:
            app = dsrkit.CallbackReceiver(beside, vendor.callback_key, URL)
            start = answered(app, "POST", headers, body)
            assert start["status"] == 503
            assert (b"retry-after", b"60") in start["headers"]
        app = dsrkit.CallbackReceiver(client, vendor.callback_key, URL)
        start = answered(app, "POST", headers, body)
        assert start["status"] == 202
        assert b"retry-after" not in dict(start["headers"])


def test_the_async_client_hears_too(vendor: dsrkit.Sandbox, tmp_path: Path) -> None:
    async def story() -> None:
        async with dsrkit.AsyncClient(project(vendor), tmp_path / "dsr.sqlite3") as client:
            await client.delete(["anna"], confirm=1)
            await client.tick()
            headers, body = due(vendor)[0]
            heard = await client.receive_callback(body, headers, vendor.callback_key, url=URL)
            assert heard == "nothing", "that it is pending is no news"
            assert "create HTTP 201" in [each.shape for each in await client.drift()]

    asyncio.run(story())


def test_what_drifts_is_told_and_harms_nothing(vendor: dsrkit.Sandbox, tmp_path: Path) -> None:
    vendor.faults([{"on": "get_deletion", "nth": 1, "kind": "status_word", "word": "QUEUED"}])
    with dsrkit.Client(vendor.mixpanel(), tmp_path / "dsr.sqlite3") as client:
        assert client.delete(["anna"], confirm=1).wait().counts == {"done": 1}
        found = {each.shape: each for each in client.drift()}
    odd = found["status task status: an unknown word"]
    assert (odd.standing, odd.count) == ("undocumented", 1)
    assert found["create results: an object"].standing == "documented"
