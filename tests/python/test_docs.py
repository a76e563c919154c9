"""Every block of Python in README and docs runs, on the simulated vendor; every test that the table
of docs/python.md names exists."""

from __future__ import annotations

import os
import re
import subprocess
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
            assert path.exists() and re.search(rf"(def|fn) {name}\b", path.read_text("utf-8")), test


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("page", ["README.md", "docs/C.md"])
def test_blocks_of_c_stand_in_a_program_that_is_run(page: str) -> None:
    """tests/c/documentation.c; what is written in Rust is in tests/rust/documentation.rs."""
    program = (ROOT / "tests/c/documentation.c").read_text("utf-8")
    (block,) = [text for _, text in blocks(page, "c")]
    part = program.split(f"/* {page} */\n")[1].split("/* END */")[0]
    assert lines(block) == lines(part)


# Who runs what the pages tell a reader to type; nobody runs the hours of `make soak` on every change.
TYPED = {
    "make demo": (".ci/run", "make demo"),
    "make test": (".ci/run", "make test"),
    "make install PREFIX=/usr/local": ("tests/c/installed.sh", "ffi/install.sh"),
}


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "sh")])
def test_what_a_reader_is_told_to_type_exists(page: str) -> None:
    for _, text in blocks(page, "sh"):
        for line in lines(text):
            command = line.partition("#")[0].strip()
            words = command.split()
            if words[0] == "make":
                # It knows the target, and all that it needs.
                done = subprocess.run([*words, "--dry-run"], cwd=ROOT, capture_output=True, text=True)
                assert done.returncode == 0, done.stderr
            else:
                assert os.access(ROOT / words[0], os.X_OK), command
            if command in TYPED:
                runner, runs = TYPED[command]
                assert runs in (ROOT / runner).read_text("utf-8"), command
            else:
                assert "soak" in command, f"nothing runs {command}"


def test_no_block_is_of_a_language_that_nothing_runs() -> None:
    # sql: tests/rust/postgres.rs. mermaid: drawn from the tables of states, tests/rust/architecture.rs.
    run = {"python", "sh", "c", "rust", "sql", "mermaid", "text", ""}
    for page in PAGES:
        text = (ROOT / page).read_text("utf-8")
        assert {match[1] for match in BLOCK.finditer(text)} <= run, page
        if page != "README.md":
            assert "```rust" not in text, page
