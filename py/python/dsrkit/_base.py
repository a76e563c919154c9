"""What `Client` and `AsyncClient`, their plans and their runs have in common."""

from __future__ import annotations

import atexit
import os
import weakref
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timezone
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from . import _native, errors
from ._outcomes import EventLog, Outcomes
from .mixpanel import Mixpanel
from ._report import JobReport, RefusedRows, Report
from .sandbox import Sandbox
from .settings import Settings
from .types import Estimate, Job, Kind, State, WaitReason, milliseconds, moment

if TYPE_CHECKING:
    import tempfile

_Client = TypeVar("_Client", bound="ClientBase")

PATIENCE = 1.5
"""How long closing waits for a call under way, in seconds. An answer that comes later is lost, and
the next process finds the call as ambiguous."""

_clients: weakref.WeakSet[ClientBase] = weakref.WeakSet()


if _level := os.environ.get("DSRKIT_LOG"):
    from . import _logging

    _logging.to_stderr(_level)


@atexit.register
def _last_calls() -> None:
    """A program that ends without closing its clients still records its last call."""
    until = monotonic() + PATIENCE
    for client in list(_clients):
        with suppress(errors.DsrError):
            client._native.idle(max(0.0, until - monotonic())).wait()
    _native.flush_logs()


def _shown(journal: str | None) -> str | None:
    """A journal's name for people: the URL of a server may hold a password."""
    if journal is None or "://" not in journal:
        return journal
    scheme, _, rest = journal.partition("://")
    place = rest.partition("?")[0].rpartition("@")[2]
    return f"{scheme}://{place}?..."


class ClientBase:
    """The native client, and what was made along with it."""

    vendor: Sandbox | None = None
    """The simulated vendor of `sandbox()`; None for a real one."""
    _folder: tempfile.TemporaryDirectory[str] | None = None

    def __init__(
        self,
        mixpanel: Mixpanel,
        journal: str | os.PathLike[str] | None = None,
        settings: Settings | None = None,
        *,
        journal_key: bytes | None = None,
    ) -> None:
        if not isinstance(mixpanel, Mixpanel):
            raise TypeError(f"mixpanel is a dsrkit.Mixpanel, not {type(mixpanel).__name__}")
        self._mixpanel = mixpanel
        self._journal = None if journal is None else os.fspath(journal)
        self._settings = settings or Settings()
        self._native = _native.Client(
            mixpanel._native, self._journal, self._settings.to_dict(), journal_key
        )
        _clients.add(self)

    @classmethod
    def sandbox(
        cls: type[_Client],
        *,
        journal: str | os.PathLike[str] | None = None,
        settings: Settings | None = None,
        journal_key: bytes | None = None,
        **options: Any,
    ) -> _Client:
        """A client of a simulated vendor in this process, on a virtual clock: nothing leaves the
        machine. Takes the options of `Sandbox`. Without `journal`, everything goes with the
        client. `client.vendor` is the simulated vendor."""
        import tempfile  # five milliseconds of each start, for the sandbox alone

        folder = None if journal is not None else tempfile.TemporaryDirectory(prefix="dsrkit-")
        vendor = Sandbox(**options)
        try:
            if folder is not None:
                journal = os.path.join(folder.name, "dsr.sqlite3")
            assert journal is not None
            client = cls(vendor.mixpanel(), journal, settings, journal_key=journal_key)
        except BaseException:
            vendor.close()
            if folder is not None:
                folder.cleanup()
            raise
        client.vendor, client._folder = vendor, folder
        return client

    def with_options(
        self: _Client,
        *,
        request_timeout: float | None = None,
        connect_timeout: float | None = None,
        backoff_initial: float | None = None,
        backoff_max: float | None = None,
        proxy: str | None = None,
        ca_bundle: str | os.PathLike[str] | None = None,
    ) -> _Client:
        """The same client, whose single calls have these time-outs (seconds), back-off (seconds),
        proxy and authorities: `client.with_options(request_timeout=5).get_deletion(task_id)`. What
        is not given stays as it is. Journal, pace and runs are shared, and runs go by the settings
        of the client that was made first; closing either closes both."""
        given = {
            "request_timeout": request_timeout,
            "connect_timeout": connect_timeout,
            "backoff_initial": backoff_initial,
            "backoff_max": backoff_max,
            "proxy": proxy,
            "ca_bundle": ca_bundle,
        }
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        settings = replace(self._settings, **changes)
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._settings = settings
        other._native = self._native.with_options(self._mixpanel._native, settings.to_dict())
        return other

    def _closed(self) -> None:
        if self.vendor is not None:
            self.vendor.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _report(self, data: dict[str, Any]) -> Report:
        native, run_id = self._native, data["run_id"]
        count = data["subjects"] if data["purged_at_ms"] is None else 0
        outcomes, events = Outcomes(native, run_id, count), EventLog(native, run_id)
        return Report._of(data, outcomes, events)

    def __reduce__(self) -> str:
        raise TypeError("a client holds credentials: make one in the process that needs it")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} journal={_shown(self._journal)!r}>"


