"""What the journal keeps of people, as Python shows it. The rules: tests/rust/privacy.rs."""

from __future__ import annotations

import asyncio
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

import dsrkit

KEY = bytes(range(32))


def finished(client: dsrkit.Client, *ids: str) -> dsrkit.Run:
    run = client.delete(list(ids), confirm=len(ids))
    run.wait()
    return run


def found(folder: Path, text: bytes) -> int:
    return sum(path.read_bytes().count(text) for path in folder.rglob("*") if path.is_file())


def test_a_sealed_run_keeps_its_account(tmp_path: Path) -> None:
    with dsrkit.Client.sandbox(journal=tmp_path / "dsr.sqlite3") as client:
        run = finished(client, "canary-1", "canary-2")
        assert {row.id for row in run.report().outcomes} == {"canary-1", "canary-2"}
        assert client.seal(run.id) == 2
        assert client.seal(run.id) == 0
        report = run.report()
        assert report.counts == {"done": 2}
        rows = list(report.outcomes)
        assert len(rows) == len(report.outcomes) == 2
        for row in rows:
            assert row.id.startswith("sealed:")
            assert len(bytes.fromhex(row.id.removeprefix("sealed:"))) == 16
            assert row.outcome == "done"
        assert found(tmp_path, b"canary-") == 0

        (processed,) = client.was_processed("canary-1")
        assert (processed.run_id, processed.kind, processed.outcome) == (run.id, "deletion", "done")
        assert processed.to_dict()["at_ms"] > 0
        with pytest.raises(FrozenInstanceError):
            processed.outcome = "failed"  # type: ignore[misc]
        assert client.was_processed("canary-3") == ()
        assert client.verify_journal() > 2


def test_closing_seals_what_is_due(tmp_path: Path) -> None:
    for keep, left in ((0.0, False), (3600.0, True)):
        folder = tmp_path / str(keep)
        folder.mkdir()
        settings = dsrkit.Settings(keep_deleted_for=keep)
        with dsrkit.Client.sandbox(journal=folder / "dsr.sqlite3", settings=settings) as client:
            finished(client, "canary-1")
            assert found(folder, b"canary-") > 0
        assert (found(folder, b"canary-") > 0) is left


def test_a_purge_leaves_the_account(tmp_path: Path) -> None:
    with dsrkit.Client.sandbox(journal=tmp_path / "dsr.sqlite3") as client:
        run = client.retrieve(["canary-1"])
        run.wait()
        run.collect(tmp_path / "out")
        assert client.purge(older_than=86_400) == []
        assert run.report().purged_at is None
        assert client.vendor is not None
        client.vendor.advance(days=2)
        assert client.purge(older_than=86_400) == [run.id]
        report = run.report()
        assert report.purged_at is not None
        assert report.counts == {"done": 1}
        assert (len(report.outcomes), list(report.outcomes)) == (0, [])
        assert report.to_dict()["purged_at_ms"] > 0
        assert found(tmp_path, b"canary-") == 0
        with pytest.raises(dsrkit.NotFoundError):
            run.collect(tmp_path / "out")
        with pytest.raises(dsrkit.ConfigError):
            client.purge(older_than=-1)


def test_a_journal_key_hides_the_ids(tmp_path: Path) -> None:
    with dsrkit.Sandbox() as vendor:
        project, journal = vendor.mixpanel(), tmp_path / "dsr.sqlite3"
        for bad in (b"short", b""):
            with pytest.raises(dsrkit.ConfigError):
                dsrkit.Client(project, journal, journal_key=bad)
        with dsrkit.Client(project, journal, journal_key=KEY) as client:
            plan = client.plan_deletion(["canary-1"])
            assert found(tmp_path, b"canary-") == 0
            assert repr(KEY) not in repr(vars(client))
        for wrong in (None, bytes(32)):
            with pytest.raises(dsrkit.ConfigError, match="encrypted"):
                dsrkit.Client(project, journal, journal_key=wrong)
        with dsrkit.Client(project, journal, journal_key=KEY) as client:
            assert client.run(plan.id).plan.subjects == 1
            assert len(client.was_processed("canary-1")) == 1


def test_the_awaiting_client_does_the_same() -> None:
    async def main() -> None:
        async with dsrkit.AsyncClient.sandbox() as client:
            run = await client.delete(["a"], confirm=1)
            await run.wait()
            assert await client.seal(run.id) == 1
            assert len(await client.was_processed("a")) == 1
            assert await client.verify_journal() > 2
            assert await client.purge(older_than=0) == [run.id]

    asyncio.run(main())
