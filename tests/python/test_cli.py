"""`python -m dsrkit sandbox`, as another language uses it."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest


def call(known: dict[str, str], path: str, body: Any = None, token: str | None = None) -> Any:
    request = urllib.request.Request(
        f"{known['base_url']}{path}?token={known['project_token']}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token or known['oauth_token']}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_serves_until_it_is_told_to_end(program: object, end: int) -> None:
    assert callable(program)
    process = program(None, "-m", "dsrkit", "sandbox", "--speed", "100000")
    known = json.loads(process.stdout.readline())
    assert set(known) == {
        "base_url",
        "archive_base_url",
        "project_token",
        "oauth_token",
        "archive_secret",
        "mixpeek_base_url",
        "mixpeek_api_key",
    }
    made = call(known, "/data-deletions/v3.0/", {"distinct_ids": ["a"], "compliance_type": "GDPR"})
    task = made["results"]["task_id"]
    assert call(known, f"/data-deletions/v3.0/{task}/")["status"] == "ok"
    with pytest.raises(urllib.error.HTTPError) as refused:
        call(known, f"/data-deletions/v3.0/{task}/", token="wrong")
    assert refused.value.code == 401
    refused.value.close()
    process.send_signal(end)
    out, err = process.communicate(timeout=5)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_port_that_is_taken_is_told_in_one_line(program: object) -> None:
    assert callable(program)
    first = program(None, "-m", "dsrkit", "sandbox")
    port = json.loads(first.stdout.readline())["base_url"].split(":")[2].split("/")[0]
    second = program(None, "-m", "dsrkit", "sandbox", "--port", port)
    out, err = second.communicate(timeout=5)
    assert (second.returncode, out) == (2, "")
    assert err.startswith("dsrkit: ") and len(err.splitlines()) == 1


def test_a_file_is_looked_at_without_sending_anything(program: object, tmp_path: Path) -> None:
    assert callable(program)
    (tmp_path / "people.csv").write_text("name,id\nA,a\nB,b\nA,a\n", "utf-8")
    process = program(None, "-m", "dsrkit", "plan", "people.csv", "--column", "id", "--deletion")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert out.startswith("2 people, 1 row repeated somebody\n1 request, ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["nowhere.csv"], "nowhere.csv"), (["people.csv", "--column", "none"], "column")],
)
def test_what_cannot_be_read_is_one_line_that_says_what_to_do(
    program: object, tmp_path: Path, arguments: list[str], says: str
) -> None:
    assert callable(program)
    (tmp_path / "people.csv").write_text("name,id\nA,a\n", "utf-8")
    process = program(None, "-m", "dsrkit", "plan", *arguments)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert err.startswith("dsrkit: ") and says in err and len(err.splitlines()) == 1


def test_a_served_vendor_has_no_clock_that_stands_still(program: object) -> None:
    assert callable(program)
    process = program(None, "-m", "dsrkit", "sandbox", "--speed", "virtual")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "") and "factor" in err
