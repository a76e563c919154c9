"""Results as values: pasted, pickled, copied, frozen."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import inspect
import json
import pathlib
import pickle
import pydoc
from typing import Any

import pytest

import dsrkit


def results(client: dsrkit.Client) -> list[Any]:
    """One of each."""
    assert client.vendor is not None
    client.vendor.faults([{"on": "create_deletion", "kind": "drop_after"}])
    plan = client.plan_deletion(["a", "b", "b"], reference="DSR-1")
    report = plan.start(confirm=plan.confirm).wait()
    refused = client.plan_retrieval(["a", ""], skip_bad=True)
    processed = client.was_processed("a")
    return [
        plan,
        plan.estimate,
        refused,
        refused.refused,
        refused.refused.rows[0],
        report,
        report.jobs[0],
        report.ambiguous[0],
        processed[0],
        client.create_deletion(["z"]),
        dsrkit.Problem(1, None, "archive", "broken", "Fetch it again.", 3),
        dsrkit.Settings(poll_max=7200.0),
        dsrkit.RawAnswer(200, {}, b"{}"),
        next(iter(client.run(report.run_id).events())),
    ]


def test_results_can_be_pasted_pickled_and_copied(client: dsrkit.Client) -> None:
    names = {**vars(dsrkit), "datetime": datetime, **vars(pathlib)}
    for value in results(client):
        kind = type(value).__name__
        assert copy.copy(value) == value, kind
        assert copy.deepcopy(value) == value, kind
        assert pickle.loads(pickle.dumps(value)) == value, kind
        json.dumps(value.to_dict(), default=str)
        name = next(field.name for field in dataclasses.fields(value))
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, None)
        if kind != "RawAnswer":  # its repr hides what may name people
            assert eval(repr(value), names) == value, repr(value)


def test_a_plan_and_a_run_remember_themselves(client: dsrkit.Client) -> None:
    run = client.retrieve(["a"])
    plan = run.plan
    for there in (pickle.loads(pickle.dumps(run)), copy.deepcopy(run)):
        assert (there.id, there.plan) == (run.id, plan)
        with pytest.raises(dsrkit.ConfigError, match="copied away"):
            there.wait()
        assert client.run(there.id).state == "running"
    with pytest.raises(dsrkit.ConfigError, match="copied away"):
        pickle.loads(pickle.dumps(plan)).start()


def test_what_holds_credentials_is_not_pickled(client: dsrkit.Client) -> None:
    project = dsrkit.Mixpanel("project", "oauth")
    for value in (client, project):
        with pytest.raises(TypeError, match="in the process that needs it"):
            pickle.dumps(value)
    assert copy.copy(project) is copy.deepcopy(project) is project


def test_classes_can_be_looked_over(client: dsrkit.Client) -> None:
    plan = client.plan_retrieval(["a"])
    for each in (dsrkit, dsrkit.Plan, dsrkit.AsyncPlan, plan):
        assert "plan" in pydoc.render_doc(each).lower()
    assert inspect.classify_class_attrs(dsrkit.Plan)
