"""Prism judges each request of the client, with our documents and with the vendor's own."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import test_scenarios as suite
import tools

import dsrkit


OWN = {"3.0": "mixpanel-3.0", "2.0": "mixpanel-2.0"}


# A case through the proxy takes a second; one that does not end is to be named.
PATIENCE = 240


def redirected(case: dict[str, Any]) -> bool:
    """Prism follows redirects by itself, and so hides them from the client."""
    dialect = case.get("sandbox", {}).get("dialect", {})
    moved = dialect.get("item_slash") == "forbidden" and dialect.get("item_slash_miss", 301) == 301
    return moved or any(fault["kind"] == "redirect" for fault in case.get("faults", []))


@contextmanager
def patience(name: str) -> Iterator[None]:
    def over(*_: Any) -> None:
        raise TimeoutError(f"{name} does not end behind the proxy")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def carried_out(case: dict[str, Any], port: int, base_url: str, place: Path) -> Counter[str]:
    """A case of the suite through the proxy; gives the requests that reached the vendor."""
    with dsrkit.Sandbox(port=port, **case.get("sandbox", {})) as vendor:
        vendor.faults(case.get("faults", []))
        project = vendor.mixpanel(base_url=base_url, **case.get("mixpanel", {}))
        settings = dsrkit.Settings(**case.get("settings", {}))
        with dsrkit.Client(project, place / "dsr.sqlite3", settings) as client:
            try:
                before, ended = suite.Ended(), suite.Ended()
                if "before" in case:
                    suite.one_call(client, case["before"], place, before, suite.Ended())
                if "call" in case:
                    suite.one_call(client, case["call"], place, ended, before)
                else:
                    suite.whole_run(client, case["plan"], place, ended)
            except dsrkit.DsrError:
                pass  # The suite itself judges outcomes; here only requests are judged.
        return Counter(entry["operation"] for entry in vendor.ledger())


@pytest.mark.parametrize("whose", ["ours", "official"])
def test_no_request_of_the_scenarios_breaks_a_document(whose: str, tmp_path: Path) -> None:
    for version, own in OWN.items():
        cases = {
            name: case
            for name in suite.CASES
            if (case := suite.load(name)).get("mixpanel", {}).get("api_version", "3.0") == version
            and "mixpeek" not in case
            and not redirected(case)
        }
        if not cases or (whose == "official" and version != "3.0"):
            continue
        if whose == "ours":
            document = tools.ours(own)
        else:
            document = tools.official()
            if document is None:
                pytest.skip("the vendor's document is not at hand")
            # Its paths have no slash at the end; working clients, the samples and ours do.
            both = {**tools.slashed(document)["paths"], **document["paths"]}
            document = {**document, "paths": both}
        port = tools.free_port()
        upstream = f"http://127.0.0.1:{port}/api/app"
        file = tools.written(tools.at(document, upstream), tmp_path / f"{version}.yaml")
        calls: Counter[str] = Counter()
        with tools.prism("proxy", file, upstream) as (base_url, log):
            for name, case in cases.items():
                place = tmp_path / name
                place.mkdir()
                with patience(name):
                    calls += carried_out(case, port, base_url, place)
        found = tools.violations(log)
        print(f"version {version}: {len(cases)} scenarios, {dict(calls)}: {len(found)} violations")
        assert calls["create_deletion"] > 100 or version != "3.0"
        assert not found, found[:5]


@pytest.mark.parametrize("whose", ["ours", "official"])
def test_the_main_operations_against_the_mock_alone(whose: str, tmp_path: Path) -> None:
    if whose == "ours":
        document = tools.ours("mixpanel-3.0")
    else:
        found = tools.official()
        if found is None:
            pytest.skip("the vendor's document is not at hand")
        document = tools.slashed(found)
    file = tools.written(tools.at(document, "http://127.0.0.1"), tmp_path / "mock.yaml")
    with tools.prism("mock", file) as (base_url, log):
        project = dsrkit.Mixpanel(tools.TOKEN, tools.BEARER, base_url=base_url)
        settings = dsrkit.Settings(requests_per_second=50)
        with dsrkit.Client(project, tmp_path / "dsr.sqlite3", settings) as client:
            made = client.create_retrieval(["a", "b"])
            assert made.id and made.kind == "retrieval"
            assert client.get_retrieval(made.id).status
            gone = client.create_deletion(["a"], compliance_type="CCPA")
            if whose == "ours":
                assert client.get_deletion(gone.id).status
            else:
                # Its example names another task than was asked for: rightly not believed.
                with pytest.raises(dsrkit.ProtocolError):
                    client.get_deletion(gone.id)
            client.cancel_deletion(gone.id)
    assert not tools.violations(log)


def test_the_judge_is_awake(tmp_path: Path) -> None:
    """A request that is wrong is found: else nothing above says anything."""
    document = tools.at(tools.ours("mixpanel-3.0"), "http://127.0.0.1")
    file = tools.written(document, tmp_path / "mock.yaml")
    with tools.prism("mock", file) as (base_url, log):
        for body in (b"{}", b'{"distinct_ids":["a","a"]}', b'{"distinct_ids":["a"],"x":1}'):
            tools.post(f"{base_url}/data-deletions/v3.0/?token=t", body)
    assert len(tools.violations(log)) >= 3
