"""Cards of notebooks in a real browser: readable by everybody, on light and on dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

import dsrkit

# A notebook's own colours: a card takes whatever the page has.
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Notebook</title>
<style>body {{ background: {back}; color: {front}; font: 14px sans-serif; margin: 1em }}</style></head>
<body><main><h1>Notebook</h1>{cards}</main></body></html>"""
SCHEMES = {"light": ("#ffffff", "#1f1f1f"), "dark": ("#111111", "#e0e0e0")}


@pytest.fixture(scope="module")
def cards() -> str:
    """A card of each kind, with everything that a card can hold."""
    with dsrkit.Client.sandbox() as client:
        plan = client.plan_deletion(["a", "b", "b"], reference="<script>alert(1)</script>")
        run = plan.start(confirm=plan.confirm)
        shown = [plan._repr_html_()]
        for event in run.events():
            if event.kind == "waiting" and len(shown) == 1:
                shown.append(run._repr_html_())
        report = run.report()
        problem = dsrkit.Problem(0, None, "held", "nobody knows", "Decide.", 1)
        shown.append(dsrkit.Report(**{**vars(report), "problems": (problem,) * 6})._repr_html_())
        job = dsrkit.Job("1", "retrieval", "SUCCESS", "https://store.example/a?secret", None)
        shown.append(job._repr_html_())
    return "\n".join(shown)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [1180, 360])
def test_cards_are_accessible(
    browser: Browser, cards: str, tmp_path: Path, scheme: Any, width: int
) -> None:
    back, front = SCHEMES[scheme]
    file = tmp_path / "notebook.html"
    file.write_text(PAGE.format(back=back, front=front, cards=cards), "utf-8")
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == []
    assert page.locator("section").count() == 4
    assert page.locator("section script").count() == 0
    assert "<script>alert(1)</script>" in page.locator("section").first.inner_text()
    # Nothing sticks out of a narrow window.
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert (said, asked) == ([], [file.as_uri()])
    page.screenshot(path=str(tmp_path / "cards.png"), full_page=True)
    context.close()
