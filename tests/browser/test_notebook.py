"""docs/tutorial.ipynb, executed, as a browser shows it. The programs that make and draw the page are
Jupyter's own; what is judged are our cards in it."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import nbclient
import nbconvert
import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Route

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.ipynb"
TITLES = ("Plan of a deletion", "Run of a deletion", "Report of a deletion", "Run of a retrieval")


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("notebook")
    os.environ.setdefault("IPYTHONDIR", str(place))
    notebook: Any = nbformat.read(TUTORIAL, as_version=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the kernel's libraries are not ours
        nbclient.NotebookClient(
            notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": place}}
        ).execute()
        html, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    file = place / "tutorial.html"
    file.write_text(html, "utf-8")
    return file


@pytest.mark.parametrize("width", [1180, 420])
def test_the_executed_tutorial_is_readable(browser: Browser, executed: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})

    def local(route: Route) -> None:
        # Jupyter's page asks a server for mathematics; ours has none, and nothing leaves the machine.
        if route.request.url.startswith("file:"):
            route.continue_()
        else:
            route.abort()

    page.route("**/*", local)
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(executed.as_uri())
    for title in TITLES:
        card = page.locator("section", has_text=title).first
        card.scroll_into_view_if_needed()
        assert card.is_visible()
        box = card.bounding_box()
        assert box and box["width"] <= width and box["height"] > 60, title
    text = page.inner_text("main")
    assert "Traceback" not in text and "finished" in text and "4,812" in text
    found = Axe().run(page, context="section").response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == []
    assert said == []
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"tutorial-{width}.png", full_page=True)
    page.close()
