"""The fixtures that other people's tests use."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

THEIRS = """
import asyncio
import dsrkit
import pytest

def test_erasing(dsr_client, tmp_path):
    assert dsr_client.delete(["user-1"], confirm=1).wait().counts == {"done": 1}
    assert dsr_client.vendor.summary()["max_per_id"] == 1
    assert (tmp_path / "dsr.sqlite3").exists()

@pytest.mark.dsr_sandbox(data_groups=1, faults=[{"on": "create_deletion", "kind": "drop_after"}])
def test_a_lost_answer(dsr_client, dsr_sandbox):
    assert dsr_client.vendor is dsr_sandbox
    report = dsr_client.delete(["user-1"], confirm=1).wait()
    assert len(report.ambiguous) == 1

def test_each_has_its_own(dsr_sandbox, dsr_client):
    assert dsr_sandbox.ledger() == [] and dsr_client.runs() == []

def test_awaiting(dsr_async_client):
    async def main():
        run = await dsr_async_client.delete(["user-1"], confirm=1)
        assert (await run.wait()).counts == {"done": 1}
    asyncio.run(main())

@pytest.mark.dsr_sandbox("real")
def test_a_marker_without_names(dsr_sandbox): ...
"""


def test_other_peoples_tests_use_the_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(THEIRS)
    # As it is installed: by its entry point.
    result = pytester.runpytest_subprocess("--strict-markers", "-W", "error")
    result.assert_outcomes(passed=4, errors=1)
    result.stdout.fnmatch_lines(["*TypeError: the marker dsr_sandbox takes keyword arguments*"])


def test_the_fixtures_are_listed(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--fixtures")
    for name in ("dsr_sandbox", "dsr_client", "dsr_async_client"):
        result.stdout.fnmatch_lines([f"{name}*"])
