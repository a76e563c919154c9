"""Single calls by other settings, and calls that have no method."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

import dsrkit


def test_a_raw_call_has_the_pace_and_the_credentials(client: dsrkit.Client) -> None:
    assert client.vendor is not None
    body = {"distinct_ids": ["a"], "compliance_type": "GDPR"}
    made = client.raw("POST", "/data-deletions/v3.0/", json=body)
    assert made.status in (200, 201)
    task = made.json()["results"]["task_id"]
    seen = client.raw("GET", f"/data-deletions/v3.0/{task}/")
    assert seen.status == 200 and seen.headers["content-type"].startswith("application/json")
    assert seen.json()["status"] == "ok" and seen.to_dict()["text"] == seen.text
    # What the vendor refuses is an answer, too.
    assert client.raw("GET", "/no-such-thing/").status == 404
    assert "task_id" not in repr(made) and repr(made) == f"RawAnswer(status={made.status})"
    with pytest.raises(ValueError):
        dsrkit.RawAnswer(500, {}, b"<html>").json()
    client.get_deletion(task)
    assert client.vendor.summary()["min_gap_ms"] >= 1000


@pytest.mark.parametrize("path", ["", "me", "//evil.example/", "/../me", "/a b", "/me?token=1"])
def test_a_raw_call_stays_below_the_base_url(client: dsrkit.Client, path: str) -> None:
    with pytest.raises(dsrkit.InvalidInputError):
        client.raw("GET", path)
    with pytest.raises(dsrkit.InvalidInputError):
        client.raw("CONNECT", "/me/")
    assert client.vendor is not None and client.vendor.ledger() == []


def test_a_raw_call_whose_answer_is_lost_is_ambiguous(client: dsrkit.Client) -> None:
    assert client.vendor is not None
    client.vendor.faults([{"on": "create_deletion", "kind": "drop_after"}])
    body = {"distinct_ids": ["a"], "compliance_type": "GDPR"}
    with pytest.raises(dsrkit.AmbiguousError) as caught:
        client.raw("POST", "/data-deletions/v3.0/", json=body)
    assert caught.value.sent == "maybe"


def test_single_calls_may_have_settings_of_their_own(tmp_path: Path) -> None:
    with dsrkit.Sandbox(speed="real") as vendor:
        vendor.faults([{"on": "get_deletion", "kind": "slow_body", "chunk": 1, "pause_ms": 60_000}])
        project = vendor.mixpanel()
        with dsrkit.Client(project, tmp_path / "dsr.sqlite3") as client:
            hasty = client.with_options(request_timeout=0.2, backoff_max=1.0)
            job = hasty.create_deletion(["a"])
            before = time.monotonic()
            try:
                hasty.get_deletion(job.id)
            except dsrkit.DsrError:
                pass
            assert time.monotonic() - before < 20
            assert hasty.vendor is client.vendor
            # Both are one client: the same journal, one pace, closed together.
            plan = hasty.plan_retrieval(["b"])
            assert client.run(plan.id).state == "planned"
            with pytest.raises(dsrkit.ConfigError):
                client.with_options(request_timeout=0)
            with pytest.raises(TypeError):
                client.with_options(poll_max=1)  # type: ignore[call-arg]
        with pytest.raises(dsrkit.ConfigError, match="closed"):
            hasty.get_deletion(job.id)
        # A view that is still held does not hold the journal.
        with dsrkit.Client(project, tmp_path / "dsr.sqlite3") as client:
            assert client.runs()[0].id == plan.id


def test_the_awaiting_client_does_the_same() -> None:
    async def main() -> None:
        async with dsrkit.AsyncClient.sandbox() as client:
            other = client.with_options(request_timeout=5)
            assert isinstance(other, dsrkit.AsyncClient)
            answer = await other.raw("GET", "/data-deletions/v3.0/1/")
            assert answer.json()

    asyncio.run(main())
