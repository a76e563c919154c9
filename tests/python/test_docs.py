"""Every block of Python in README and docs runs, on the simulated vendor; every test that the table
of docs/python.md names exists."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import dsrkit

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: str, language: str) -> list[tuple[int, str]]:
    """Line and text of each block."""
    text = (ROOT / page).read_text("utf-8")
    return [
        (text.count("\n", 0, match.start()) + 2, match[2])
        for match in BLOCK.finditer(text)
        if match[1] == language
    ]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")])
def test_blocks_of_python_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "erase.csv").write_text("distinct_id\na\nb\n", "utf-8")
    vendor = dsrkit.Sandbox()

    class Simulated(dsrkit.Mixpanel):
        """What reads as a real project is the simulated one."""

        def __new__(cls, *arguments: Any, **options: Any) -> Any:
            return vendor.mixpanel()

        @classmethod
        def from_env(cls, **options: Any) -> dsrkit.Mixpanel:
            return vendor.mixpanel()

    monkeypatch.setattr(dsrkit, "Mixpanel", Simulated)
    # What a page takes for granted: the reader's own names.
    names: dict[str, Any] = {
        "__name__": "documentation",
        "dsrkit": dsrkit,
        "project_token": "project",
        "oauth_token": "oauth",
        "public_key": vendor.callback_key,
        "app": SimpleNamespace(mount=lambda path, application: None),
        "post": lambda url, headers, body: SimpleNamespace(status=202),
    }
    for line, text in blocks(page, "python"):
        # With the page's own lines in a traceback.
        code = compile("\n" * (line - 1) + text, page, "exec")
        exec(code, names)
    vendor.close()


def test_the_test_in_the_docs_is_run_by_pytest(pytester: pytest.Pytester) -> None:
    (text,) = [text for _, text in blocks("docs/python.md", "python") if "def test_" in text]
    pytester.makepyfile(text)
    pytester.runpytest_subprocess("--strict-markers").assert_outcomes(passed=1)


def test_every_test_of_the_table_exists() -> None:
    table = (ROOT / "docs/python.md").read_text("utf-8").split("## Row by row")[1]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    for row in rows:
        shown = re.findall(r"`([^`]+)`", row.rsplit(" | ", 1)[1])
        assert shown, row
        for test in shown:
            if test.startswith("make "):
                assert f"\n{test.removeprefix('make ')}:" in (ROOT / "Makefile").read_text()
                continue
            file, _, name = test.partition("::")
            path = ROOT / (file if os.sep in file else f"tests/python/{file}")
            assert f"def {name}(" in path.read_text("utf-8"), test


def test_other_blocks_stand_in_programs_that_are_tested() -> None:
    programs = {
        "rust": (ROOT / "examples/rust/erase.rs").read_text("utf-8"),
        "c": (ROOT / "examples/c/delete.c").read_text("utf-8"),
    }
    for language, program in programs.items():
        spaceless = re.sub(r"\s+", "", program)
        for _, text in blocks("README.md", language):
            calls = set(re.findall(r"\b(?:dsr_\w+|[A-Z]\w+::\w+|\.\w+)\(", text))
            missing = {call for call in calls if call not in spaceless}
            assert not missing, f"{language}: {missing}"
