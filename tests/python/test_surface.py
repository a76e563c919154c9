"""The surface is what it is meant to be: names, signatures, errors, defaults, redaction."""

from __future__ import annotations

import copy
import csv
import dataclasses
import inspect
import pickle
import stat
import traceback
from dataclasses import FrozenInstanceError
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import dsrkit
from dsrkit import _native, errors

CANARY = "canary-7f3a"


def test_exports_are_sorted_and_there() -> None:
    assert dsrkit.__all__ == sorted(dsrkit.__all__)
    assert len(set(dsrkit.__all__)) == len(dsrkit.__all__)
    assert all(hasattr(dsrkit, name) for name in dsrkit.__all__)
    # pytest adds names with an @ to what belongs to a plug-in.
    visible = {name for name in vars(dsrkit) if not name.startswith(("_", "@"))}
    modules = {
        "annotations",
        "demo",
        "mixpanel",
        "mixpeek",
        "pytest_plugin",
        "receiver",
        "sandbox",
        "settings",
    }
    assert visible - modules == set(dsrkit.__all__) - {"__version__"}


@pytest.mark.parametrize(
    ("waiting", "awaiting"),
    [
        (dsrkit.Client, dsrkit.AsyncClient),
        (dsrkit.Plan, dsrkit.AsyncPlan),
        (dsrkit.Run, dsrkit.AsyncRun),
        (dsrkit.MixpeekClient, dsrkit.AsyncMixpeekClient),
    ],
)
def test_both_clients_have_the_same_methods(waiting: type, awaiting: type) -> None:
    def methods(cls: type) -> dict[str, list[tuple[Any, ...]]]:
        return {
            name: [
                (p.name, p.kind, p.default) for p in inspect.signature(member).parameters.values()
            ]
            for name, member in inspect.getmembers(cls, inspect.isroutine)
            if not name.startswith("_")
        }

    def properties(cls: type) -> set[str]:
        members = inspect.getmembers(cls, lambda member: isinstance(member, property))
        return {name for name, _ in members}

    assert methods(waiting) == methods(awaiting)
    assert properties(waiting) == properties(awaiting)
    if dataclasses.is_dataclass(waiting):
        names = [[field.name for field in dataclasses.fields(cls)] for cls in (waiting, awaiting)]
        assert names[0] == names[1]
    # What does no I/O is the same for both.
    plain = {"to_dict", "with_options", "sandbox"}
    for name, member in inspect.getmembers(awaiting, inspect.isroutine):
        if name.startswith("_"):
            continue
        awaited = inspect.iscoroutinefunction(member) or inspect.isasyncgenfunction(member)
        assert awaited is (name not in plain), name
        assert member.__doc__ == getattr(waiting, name).__doc__
        assert member.__doc__, name


def test_errors_are_those_of_the_core() -> None:
    table = {name: (code, hint) for name, code, hint in _native.error_kinds()}
    assert {kind: cls.code for kind, cls in errors.BY_KIND.items()} == {
        kind: code for kind, (code, _) in table.items()
    }
    for kind, cls in errors.BY_KIND.items():
        assert issubclass(cls, dsrkit.DsrError)
        assert cls.__name__ in errors.__all__
        assert cls.__doc__
        error = cls("what is wrong", context={"row": "7"}, retry_after=2.5, task_ids=("1",))
        assert (error.kind, error.hint) == (kind, table[kind][1])
        assert str(error) == f"what is wrong (row: 7). {error.hint}"
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is cls
        assert vars(again) == vars(error)


@pytest.mark.parametrize(
    ("cls", "second"),
    [
        ("InvalidInputError", ValueError),
        ("ConfigError", ValueError),
        ("NotFoundError", LookupError),
        ("UnavailableError", ConnectionError),
        ("DeadlineError", TimeoutError),
        ("NotConfirmedError", ValueError),
        ("FileError", OSError),
        ("ForkError", RuntimeError),
    ],
)
def test_errors_have_their_second_base(cls: str, second: type) -> None:
    assert issubclass(getattr(dsrkit, cls), second)


