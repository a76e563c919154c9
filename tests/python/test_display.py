"""What a person sees: cards in notebooks, bars and lines elsewhere."""

from __future__ import annotations

import html.parser
import sys
import types
from typing import Any

import pytest

import dsrkit

CANARY = "canary-7f3a"


class Strict(html.parser.HTMLParser):
    """Every element is closed, in order; nothing runs and nothing is fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"section", "p", "strong", "div", "table", "tr", "th", "td"}
        assert {name for name, _ in attrs} <= {"style", "aria-label", "role", "scope"}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def text(card: str) -> str:
    parser = Strict()
    parser.feed(card)
    parser.close()
    assert parser.open == []
    assert "url(" not in card
    return " ".join(parser.text)


def test_cards_show_what_matters_and_nobody(client: dsrkit.Client, tmp_path: Any) -> None:
    plan = client.plan_deletion([f"{CANARY}-1", f"{CANARY}-2", f"{CANARY}-1"], reference="<b>&42")
    shown = text(plan._repr_html_())
    for said in ("Plan of a deletion", "Rows that repeated somebody", "Due by law", "<b>&42", plan.confirm):
        assert said in shown
    run = plan.start(confirm=plan.confirm)
    for event in run.events():
        if event.kind == "waiting":
            shown = text(run._repr_html_())
            assert "poll; next due 2026-" in shown and "submitted 2" in shown
    shown = text(run._repr_html_())
    assert "State finished" in shown and "done 2" in shown
    assert "100 % of the people are at their end" in run._repr_html_()
    report = run.report()
    assert "Due by law" in text(report._repr_html_())
    job = dsrkit.Job("1", "retrieval", "SUCCESS", f"https://store.example/a?{CANARY}", None)
    assert "https://store.example/a?..." in text(job._repr_html_())
    for it in (plan, run, report, job):
        assert CANARY not in it._repr_html_()


def test_problems_stand_on_the_card(client: dsrkit.Client) -> None:
    report = client.delete(["a"], confirm=1).wait()
    problems = (dsrkit.Problem(0, None, "held", "nobody knows", "Decide.", 1),) * 7
    shown = text(dsrkit.Report(**{**vars(report), "problems": problems})._repr_html_())
    assert shown.count("To look at: held: nobody knows (1 id). Decide.") == 5
    assert "and 2 more" in shown


def test_progress_is_a_line_for_each_change(
    client: dsrkit.Client, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    client.delete(["a"], confirm=1).wait(progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert any("waiting: poll, next try 2026-" in line for line in lines)
    assert lines[-1].endswith("finished: 1 done")
    # Looking again and again is said once.
    assert all(
        not ("waiting: poll" in one and "waiting: poll" in two)
        for one, two in zip(lines, lines[1:])
    )


def test_progress_is_a_bar_with_tqdm(
    client: dsrkit.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tqdm")
    client.delete([f"user-{number}" for number in range(30)], confirm=30).wait(progress=True)
    shown = capsys.readouterr().err
    assert "30/30" in shown and "finished: 30 done" in shown


def test_progress_is_a_card_in_a_notebook(
    client: dsrkit.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards: list[str] = []

    class Handle:
        def update(self, it: Any) -> None:
            cards.append(text(it._repr_html_()))

    def display(it: Any, display_id: bool) -> Handle:
        handle = Handle()
        handle.update(it)
        return handle

    kernel = types.ModuleType("IPython")
    vars(kernel)["get_ipython"] = lambda: types.SimpleNamespace(kernel=True)
    module = types.ModuleType("IPython.display")
    vars(module)["display"] = display
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    client.delete(["a"], confirm=1).wait(progress=True)
    assert "State finished" in cards[-1] and len(cards) > 3


def test_progress_is_whatever_is_called(client: dsrkit.Client) -> None:
    seen: list[dsrkit.Event] = []
    client.delete(["a"], confirm=1).wait(progress=seen.append)
    assert {"submitted", "status", "finished"} <= {event.kind for event in seen}