def job(data: dict[str, Any]) -> Job:
    return Job(**data)


def due(at: int | None) -> datetime | None:
    return None if at is None else moment(at)


def plan_options(**given: Any) -> dict[str, Any]:
    """The options that were given, as the core takes them."""
    reference = given.get("reference")
    if not isinstance(reference, (str, type(None))):
        raise TypeError(f"reference is a str, not {type(reference).__name__}")
    options = {name: value for name, value in given.items() if value is not None}
    for name in ("received_at", "deadline"):
        if name in options:
            options[name] = _time(name, options[name])
    return options


def confirmation(confirm: str | int | None) -> str | None:
    if isinstance(confirm, bool) or not isinstance(confirm, (str, int, type(None))):
        raise TypeError("confirm is a plan's confirm value, or the number of people as an int")
    return None if confirm is None else str(confirm)


def one_id(id: object) -> str:
    """The id that a call names."""
    if not isinstance(id, str):
        raise TypeError(f"id is a str, not {type(id).__name__}")
    return id


def number_of_people(confirm: object) -> int | None:
    """What confirms one batch."""
    if confirm is None or (isinstance(confirm, int) and not isinstance(confirm, bool)):
        return confirm
    raise TypeError(
        "confirm is the number of the batch's people, an int; a plan's confirm value is not for this"
    )


def _time(name: str, at: object) -> int:
    if not isinstance(at, datetime):
        raise TypeError(f"{name} is a datetime, not {type(at).__name__}")
    if at.tzinfo is None:
        raise errors.InvalidInputError(
            f"{name} has no time zone; write datetime(..., tzinfo=timezone.utc)"
        )
    return milliseconds(at.astimezone(timezone.utc))


class _Detached:
    """Stands where a client stood, in what was copied into another process."""

    def __getattr__(self, name: str) -> Any:
        # Who looks a class over asks its defaults for names like __isabstractmethod__.
        if name.startswith("__"):
            raise AttributeError(name)
        raise errors.ConfigError(
            "this was copied away from its client",
            hint="Ask a client of the same journal for it: client.run(id).",
        )

    def __reduce__(self) -> str:
        return "DETACHED"


DETACHED: Any = _Detached()

_Plan = TypeVar("_Plan", bound="PlanBase")