def test_settings_default_to_those_of_the_core() -> None:
    assert dsrkit.Settings().to_dict() == _native.default_settings()
    assert dsrkit.Settings(poll_max=7200.0).poll_max == 7200.0
    with pytest.raises(FrozenInstanceError):
        dsrkit.Settings().poll_max = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    "bad",
    [
        {"requests_per_second": 0},
        {"request_timeout": -1.0},
        {"lost_after": float("nan")},
        {"on_ambiguous": "guess"},
        {"backoff_max": 0.5},
    ],
)
def test_settings_that_cannot_work_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(dsrkit.ConfigError):
        dsrkit.Settings(**bad)


def test_nothing_shows_a_secret(tmp_path: Path) -> None:
    project = dsrkit.Mixpanel(
        f"{CANARY}-project", f"{CANARY}-oauth", archive_secrets=[f"{CANARY}-archive"]
    )
    job = dsrkit.Job("1", "retrieval", "SUCCESS", f"https://store.example/a?{CANARY}", None)
    settings = dsrkit.Settings(proxy=f"http://user:{CANARY}@proxy.example")
    with dsrkit.Client(project, tmp_path / "dsr.sqlite3", settings) as client:
        for shown in (project, job, settings, client, vars(client)):
            assert CANARY not in repr(shown)
            assert CANARY not in f"{shown}"
    assert job.download_url is not None and CANARY in job.download_url
    with pytest.raises(dsrkit.ConfigError) as caught:
        dsrkit.Mixpanel(f"{CANARY} with a blank", "oauth")
    assert CANARY not in str(caught.value) and CANARY not in repr(caught.value)


def test_nothing_shows_a_person(client: dsrkit.Client) -> None:
    run = client.delete([f"{CANARY}-1", f"{CANARY}-2"], confirm=2)
    report = run.wait()
    rows = list(report.outcomes)
    assert [row.id for row in rows] == [f"{CANARY}-1", f"{CANARY}-2"]
    for shown in (client, run.plan, run, report, report.outcomes, rows, rows[0], run.jobs):
        assert CANARY not in repr(shown)
        assert CANARY not in f"{shown}"
    assert CANARY not in report.to_json()
    with pytest.raises(dsrkit.InvalidInputError) as caught:
        client.plan_deletion([f"{CANARY}-1", f" {CANARY}-2"])
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_credentials_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(dsrkit.ConfigError, match="DSRKIT_MIXPANEL_PROJECT_TOKEN"):
        dsrkit.Mixpanel.from_env()
    secret = tmp_path / "oauth"
    secret.write_text("oauth-token\n")
    monkeypatch.setenv("DSRKIT_MIXPANEL_PROJECT_TOKEN", "project-token")
    monkeypatch.setenv("DSRKIT_MIXPANEL_OAUTH_TOKEN_FILE", str(secret))
    monkeypatch.setenv("DSRKIT_MIXPANEL_REGION", "eu")
    assert dsrkit.Mixpanel.from_env().base_url == "https://eu.mixpanel.com/api/app"
    monkeypatch.setenv("DSRKIT_MIXPANEL_OAUTH_TOKEN", "another")
    with pytest.raises(dsrkit.ConfigError, match="both"):
        dsrkit.Mixpanel.from_env()


def test_limits_follow_the_data_groups() -> None:
    assert dsrkit.Mixpanel("p", "o").deletion_limit == 1999
    assert dsrkit.Mixpanel("p", "o", data_groups=3).deletion_limit == 500
    with pytest.raises(TypeError):
        dsrkit.Mixpanel("p", "o", archive_secrets="one-secret")


