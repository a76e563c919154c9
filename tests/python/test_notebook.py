"""docs/tutorial.ipynb, run by a real kernel."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.ipynb"


def test_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook: Any = nbformat.read(TUTORIAL, as_version=4)
    # As it is committed: without what a reader's machine has shown.
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the kernel's libraries are not ours
        nbclient.NotebookClient(
            notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
        ).execute()
    shown = [output for cell in code for output in cell.outputs]
    assert all(output.output_type != "error" for output in shown)
    pages = [output.data.get("text/html", "") for output in shown if "data" in output]
    titles = ("Plan of a deletion", "Run of a deletion", "Report of a deletion", "Run of a retrieval")
    for title in titles:
        assert any(title in page for page in pages), title
    # The card that is renewed in place ends as the run did.
    live = next(page for page in pages if "Run of a deletion" in page)
    assert "finished" in live and "4,812" in live
    said = "".join(output.text for output in shown if output.output_type == "stream")
    assert "ambiguous" in said and "Traceback" not in said
