"""The account of a run: frozen, comparable, copyable. `to_dict()` gives plain data, with times in
milliseconds since 1970 (UTC), the same in every language."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from ._outcomes import EventLog, Outcomes, SubjectOutcome
from .types import ComplianceType, Kind, Outcome, Plain, State, milliseconds, moment

__all__ = [
    "AmbiguousAttempt",
    "EventLog",
    "JobReport",
    "Outcomes",
    "Problem",
    "Processed",
    "RefusedRow",
    "RefusedRows",
    "Report",
    "SubjectOutcome",
]


@dataclass(frozen=True)
class JobReport(Plain):
    """One vendor task of a run."""

    task_id: str
    status: str
    origin: Literal["created", "adopted", "elsewhere", "manual"]
    """Made by this run; taken over after a 409; another's, that deletes our ids too; or named by a
    person (`decide`)."""
    ids: int
    """How many of this run's ids it carries."""
    cancel: Literal["requested", "cancelled", "too late", "unknown", "not ours"] | None
    polls: int
    """How often its status was asked for."""


@dataclass(frozen=True)
class Problem(Plain):
    """Something a person must look at."""

    batch: int | None
    task_id: str | None
    kind: str
    """The kind of error: a key of `dsrkit.errors.BY_KIND`."""
    message: str
    hint: str
    """What to do."""
    ids: int
    """How many ids it concerns."""

    def __str__(self) -> str:
        ids = "1 id" if self.ids == 1 else f"{self.ids} ids"
        return f"{self.kind}: {self.message} ({ids}). {self.hint}"


@dataclass(frozen=True)
class Processed:
    """One run that named an id."""

    run_id: str
    kind: Kind
    outcome: Outcome
    """What became of the id in it."""
    at: datetime
    """When."""

    @classmethod
    def _of(cls, data: dict[str, Any]) -> Processed:
        return cls(data["run_id"], data["kind"], data["outcome"], moment(data["at_ms"]))

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "run_id": self.run_id,
            "kind": self.kind,
            "outcome": self.outcome,
            "at_ms": milliseconds(self.at),
        }


@dataclass(frozen=True)
class AmbiguousAttempt:
    """A request whose answer was lost. Each stands in the report, however it ended."""

    batch: int
    attempt: int
    sent_at: datetime
    seen: str
    """What was seen instead of a usable answer."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "batch": self.batch,
            "attempt": self.attempt,
            "sent_at_ms": milliseconds(self.sent_at),
            "seen": self.seen,
        }


@dataclass(frozen=True)
class RefusedRow(Plain):
    """A row of the input that was left out (`skip_bad`)."""

    row: int
    """A line of a file, from 1, or a position of an iterable, from 0."""
    reason: str


@dataclass(frozen=True)
class RefusedRows:
    """The rows of the input that were left out (`skip_bad`)."""

    total: int
    rows: tuple[RefusedRow, ...]
    """The first hundred of them."""

    @classmethod
    def _of(cls, data: dict[str, Any]) -> RefusedRows:
        return cls(data["total"], tuple(RefusedRow(**row) for row in data["rows"]))

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"total": self.total, "rows": [row.to_dict() for row in self.rows]}


@dataclass(frozen=True)
class Report:
    """The account of a run at one moment: every id has exactly one outcome."""

    run_id: str
    kind: Kind
    compliance_type: ComplianceType
    reference: str | None
    state: State
    subjects: int
    """How many people the plan names."""
    duplicates: int
    """Rows of the input that repeated an id."""
    refused: RefusedRows
    counts: dict[str, int]
    """How many ids have each outcome; the values add up to `subjects`."""
    jobs: tuple[JobReport, ...]
    ambiguous: tuple[AmbiguousAttempt, ...]
    """Requests whose answer was lost."""
    problems: tuple[Problem, ...]
    """What a person must look at."""
    received_at: datetime
    deadline: datetime
    """When the law wants the answer."""
    at: datetime
    """When this account was made."""
    packages: Path | None
    """The folder of packages, after `collect`."""
    purged_at: datetime | None
    """When the ids and what was delivered were removed (`purge`)."""
    missing_texts: tuple[str, ...] = ()
    """After `collect`: what the packages name as not filled in ("purposes", "recipients" ...)."""
    text: str = field(repr=False, compare=False, default="")
    """The account in plain words, several lines, for people who were not there; also `str(report)`."""
    outcomes: Outcomes = field(repr=False, compare=False, default=Outcomes())
    """One row per id, read from the journal when it is asked for."""
    events: EventLog = field(repr=False, compare=False, default=EventLog())
    """What happened, read from the journal when it is asked for."""

    @classmethod
    def _of(cls, data: dict[str, Any], outcomes: Outcomes, events: EventLog) -> Report:
        packages = data["packages"]
        return cls(
            run_id=data["run_id"],
            kind=data["kind"],
            compliance_type=data["compliance"],
            reference=data["reference"],
            state=data["state"],
            subjects=data["subjects"],
            duplicates=data["duplicates"],
            refused=RefusedRows._of(data["refused"]),
            counts=dict(data["counts"]),
            jobs=tuple(JobReport(**job) for job in data["jobs"]),
            ambiguous=tuple(
                AmbiguousAttempt(
                    batch=each["batch"],
                    attempt=each["attempt"],
                    sent_at=moment(each["sent_at_ms"]),
                    seen=each["seen"],
                )
                for each in data["ambiguous"]
            ),
            problems=tuple(Problem(**problem) for problem in data["problems"]),
            received_at=moment(data["received_at_ms"]),
            deadline=moment(data["deadline_ms"]),
            at=moment(data["at_ms"]),
            packages=None if packages is None else Path(packages),
            purged_at=None if data["purged_at_ms"] is None else moment(data["purged_at_ms"]),
            missing_texts=tuple(data["missing_texts"]),
            text=data["text"],
            outcomes=outcomes,
            events=events,
        )

    def __str__(self) -> str:
        return self.text or repr(self)

    def _repr_html_(self) -> str:
        from . import _display

        return _display.report(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, without the outcomes of single ids."""
        return {
            "run_id": self.run_id,
            "kind": self.kind,
            "compliance": self.compliance_type,
            "reference": self.reference,
            "state": self.state,
            "subjects": self.subjects,
            "duplicates": self.duplicates,
            "refused": self.refused.to_dict(),
            "counts": dict(self.counts),
            "jobs": [job.to_dict() for job in self.jobs],
            "ambiguous": [each.to_dict() for each in self.ambiguous],
            "problems": [problem.to_dict() for problem in self.problems],
            "received_at_ms": milliseconds(self.received_at),
            "deadline_ms": milliseconds(self.deadline),
            "at_ms": milliseconds(self.at),
            "packages": None if self.packages is None else str(self.packages),
            "purged_at_ms": None if self.purged_at is None else milliseconds(self.purged_at),
            "missing_texts": list(self.missing_texts),
        }

    def to_json(self) -> str:
        """The same as one JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False)
