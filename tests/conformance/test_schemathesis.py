"""schemathesis makes requests up from a document, good and bad ones, and judges the answers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import tools
import yaml

import dsrkit

ST = Path(tools.PYTHON).with_name("st")

# What is not checked, and why.
EXEMPT = {
    "use_after_free": "after a cancel the task is still there and says REVOKED, as documented",
    "positive_data_acceptance": "a second cancel is rightly refused with 405, a conflict with 409",
}
EXEMPT_OFFICIAL = {
    **EXEMPT,
    "status_code_conformance": "it documents no 400, 404, 405, 409 or 429; the vendor sends them",
    "negative_data_rejection": "it takes an empty body for valid: nothing is negative to it",
}


def judged(document: Path, place: Path, exempt: dict[str, str], bearer: str) -> str:
    server = yaml.safe_load(document.read_text("utf-8"))["servers"][0]["url"]
    (place / "st.toml").write_text(f'[parameters]\n"query.token" = "{tools.TOKEN}"\n', "utf-8")
    code, said = tools.run(
        *(ST, "--config-file", "st.toml", "run", document, "--url", server),
        *("-H", f"Authorization: Bearer {bearer}"),
        *("--checks", "all", "--exclude-checks", ",".join(exempt)),
        *("--max-examples", os.environ.get("DSRKIT_EXAMPLES", "15"), "--generation-deterministic", "--no-color"),
        cwd=place,
    )
    assert code == 0, said[-6000:]
    return said


@pytest.mark.parametrize("name", [path.stem for path in sorted(tools.DOCUMENTS.glob("*.yaml"))])
def test_the_sandbox_keeps_our_documents(name: str, tmp_path: Path) -> None:
    dialect = {"mixpanel-arazzo": "arazzo"}.get(name, {})
    with dsrkit.Sandbox(speed="real", rate_interval_ms=0, dialect=dialect) as vendor:
        origin = vendor.base_url.removesuffix("/api/app")
        served = tools.get(f"{origin}/_sandbox/openapi/{name}.yaml")
        (tmp_path / "served.yaml").write_bytes(served)
        bearer = vendor.credentials().get("mixpeek_api_key") if name == "mixpeek" else tools.BEARER
        if bearer is None:
            pytest.skip("the sandbox does not serve it")
        said = judged(tmp_path / "served.yaml", tmp_path, EXEMPT, bearer)
        assert vendor.summary()["requests"] > (5 if name == "mixpeek" else 50)
    print(said[-600:])


def test_the_sandbox_keeps_the_official_document(tmp_path: Path) -> None:
    document = tools.official()
    if document is None:
        pytest.skip("the vendor's document is not at hand")
    # The document wants every field of a deletion that is not there: told as a third party tells it.
    dialect = {"link_field": "results", "collection_slash": "both", "not_found": "404"}
    with dsrkit.Sandbox(speed="real", rate_interval_ms=0, dialect=dialect) as vendor:
        file = tools.written(tools.at(document, vendor.base_url), tmp_path / "official.yaml")
        said = judged(file, tmp_path, EXEMPT_OFFICIAL, tools.BEARER)
        assert vendor.summary()["requests"] > 50
    print(said[-600:])