@dataclass(frozen=True)
class PlanBase:
    """A frozen plan: deduplicated, cut into batches, in the journal; nothing is sent."""

    id: str
    """The plan's id; the run made of it has the same."""
    kind: Kind
    subjects: int
    """Distinct people."""
    duplicates: int
    """Rows that repeated an id; they were merged."""
    batches: int
    """Requests that will be sent."""
    refused: RefusedRows
    """Rows that were left out (`skip_bad`)."""
    reference: str | None
    estimate: Estimate
    confirm: str
    """What starts a deletion: how many people, and the first 8 digits of the plan's digest."""
    deadline: datetime
    """When the law wants the answer."""
    _client: Any = field(repr=False, compare=False, default=DETACHED)

    @classmethod
    def _of(cls: type[_Plan], data: dict[str, Any], client: Any) -> _Plan:
        estimate = Estimate(
            requests=data["requests"],
            sending=data["sending"],
            text=data["text"],
            expected_requests=data["expected_requests"],
            expected=data["expected"],
            bound=data["bound"],
        )
        return cls(
            id=data["id"],
            kind=data["kind"],
            subjects=data["subjects"],
            duplicates=data["duplicates"],
            batches=data["batches"],
            refused=RefusedRows._of(data["refused"]),
            reference=data["reference"],
            estimate=estimate,
            confirm=data["confirm"],
            deadline=moment(data["deadline_ms"]),
            _client=client,
        )

    def _repr_html_(self) -> str:
        from . import _display

        return _display.plan(self)

    def __reduce__(self) -> tuple[object, ...]:
        values = [getattr(self, each.name) for each in fields(self) if each.name != "_client"]
        return (type(self), tuple(values))

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        data = {each.name: getattr(self, each.name) for each in fields(self)}
        del data["_client"], data["deadline"]
        data["deadline_ms"] = milliseconds(self.deadline)
        data["estimate"] = self.estimate.to_dict()
        data["refused"] = self.refused.to_dict()
        return data


class RunBase:
    """One plan being carried out. Nothing moves unless somebody waits for it, reads its events
    or lets the client tick. Its properties always tell how it is now."""

    __slots__ = ("_client", "_plan")

    def __init__(self, plan: PlanBase) -> None:
        self._plan = plan
        self._client: ClientBase = plan._client

    @property
    def _native(self) -> _native.Client:
        return self._client._native

    @property
    def id(self) -> str:
        return self._plan.id

    @property
    def plan(self) -> PlanBase:
        """The plan it carries out. A run that was found again and whose state is "planned" is
        started by it: `run.plan.start(confirm=run.plan.confirm)`."""
        return self._plan

    @property
    def kind(self) -> Kind:
        return self._plan.kind

    @property
    def state(self) -> State:
        return self._native.state(self.id)

    @property
    def jobs(self) -> list[JobReport]:
        """The vendor tasks."""
        return [JobReport(**each) for each in self._native.jobs(self.id)]

    @property
    def counts(self) -> dict[str, int]:
        """How many ids have each outcome."""
        return self._native.counts(self.id)

    @property
    def next_due(self) -> datetime | None:
        """When something is due next."""
        next_due = self._native.next_due(self.id)
        return None if next_due is None else moment(next_due[0])

    @property
    def waiting_for(self) -> WaitReason | None:
        """What is waited for: "rate", "scan budget", "back-off", "poll", "deadline" or
        "hold_for"."""
        next_due = self._native.next_due(self.id)
        return None if next_due is None else next_due[1]

    def __repr__(self) -> str:
        count = self._plan.subjects
        people = "1 person" if count == 1 else f"{count} people"
        return f"<{type(self).__name__} {self.id} {self.kind} of {people}>"

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self._plan,))

    def _repr_html_(self) -> str:
        from . import _display

        return _display.run(self)

    def _interrupted(self) -> KeyboardInterrupt:
        journal = self._client._journal
        if journal in (None, ":memory:"):
            return KeyboardInterrupt(
                f"run {self.id} stands in memory: wait() again goes on, and it is lost when this "
                "process ends; pass journal= to keep it"
            )
        shown = _shown(journal)
        return KeyboardInterrupt(
            f"nothing is lost: run {self.id} stands in {shown}; go on with "
            f"Client(..., journal={shown!r}).run({self.id!r}).wait()"
        )
