"""What dsrkit answers: frozen, comparable, copyable. `to_dict()` gives plain data, with times in
milliseconds since 1970 (UTC), the same in every language."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from ._outcomes import Outcomes, SubjectOutcome

__all__ = [
    "AmbiguousAttempt",
    "Estimate",
    "Event",
    "Job",
    "JobReport",
    "Outcomes",
    "Problem",
    "Processed",
    "RefusedRow",
    "RefusedRows",
    "Report",
    "SubjectOutcome",
]

Region: TypeAlias = Literal["us", "eu", "in"]
ApiVersion: TypeAlias = Literal["3.0", "2.0"]
Kind: TypeAlias = Literal["retrieval", "deletion"]
ComplianceType: TypeAlias = Literal["GDPR", "CCPA"]
DisclosureType: TypeAlias = Literal["Data", "Categories", "Sources"]
Decision: TypeAlias = Literal["send_again", "follow", "give_up"]
Bound: TypeAlias = Literal["rate", "scan budget", "not known"]
OnAmbiguous: TypeAlias = Literal["resolve", "resubmit", "hold"]
State: TypeAlias = Literal[
    "planned", "running", "waiting", "paused", "held", "finished", "cancelled"
]
Outcome: TypeAlias = Literal[
    "pending",
    "submitted",
    "done",
    "running_elsewhere",
    "rejected",
    "failed",
    "revoked",
    "held",
    "cancelled",
]
EventKind: TypeAlias = Literal[
    "planned",
    "started",
    "submitted",
    "adopted",
    "split",
    "backoff",
    "ambiguous",
    "held",
    "rejected",
    "status",
    "archived",
    "archive_failed",
    "paused",
    "resumed",
    "cancel",
    "anomaly",
    "deadline",
    "decided",
    "orphan",
    "sealed",
    "purged",
    "finished",
    "waiting",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def moment(milliseconds: int) -> datetime:
    """A time of the core, in UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def milliseconds(at: datetime) -> int:
    """The same way back."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True)
class _Plain:
    """Dataclasses whose fields are plain data already."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(frozen=True, repr=False)
class Job(_Plain):
    """A vendor task as one answer showed it."""

    id: str
    """The task id: opaque text, 19 digits or a UUID."""
    kind: Kind
    status: str
    """An upper-case word: PENDING, STAGING, STARTED, SUCCESS, FAILURE, REVOKED, NOT_FOUND,
    UNKNOWN, or one that nobody documented."""
    download_url: str | None
    """The signed link of a finished retrieval's archive. It opens without credentials: treat it
    as a secret."""
    requested_at: str | None
    """When the vendor took the request, as the vendor wrote it (UTC)."""

    def __repr__(self) -> str:
        link = self.download_url
        if link is not None:
            parts = urlsplit(link)
            link = f"{parts.scheme}://{parts.hostname}{parts.path}" + (
                "?..." if parts.query else ""
            )
        return (
            f"Job(id={self.id!r}, kind={self.kind!r}, status={self.status!r}, "
            f"download_url={link!r}, requested_at={self.requested_at!r})"
        )


@dataclass(frozen=True)
class Estimate(_Plain):
    """What carrying a plan out will take, as far as it can be known."""

    requests: int
    """Create calls."""
    sending: float
    """The least seconds to send them all, at the project's pace."""
    text: str
    """One line for people."""
    expected_requests: int | None
    """All calls that are expected, with refused creates and looks at jobs; None when no job of this
    kind has ended in this project yet."""
    expected: tuple[float, float] | None
    """Seconds from the start to the end of the last job, at the least and at the most, as it would
    come in four of five cases if things go on as before."""
    bound: Bound
    """What the end hangs on."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Event:
    """One thing that happened to a run. Holds no ids of people and no secrets."""

    seq: int
    """Its number in the journal; 0 for events that are not kept."""
    at: datetime
    """When, by the client's clock."""
    run_id: str
    kind: EventKind
    batch: int | None
    task_id: str | None
    text: str
    """One plain line."""
    next_due: datetime | None
    """When something is due next."""

    @classmethod
    def _of(cls, data: dict[str, Any]) -> Event:
        due = data["next_due_ms"]
        return cls(
            seq=data["seq"],
            at=moment(data["at_ms"]),
            run_id=data["run_id"],
            kind=data["kind"],
            batch=data["batch"],
            task_id=data["task_id"],
            text=data["text"],
            next_due=None if due is None else moment(due),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "seq": self.seq,
            "at_ms": milliseconds(self.at),
            "run_id": self.run_id,
            "kind": self.kind,
            "batch": self.batch,
            "task_id": self.task_id,
            "text": self.text,
            "next_due_ms": None if self.next_due is None else milliseconds(self.next_due),
        }

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.kind}: {self.text}"


@dataclass(frozen=True)
class JobReport(_Plain):
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
class Problem(_Plain):
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
        return f"{self.kind}: {self.message} ({self.ids} ids). {self.hint}"


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
class RefusedRow(_Plain):
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

    @classmethod
    def _of(cls, data: dict[str, Any], outcomes: Outcomes) -> Report:
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
        )

    def __str__(self) -> str:
        return self.text or repr(self)

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