def test_results_are_plain_frozen_and_copyable(client: dsrkit.Client, tmp_path: Path) -> None:
    ids = ["b", 'a "quoted", id', "用户"]
    report = client.delete(ids, confirm=3, reference="DSR-1").wait()
    assert [row.id for row in report.outcomes] == ids
    assert {row.outcome for row in report.outcomes} == {"done"}
    assert len(report.outcomes) == 3
    values: list[Any] = [report, report.jobs[0]]
    for value in (*values, *client.run(report.run_id).events()):
        assert copy.deepcopy(value) == value
        assert pickle.loads(pickle.dumps(value)) == value
        with pytest.raises(FrozenInstanceError):
            value.kind = "retrieval"
    target = tmp_path / "outcomes.csv"
    report.outcomes.to_csv(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    text = target.read_text("utf-8").splitlines()
    assert text[0] == "id,outcome,batch,task_id,package"
    assert text[2].startswith('"a ""quoted"", id",done,0,')
    assert list(tmp_path.iterdir()) == [target]
    report.events.to_csv(target)
    with target.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["seq", "at", "kind", "batch", "task_id", "text"]
    for row, event in zip(rows[1:], report.events, strict=True):
        assert (int(row[0]), datetime.fromisoformat(row[1])) == (event.seq, event.at)
        batch = "" if event.batch is None else str(event.batch)
        assert row[2:] == [event.kind, batch, event.task_id or "", event.text]
    with pytest.raises(dsrkit.FileError):
        report.events.to_csv(tmp_path / "no such folder" / "events.csv")
    assert report.to_dict()["counts"] == {"done": 3}
    assert '"reference": "DSR-1"' in report.to_json()


def test_a_closed_client_says_so(tmp_path: Path) -> None:
    with dsrkit.Sandbox() as vendor:
        client = dsrkit.Client(vendor.mixpanel(), tmp_path / "dsr.sqlite3")
        run = client.plan_retrieval(["a"]).start()
        client.close()
        client.close()
        with pytest.raises(dsrkit.ConfigError, match="closed"):
            run.state
        # The journal is free again, although `run` is still held.
        with dsrkit.Client(vendor.mixpanel(), tmp_path / "dsr.sqlite3") as other:
            assert other.run(run.id).wait().counts == {"done": 1}


def test_waiting_has_an_end_when_asked() -> None:
    with dsrkit.Client.sandbox(speed="real") as client:
        run = client.delete(["a"], confirm=1)
        with pytest.raises(dsrkit.DeadlineError):
            run.wait(timeout=0.05)
        with pytest.raises(TimeoutError):
            run.wait(timeout=0.05, progress=lambda event: None)
        assert run.state in ("running", "waiting")


def test_a_plan_shows_what_it_will_do(client: dsrkit.Client) -> None:
    plan = client.plan_deletion([f"user-{number}" for number in range(4000)], reference="DSR-9")
    assert (plan.subjects, plan.batches, plan.estimate.requests) == (4000, 3, 3)
    assert (plan.estimate.bound, plan.estimate.expected) == ("not known", None)
    assert plan.confirm.startswith("4000:")
    assert client.run(plan.id).state == "planned"
    for wrong in (None, "", "4000", "3999:" + plan.confirm[5:], "4000:00000000"):
        with pytest.raises(dsrkit.NotConfirmedError):
            plan.start(confirm=wrong)
    with pytest.raises(dsrkit.NotConfirmedError):
        client.delete(["a", "b"], confirm=3)
    assert client.vendor is not None and client.vendor.ledger() == []


def test_single_calls(client: dsrkit.Client) -> None:
    job = client.create_deletion(["a", "b"])
    assert (job.kind, job.status) == ("deletion", "PENDING")
    assert client.get_deletion(job.id).status == "PENDING"
    client.cancel_deletion(job.id)
    assert client.get_deletion(job.id).status == "REVOKED"
    with pytest.raises(dsrkit.ConfigError):
        client.cancel_retrieval("1")
    job = client.create_retrieval(["a"], compliance_type="CCPA", disclosure_type="Sources")
    assert client.vendor is not None
    client.vendor.advance(days=30)
    assert client.get_retrieval(job.id).download_url
    with pytest.raises(dsrkit.NotFoundError):
        client.run("no-such-run")


def test_the_password_of_a_journal_is_not_shown() -> None:
    from dsrkit._base import _shown

    url = "postgresql://u:hunter2@db.example:5432/dsr?password=hunter2"
    assert _shown(url) == "postgresql://db.example:5432/dsr?..."
    assert _shown("dsr.sqlite3") == "dsr.sqlite3"


def test_a_batch_is_sent_again_with_its_own_number(client: dsrkit.Client) -> None:
    plan = client.plan_deletion(["a"])
    run = plan.start(confirm=plan.confirm)
    with pytest.raises(TypeError, match="number of the batch's people"):
        run.decide(0, "send_again", confirm=plan.confirm)  # type: ignore[arg-type]


def test_a_journal_is_opened_once_in_a_program(tmp_path: Path) -> None:
    with dsrkit.Client.sandbox(journal=tmp_path / "dsr.sqlite3") as first:
        assert first.vendor is not None
        with pytest.raises(dsrkit.JournalError, match="this one") as caught:
            dsrkit.Client(first.vendor.mixpanel(), tmp_path / "dsr.sqlite3").plan_deletion(["a"])
        assert "already" in caught.value.hint
