"""Carries every case of tests/scenarios out through the Python surface; see the README there."""

from __future__ import annotations

import inspect
import json
import re
import sys
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest

import dsrkit

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SCENARIOS = Path(__file__).parent.parent / "scenarios"
FIXTURES = SCENARIOS.parent / "fixtures"
SCHEMA = json.loads((SCENARIOS.parent.parent / "docs" / "report.schema.json").read_text("utf-8"))
CASES = sorted(path.stem for path in SCENARIOS.glob("*.toml"))
OPTIONS = (
    "compliance_type",
    "disclosure_type",
    "reference",
    "column",
    "skip_bad",
    "allow_unusual",
    "hold_for",
)


@dataclass
class Ended:
    """What a case ended with."""

    error: dsrkit.DsrError | None = None
    started: bool = False
    report: dsrkit.Report | None = None
    batches: int | None = None
    job: dsrkit.Job | None = None
    answer: dsrkit.DsarRequest | None = None
    records: list[str] = field(default_factory=list)
    events: list[dsrkit.Event] = field(default_factory=list)
    out: Path | None = None


def source(case: dict[str, Any], place: Path) -> Any:
    if "ids" in case:
        return case["ids"]
    if "count" in case:
        return (f"{case.get('prefix', '')}{number}" for number in range(case["count"]))
    if "file" in case:
        return FIXTURES / case["file"]
    path = place / case["file_name"]
    if "bytes_hex" in case:
        path.write_bytes(bytes.fromhex(case["bytes_hex"]))
    else:
        path.write_bytes(case["text"].encode())
    return path


def one_call(
    client: dsrkit.Client, call: dict[str, Any], place: Path, ended: Ended, before: Ended
) -> None:
    argument = call["task_id"] if "task_id" in call else source(call, place)
    if argument == "before" and before.job:
        argument = before.job.id
    ended.started = True
    if not call["operation"].endswith("_flow"):
        ended.job = getattr(client, call["operation"])(argument)
        return
    told = getattr(client, call["operation"])(argument, wait=call.get("wait", False))
    kind: Literal["deletion", "retrieval"] = (
        "deletion" if call["operation"] == "deletion_flow" else "retrieval"
    )
    ended.job = dsrkit.Job(told.task_id, kind, told.task_status, told.download_url, None)


def come_before(
    client: dsrkit.Client, vendor: dsrkit.Sandbox, case: dict[str, Any], place: Path, ended: Ended
) -> None:
    """One call before the case, by the same client or by one of another version of the API."""
    call = case["before"]
    if "api_version" not in call:
        one_call(client, call, place, ended, Ended())
        return
    project = vendor.mixpanel(api_version=call["api_version"])
    with dsrkit.Client(project, place / "before.sqlite3") as other:
        one_call(other, call, place, ended, Ended())
    # Two clients by two addresses know nothing of each other's pace.
    vendor.advance(seconds=1)


def organisation(
    vendor: dsrkit.Sandbox, case: dict[str, Any], order: dict[str, Any], place: Path, ended: Ended
) -> None:
    """Calls of Mixpeek, each by a client of its own; the last one counts."""
    ended.started = True
    settings = dsrkit.Settings(**case.get("settings", {}))
    for _ in range(order.get("times", 1)):
        ended.error = None
        project = vendor.mixpeek(api_key=order.get("api_key"), base_url=order.get("base_url"))
        with dsrkit.MixpeekClient(project, place / "mixpeek.sqlite3", settings) as client:
            try:
                if order["operation"] == "request_export":
                    ended.answer = client.request_export()
                else:
                    ended.answer = client.request_deletion(confirm=order["confirm"])
            except dsrkit.DsrError as error:
                ended.error = error
            ended.records = [each.state for each in client.requests()]


def whole_run(client: dsrkit.Client, case: dict[str, Any], place: Path, ended: Ended) -> None:
    make = getattr(client, f"plan_{case['kind']}")
    options = {name: case[name] for name in OPTIONS if name in case}
    if unknown := set(options) - set(inspect.signature(make).parameters):
        # What another surface refuses when it is called, the signature refuses here.
        with pytest.raises(TypeError):
            make(source(case, place), **options)
        raise dsrkit.InvalidInputError(f"plan_{case['kind']} has no {', '.join(unknown)}")
    plan = make(source(case, place), **options)
    ended.batches = plan.batches
    confirm = {
        "plan": plan.confirm if case["kind"] == "deletion" else None,
        "none": None,
        "wrong-count": f"{plan.subjects + 1}:{plan.confirm.partition(':')[2]}",
        "wrong-digest": f"{plan.subjects}:00000000",
    }[case.get("confirm", "plan")]
    run = plan.start(confirm)
    ended.started = True
    try:
        ended.events.extend(run.events())
    finally:
        ended.report = run.report()
    if case.get("collect"):
        ended.out = place / "out"
        ended.report = run.collect(ended.out)


