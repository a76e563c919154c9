"""What dsrkit answers: frozen, comparable, copyable. `to_dict()` gives plain data, with times in
milliseconds since 1970 (UTC), the same in every language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta, timezone
from typing import Any, Literal, TypeAlias

__all__ = [
    "Estimate",
    "Event",
    "FlowOutcome",
    "Job",
    "RawAnswer",
    "ShapeCount",
]

Region: TypeAlias = Literal["us", "eu", "in"]
ApiVersion: TypeAlias = Literal["3.0", "2.0"]
Kind: TypeAlias = Literal["retrieval", "deletion"]
ComplianceType: TypeAlias = Literal["GDPR", "CCPA"]
DisclosureType: TypeAlias = Literal["Data", "Categories", "Sources"]
Decision: TypeAlias = Literal["send_again", "follow", "give_up"]
Bound: TypeAlias = Literal["rate", "scan budget", "not known"]
OnAmbiguous: TypeAlias = Literal["resolve", "resubmit", "hold"]
WaitReason: TypeAlias = Literal["rate", "scan budget", "back-off", "poll", "deadline", "hold_for"]
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
    "callback",
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
class Plain:
    """Dataclasses whose fields are plain data already."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def _shown(link: str | None) -> str | None:
    """A link without its query, which opens it."""
    if link is None:
        return None
    from urllib.parse import urlsplit  # four milliseconds of each start, and needed by few

    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.hostname}{parts.path}" + ("?..." if parts.query else "")


@dataclass(frozen=True, repr=False)
class Job(Plain):
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
        return (
            f"Job(id={self.id!r}, kind={self.kind!r}, status={self.status!r}, "
            f"download_url={_shown(self.download_url)!r}, requested_at={self.requested_at!r})"
        )

    def _repr_html_(self) -> str:
        from . import _display

        return _display.job(self, _shown(self.download_url))


@dataclass(frozen=True, repr=False)
class FlowOutcome(Plain):
    """What a published workflow tells."""

    task_id: str
    task_status: str
    """An upper-case word, see `Job.status`."""
    download_url: str | None
    """The signed link of a finished retrieval's archive: treat it as a secret."""

    def __repr__(self) -> str:
        return (
            f"FlowOutcome(task_id={self.task_id!r}, task_status={self.task_status!r}, "
            f"download_url={_shown(self.download_url)!r})"
        )


@dataclass(frozen=True)
class ShapeCount(Plain):
    """A form of the vendor's answers, and how often it was seen."""

    shape: str
    """Such as "create results: an object"."""
    standing: Literal["documented", "observed", "undocumented"]
    """Where it is known from."""
    count: int


@dataclass(frozen=True)
class Estimate(Plain):
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
class RawAnswer:
    """What the vendor answered to `raw`, as it came."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """By lower-case names."""
    content: bytes = field(repr=False)
    """The body, at most 16 MiB. May hold ids of people and signed links."""

    @classmethod
    def _of(cls, answer: tuple[int, dict[str, str], bytes]) -> RawAnswer:
        return cls(*answer)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as data; ValueError when it is no JSON."""
        return json.loads(self.content)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"status": self.status, "headers": dict(self.headers), "text": self.text}
