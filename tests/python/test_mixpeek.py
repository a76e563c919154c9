"""Mixpeek: requests about a whole organisation, on record, never repeated by doubt."""

from __future__ import annotations

import asyncio
import copy
import pickle
from pathlib import Path

import pytest

import dsrkit

CONFIRM = "DELETE ORGANISATION"
LOST = [{"on": "dsar_delete", "nth": 1, "kind": "drop_after"}]


def test_what_is_unknown_is_settled_by_a_person(tmp_path: Path) -> None:
    journal = tmp_path / "mixpeek.sqlite3"
    with dsrkit.Sandbox() as vendor:
        vendor.faults(LOST)
        with dsrkit.MixpeekClient(vendor.mixpeek(), journal) as client:
            with pytest.raises(dsrkit.AmbiguousError) as caught:
                client.request_deletion(confirm=CONFIRM)
            assert caught.value.sent == "maybe"
        # Another process, another day.
        with dsrkit.MixpeekClient(vendor.mixpeek(), journal) as client:
            with pytest.raises(dsrkit.AmbiguousError):
                client.request_deletion(confirm=CONFIRM)
            (record,) = client.requests()
            assert (record.kind, record.state) == ("deletion", "unknown")
            assert pickle.loads(pickle.dumps(record)) == copy.deepcopy(record) == record
            with pytest.raises(dsrkit.NotFoundError):
                client.settle("another", carried_out=True)
            client.settle(record.id, carried_out=False)
            answer = client.request_deletion(confirm=CONFIRM)
            assert answer.warning and answer.data_categories
            assert [each.state for each in client.requests()] == ["not carried out", "accepted"]
            assert client.requests()[1].request_id == answer.request_id
        assert [entry["operation"] for entry in vendor.ledger()] == ["dsar_delete"] * 2


def test_both_clients_do_the_same() -> None:
    async def main(vendor: dsrkit.Sandbox) -> dsrkit.DsarRequest:
        async with dsrkit.AsyncMixpeekClient(vendor.mixpeek()) as client:
            with pytest.raises(dsrkit.NotConfirmedError):
                await client.request_deletion(confirm="yes")
            answer = await client.request_export()
            (record,) = await client.requests()
            with pytest.raises(dsrkit.InvalidInputError):
                await client.settle(record.id, carried_out=True)
            assert record.to_dict()["state"] == "accepted"
            return answer

    with dsrkit.Sandbox() as vendor:
        answer = asyncio.run(main(vendor))
        with dsrkit.MixpeekClient(vendor.mixpeek()) as client:
            again = client.request_export()
    assert again.to_dict().keys() == answer.to_dict().keys()
    assert again.data_categories == answer.data_categories
    with pytest.raises(dsrkit.ConfigError, match="closed"):
        client.requests()


def test_credentials_are_checked_and_not_shown(tmp_path: Path) -> None:
    organisation = dsrkit.Mixpeek("sk_canary")
    assert organisation.base_url == "https://api.mixpeek.com/"
    assert "canary" not in repr(organisation)
    with dsrkit.MixpeekClient(organisation, tmp_path / "mixpeek.sqlite3") as client:
        assert "canary" not in f"{client!r} {vars(client)}"
    for bad in ("", "sk_canary\n"):
        with pytest.raises(dsrkit.ConfigError) as caught:
            dsrkit.Mixpeek(bad)
        assert "canary" not in str(caught.value)
    with pytest.raises(dsrkit.ConfigError):
        dsrkit.Mixpeek("sk_canary", base_url="http://api.mixpeek.com")
    with pytest.raises(TypeError):
        dsrkit.MixpeekClient(dsrkit.Mixpanel("p", "o"))  # type: ignore[arg-type]


def test_flows_and_version_two() -> None:
    with dsrkit.Sandbox() as vendor:
        with dsrkit.Client(vendor.mixpanel(api_version="2.0"), ":memory:") as client:
            assert vendor.mixpanel(api_version="2.0").retrieval_limit == 1
            told = client.retrieval_flow(["a"], wait=True)
            assert (told.task_status, told.task_id.count("-")) == ("SUCCESS", 4)
            assert told.download_url is not None
            assert told.download_url.partition("?")[2] not in repr(told)
            assert set(told.to_dict()) == {"task_id", "task_status", "download_url"}
            assert client.deletion_flow(["a"]).task_status == "PENDING"

        async def main() -> str:
            async with dsrkit.AsyncClient(vendor.mixpanel()) as client:
                return (await client.deletion_flow(["b"], wait=True)).task_status

        assert asyncio.run(main()) == "SUCCESS"