def load(name: str) -> dict[str, Any]:
    return tomllib.loads((SCENARIOS / f"{name}.toml").read_text("utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_scenario(name: str, tmp_path: Path) -> None:
    case = load(name)
    ended = Ended()
    with dsrkit.Sandbox(**case.get("sandbox", {})) as vendor:
        vendor.faults(case.get("faults", []))
        project = vendor.mixpanel(**case.get("mixpanel", {}))
        settings = dsrkit.Settings(**case.get("settings", {}))
        with dsrkit.Client(project, tmp_path / "dsr.sqlite3", settings) as client:
            try:
                before = Ended()
                if "before" in case:
                    come_before(client, vendor, case, tmp_path, before)
                if "mixpeek" in case:
                    organisation(vendor, case, case["mixpeek"], tmp_path, ended)
                elif "call" in case:
                    one_call(client, case["call"], tmp_path, ended, before)
                else:
                    whole_run(client, case["plan"], tmp_path, ended)
            except dsrkit.DsrError as error:
                ended.error = error
        ledger, summary = vendor.ledger(), vendor.summary()
    expect = case.get("expect", {})
    compare_error(expect, ended)
    compare_end(expect, ended)
    compare_report(expect, ended)
    compare_vendor(case, ended, ledger, summary)
    compare_secrets(ended, ledger, tmp_path)


def compare_error(expect: dict[str, Any], ended: Ended) -> None:
    said = "" if ended.error is None else str(ended.error)
    assert (ended.error and ended.error.kind) == expect.get("error"), said
    if "retry_after" in expect:
        assert ended.error is not None
        assert ended.error.retry_after == expect["retry_after"]
    for part in expect.get("error_says", []):
        assert part in said
    everything = f"{said} {ended.error!r} {ended.error and ended.error.hint} {ended.report!r}"
    everything += "".join(event.text for event in ended.events)
    for part in expect.get("never_says", []):
        assert part not in everything


def compare_end(expect: dict[str, Any], ended: Ended) -> None:
    if "records" in expect:
        assert ended.records == expect["records"]
    if "status" in expect:
        assert ended.answer is not None
        assert ended.answer.status == expect["status"]
    if "warning" in expect:
        assert ended.answer is not None
        assert (ended.answer.warning is not None) == expect["warning"]
    if "link" in expect:
        assert ended.job is not None
        assert (ended.job.download_url is not None) == expect["link"]
    if "job_status" in expect:
        assert ended.job is not None
        assert ended.job.status == expect["job_status"]
    if "batches" in expect:
        assert ended.batches == expect["batches"]
    if "packages" in expect:
        assert ended.out is not None
        assert len(list(ended.out.glob("subjects/*"))) == expect["packages"]
    assert {event.kind for event in ended.events} >= set(expect.get("events", []))
    planned = [event.text for event in ended.events if event.kind == "planned"]
    for part in expect.get("warning_says", []):
        assert any(part in text for text in planned)


def compare_report(expect: dict[str, Any], ended: Ended) -> None:
    report = ended.report
    if report is None:
        assert not expect.keys() & {"state", "counts", "problems", "ambiguous"}
        return
    assert sum(report.counts.values()) == report.subjects
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(report.to_json()))
    found = {
        "state": report.state,
        "counts": report.counts,
        "duplicates": report.duplicates,
        "refused": report.refused.total,
        "jobs": len(report.jobs),
        "ambiguous": len(report.ambiguous),
        "problems": [problem.kind for problem in report.problems],
    }
    wanted = {name: expect[name] for name in found if name in expect}
    assert {name: found[name] for name in wanted} == wanted
    for part in expect.get("problem_says", []):
        assert any(part in problem.message for problem in report.problems)


def compare_vendor(
    case: dict[str, Any], ended: Ended, ledger: list[dict[str, Any]], summary: dict[str, Any]
) -> None:
    expect = case.get("expect", {})
    calls = Counter(entry["operation"] for entry in ledger)
    times = Counter(
        id
        for entry in ledger
        if entry["processed"] and entry["operation"].startswith("create_")
        for id in entry["ids"]
    )
    if expect.get("calls") == {}:
        assert not calls
    for operation, count in expect.get("calls", {}).items():
        assert calls[operation] == count, operation
    for operation, most in expect.get("calls_at_most", {}).items():
        assert calls[operation] <= most, operation
    paths = [entry["path"] for entry in ledger if entry["host"] == "api"]
    assert all(expect.get("paths_have", "") in path for path in paths)
    assert not paths or expect.get("last_path_has", "") in paths[-1]
    assert not paths or paths[-1].endswith(expect.get("last_path_ends", ""))
    assert ended.started or not ledger
    assert summary["min_gap_ms"] is None or summary["min_gap_ms"] >= 1000
    assert summary["store_requests_with_credentials"] == 0
    most = max(times.values(), default=0)
    if "max_per_id" in expect:
        assert most == expect["max_per_id"]
    else:
        assert most <= 1
    table = case.get("plan") or case.get("call", {})
    given = None
    if "ids" in table:
        given = set(table["ids"])
    elif "count" in table:
        given = {f"{table.get('prefix', '')}{number}" for number in range(table["count"])}
    if given is not None:
        assert times.keys() <= given | set(expect.get("extra_ids", ()))
    if expect.get("ids_once"):
        assert given is not None
        assert times.keys() == given
        assert most == 1
    if "ids" in expect:
        assert times.keys() == set(expect["ids"])


SECRETS = ("sk_sandbox-mixpeek", "sandbox-project-token", "sandbox-oauth-token", "sandbox-archive-secret", "sig=")


def compare_secrets(ended: Ended, ledger: list[dict[str, Any]], place: Path) -> None:
    """No secret in anything said or left behind; no person in anything said."""
    said = [repr(ended), str(ended.report), str(ended.job), *map(str, ended.events)]
    if ended.error is not None:
        said += [repr(vars(ended.error)), *traceback.format_exception(ended.error)]
    if ended.report is not None:
        said.append(ended.report.to_json())
    text = "\n".join(said)
    people = {id for entry in ledger for id in (entry["ids"] or [])[:3]}
    for canary in (*SECRETS, *(id for id in people if len(id) >= 6 and re.search(r"\d", id))):
        assert canary not in text
    for path in place.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not any(secret.encode() in content for secret in SECRETS), path


def test_there_are_scenarios() -> None:
    assert len(CASES) > 90
