"""What `logging` hears: everything that happened, and never a person or a secret."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import dsrkit

CANARY = "canary-7f3a"


def work(folder: Path) -> None:
    """Runs with trouble of many kinds."""
    with dsrkit.Sandbox(bad_ids=[f"{CANARY}-bad"], oauth_token=f"{CANARY}-oauth") as vendor:
        vendor.faults(
            [
                {"on": "create_deletion", "nth": 1, "kind": "status", "status": 429},
                {"on": "create_deletion", "nth": 2, "kind": "drop_after"},
                {"on": "download", "nth": 1, "kind": "truncated_archive"},
            ]
        )
        project = vendor.mixpanel(archive_secrets=[f"{CANARY}-secret", "another"])
        with dsrkit.Client(project, folder / "dsr.sqlite3") as client:
            client.delete([f"{CANARY}-{number}" for number in range(3)], confirm=3).wait()
            run = client.retrieve([f"{CANARY}-1"])
            run.wait()
            run.collect(folder / "out")
            client.get_deletion("1234567890")
        wrong = vendor.mixpanel(oauth_token=f"{CANARY}-wrong")
        with dsrkit.Client(wrong, folder / "other.sqlite3") as client:
            with pytest.raises(dsrkit.AuthenticationError):
                client.retrieve([f"{CANARY}-1"]).wait()


def test_what_happens_is_logged_without_people_and_secrets(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "dsrkit")
    work(tmp_path)
    assert {record.name for record in caplog.records} >= {"dsrkit"}
    ours = [record for record in caplog.records if record.name.startswith("dsrkit")]
    lines = "\n".join(record.getMessage() for record in ours)
    assert CANARY not in caplog.text and CANARY not in repr([vars(each) for each in ours])
    levels = {record.levelno for record in ours}
    assert levels == {logging.DEBUG, logging.INFO, logging.WARNING}
    for said in ("answered", "accepted", "kind=ambiguous", "kind=paused", "finished: 3 done"):
        assert said in lines, said
    # In the order of what happened.
    assert [record.created for record in ours] == sorted(record.created for record in ours)


def test_only_what_is_wanted_is_made(
    client: dsrkit.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "dsrkit")
    client.delete(["a"], confirm=1).wait()
    assert [record for record in caplog.records if record.name == "dsrkit"] == []
    caplog.set_level(logging.INFO, "dsrkit")
    client.delete(["b"], confirm=1).wait()
    assert {record.levelname for record in caplog.records if record.name == "dsrkit"} == {"INFO"}


SILENT = """
import logging, dsrkit
with dsrkit.Sandbox() as vendor:
    vendor.faults([{"on": "create_deletion", "kind": "drop_after"}])
    with dsrkit.Client(vendor.mixpanel(), "dsr.sqlite3") as client:
        assert len(client.delete(["a"], confirm=1).wait().ambiguous) == 1
"""


def test_a_library_is_silent_until_it_is_asked(
    program: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = program(SILENT).communicate(timeout=30)
    assert (out, err) == ("", "")
    monkeypatch.setenv("DSRKIT_LOG", "info")
    out, err = program(SILENT.replace("dsr.sqlite3", "two.sqlite3")).communicate(timeout=30)
    lines = err.splitlines()
    assert out == "" and any("INFO dsrkit: finished: 1 done" in line for line in lines), err
    assert any("WARNING dsrkit:" in line for line in lines)
    assert not any("DEBUG" in line for line in lines)
    monkeypatch.setenv("DSRKIT_LOG", "loud")
    process = program(SILENT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1 and "DSRKIT_LOG is" in err


def test_a_handler_that_fails_harms_nothing(client: dsrkit.Client) -> None:
    class Broken(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise ZeroDivisionError

    logger, handler = logging.getLogger("dsrkit"), Broken(logging.DEBUG)
    logger.addHandler(handler)
    try:
        assert client.delete(["a"], confirm=1).wait().counts == {"done": 1}
    finally:
        logger.removeHandler(handler)
