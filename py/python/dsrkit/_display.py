"""Cards for notebooks: plain HTML that takes its colours from the page, so that it can be read on
light and on dark, by eye or by screen reader, without a script. They hold no ids of people and no
secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._base import PlanBase, RunBase
    from ._report import Report
    from .types import Job

_BOX = (
    "border:1px solid currentColor;border-radius:6px;padding:.6em 1em;margin:.3em 0;max-width:46em;"
    "font-family:system-ui,sans-serif;color:inherit;background:transparent"
)
_CELL = "text-align:left;vertical-align:top;padding:.1em 1.2em .1em 0;border:0;background:transparent"
_TRACK = "height:.6em;border:1px solid currentColor;border-radius:3px;margin:.5em 0"
_ENDED = ("done", "rejected", "failed", "revoked", "cancelled")

Fact = tuple[str, object]


def plan(it: PlanBase) -> str:
    facts: list[Fact] = [
        ("People", f"{it.subjects:,}"),
        ("Rows that repeated somebody", f"{it.duplicates:,}" if it.duplicates else None),
        ("Rows left out", f"{it.refused.total:,}" if it.refused.total else None),
        ("Requests", f"{it.batches:,}"),
        ("Estimate", it.estimate.text),
        ("Due by law", _time(it.deadline)),
        ("Reference", it.reference),
        ("Plan", it.id),
    ]
    note = "Nothing is sent before it is started."
    if it.kind == "deletion":
        note = f'Nothing is sent before plan.start(confirm="{it.confirm}"). Deleting is final.'
    return _card(f"Plan of a {it.kind}", facts, notes=[note])


def run(it: RunBase) -> str:
    counts, due, reason = it.counts, it.next_due, it.waiting_for
    waiting = None if due is None else f"{reason}; next due {_time(due)}"
    facts: list[Fact] = [
        ("State", it.state),
        ("Waits for", waiting if it.state in ("waiting", "running") else None),
        ("Tasks", f"{len(it.jobs):,}"),
        *_outcomes(counts),
        ("Reference", it.plan.reference),
        ("Run", it.id),
    ]
    return _card(f"Run of a {it.kind}", facts, share=_share(counts))


def report(it: Report) -> str:
    facts: list[Fact] = [
        ("State", it.state),
        ("People", f"{it.subjects:,}"),
        *_outcomes(it.counts),
        ("Tasks", f"{len(it.jobs):,}"),
        ("Answers that were lost", len(it.ambiguous) or None),
        ("Due by law", _time(it.deadline)),
        ("Packages", it.packages),
        ("Reference", it.reference),
        ("As of", _time(it.at)),
        ("Run", it.run_id),
    ]
    notes = [f"To look at: {problem}" for problem in it.problems[:5]]
    if len(it.problems) > 5:
        notes.append(f"... and {len(it.problems) - 5} more in report.problems")
    title = f"Report of a {it.kind} ({it.compliance_type})"
    return _card(title, facts, share=_share(it.counts), notes=notes)


def job(it: Job, link: str | None) -> str:
    facts: list[Fact] = [
        ("Task", it.id),
        ("Status", it.status),
        ("Requested", it.requested_at),
        ("Archive", link),
    ]
    return _card(f"Vendor task of a {it.kind}", facts)


def _outcomes(counts: Mapping[str, int]) -> list[Fact]:
    return [(word.replace("_", " "), f"{count:,}") for word, count in counts.items()]


def _share(counts: Mapping[str, int]) -> tuple[int, int]:
    return sum(counts.get(word, 0) for word in _ENDED), sum(counts.values())


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _card(
    title: str,
    facts: Iterable[Fact],
    *,
    share: tuple[int, int] | None = None,
    notes: Sequence[str] = (),
) -> str:
    parts = [f'<section style="{_BOX}" aria-label="{escape(title)}">']
    parts.append(f'<p style="margin:0 0 .3em"><strong>{escape(title)}</strong></p>')
    if share is not None and share[1]:
        percent = 100 * share[0] // share[1]
        said = f"{percent} % of the people are at their end"
        parts.append(
            f'<div role="img" aria-label="{said}" style="{_TRACK}">'
            f'<div style="height:100%;width:{percent}%;background:currentColor;opacity:.6"></div>'
            "</div>"
        )
    parts.append('<table style="border:0;border-collapse:collapse;margin:0">')
    for name, value in facts:
        if value is not None:
            parts.append(
                f'<tr style="background:transparent"><th scope="row" style="{_CELL};font-weight:normal">'
                f'{escape(name)}</th><td style="{_CELL}">{escape(str(value))}</td></tr>'
            )
    parts.append("</table>")
    parts += [f'<p style="margin:.4em 0 0">{escape(note)}</p>' for note in notes]
    parts.append("</section>")
    return "".join(parts)
