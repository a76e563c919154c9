"""`redocly respect` runs Arazzo workflows against the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tools
import yaml

import dsrkit

INPUTS = {
    "projectToken": tools.TOKEN,
    "distinctIds": ["anna", "bert"],
    "complianceType": "GDPR",
}


def published() -> dict[str, Any] | None:
    """The workflow as it was published, out of the page that it stands in."""
    for page in sorted((tools.SHARED / "seeds").glob("*.txt")):
        _, found, text = page.read_text("utf-8").partition("arazzo: 1.")
        if found:
            flow: dict[str, Any] = yaml.safe_load(found + text)
            return flow
    return None


def last(workflow: dict[str, Any]) -> dict[str, Any]:
    results: dict[str, Any] = workflow["executedSteps"][-1]["response"]["body"]["results"]
    return results


@pytest.mark.parametrize("whose", ["published", "ours"])
def test_the_published_flow_runs_to_its_end(whose: str, tmp_path: Path) -> None:
    flow = published()
    if whose == "ours":
        file = tools.HERE / "flows" / "retrieval.arazzo.yaml"
        flow = yaml.safe_load(file.read_text("utf-8"))
    if flow is None:
        pytest.skip("the published workflow is not at hand")
    # Its two calls come at once, so the sandbox's limit of one a second is off.
    with dsrkit.Sandbox(speed="real", dialect="arazzo", rate_interval_ms=0) as vendor:
        document = tools.at(tools.ours("mixpanel-arazzo"), vendor.base_url)
        tools.written(document, tmp_path / "dialect.yaml")
        flow["sourceDescriptions"][0]["url"] = "dialect.yaml"
        workflow = tools.respect(flow, tmp_path, INPUTS)
        assert vendor.summary()["calls"] == {"create_retrieval": 1, "get_retrieval": 1}
    steps = [step["stepId"] for step in workflow["executedSteps"]]
    assert steps == ["createRetrieval", "checkRetrieval"]
    assert last(workflow)["status"] == "PENDING" and last(workflow)["download_url"] == ""


@pytest.mark.parametrize("whose", ["official", "ours"])
def test_the_official_flow_asks_until_success(whose: str, tmp_path: Path) -> None:
    document = tools.official() if whose == "official" else tools.ours("mixpanel-3.0")
    if document is None:
        pytest.skip("the vendor's document is not at hand")
    file = tools.HERE / "flows" / "official.arazzo.yaml"
    text = file.read_text("utf-8")
    # The one name that the two documents have each their own of.
    name = "tracking_id" if whose == "official" else "task_id"
    flow = yaml.safe_load(text.replace("name: task,", f"name: {name},"))
    quick = {"pending": [400, 400], "staging": [400, 400], "started": [1500, 1500]}
    with dsrkit.Sandbox(
        speed="real", dialect="official", job_ms=quick, rate_interval_ms=0
    ) as vendor:
        tools.written(tools.at(document, vendor.base_url), tmp_path / "dialect.yaml")
        workflow = tools.respect(flow, tmp_path, INPUTS)
        assert vendor.summary()["calls"]["get_retrieval"] > 1
        link = last(workflow)["results"]
        assert last(workflow)["status"] == "SUCCESS"
        assert link.startswith(vendor.archive_base_url)
