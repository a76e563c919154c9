"""The client whose methods wait."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Any

from . import _native
from ._native import drift
from ._base import PATIENCE, ClientBase, PlanBase, RunBase, confirmation, due, job, plan_options
from ._callback import Headers, Heard, receive
from ._intake import Ids, IdsAs, feed, freeze, source
from ._packing import packing
from ._progress import Left, Progress, Show
from .mixpanel import several
from ._report import Processed, Report
from .types import (
    ComplianceType,
    Decision,
    DisclosureType,
    Event,
    FlowOutcome,
    Job,
    ShapeCount,
)

__all__ = ["Client", "Plan", "Run"]


class Client(ClientBase):
    """A client of one project. `journal` is the path of a SQLite file, made when it is not there,
    a `postgresql://` URL (docs/OPERATIONS.md), or ":memory:"; planning a run needs one.
    `journal_key`, 32 random bytes, encrypts the ids in it. The methods also work inside a running
    event loop, where they block it."""

    def create_retrieval(
        self,
        ids: Ids,
        *,
        compliance_type: ComplianceType = "GDPR",
        disclosure_type: DisclosureType | None = None,
        column: str | None = None,
        ids_as: IdsAs = "str",
    ) -> Job:
        """One call: makes a retrieval task for at most 2,000 ids (version 2.0: for one).
        No journal."""
        native, chunks = source(ids, column, ids_as, few=True)
        feed(native, chunks)
        call = self._native.create("retrieval", native, compliance_type, disclosure_type)
        return job(call.wait())

    def get_retrieval(self, task_id: str) -> Job:
        """One call: the status of a retrieval task."""
        return job(self._native.get("retrieval", task_id).wait())

    def cancel_retrieval(self, task_id: str) -> None:
        """One call: cancels a retrieval, where the API's version offers it; else ConfigError."""
        self._native.cancel_task("retrieval", task_id).wait()

    def create_deletion(
        self,
        ids: Ids,
        *,
        compliance_type: ComplianceType = "GDPR",
        column: str | None = None,
        ids_as: IdsAs = "str",
    ) -> Job:
        """One call: makes a deletion task for at most `deletion_limit` ids. No journal,
        irreversible."""
        native, chunks = source(ids, column, ids_as, few=True)
        feed(native, chunks)
        return job(self._native.create("deletion", native, compliance_type, None).wait())

    def get_deletion(self, task_id: str) -> Job:
        """One call: the status of a deletion task."""
        return job(self._native.get("deletion", task_id).wait())

    def cancel_deletion(self, task_id: str) -> None:
        """One call: cancels a deletion that has not started; TooLateError if it has."""
        self._native.cancel_task("deletion", task_id).wait()

    def retrieval_flow(
        self,
        ids: Ids,
        *,
        compliance_type: ComplianceType = "GDPR",
        wait: bool = False,
        column: str | None = None,
        ids_as: IdsAs = "str",
    ) -> FlowOutcome:
        """The published workflow `gdpr-retrieval-flow`: makes a retrieval task and looks at it,
        once, or with `wait` until it has ended. No journal: interrupted, the task's id goes with
        it; a run keeps it."""
        native, chunks = source(ids, column, ids_as, few=True)
        feed(native, chunks)
        call = _native.flow(self._native, "retrieval", native, compliance_type, wait)
        return FlowOutcome(**call.wait())

    def deletion_flow(
        self,
        ids: Ids,
        *,
        compliance_type: ComplianceType = "GDPR",
        wait: bool = False,
        column: str | None = None,
        ids_as: IdsAs = "str",
    ) -> FlowOutcome:
        """The published workflow `gdpr-deletion-flow`, see `retrieval_flow`. Irreversible."""
        native, chunks = source(ids, column, ids_as, few=True)
        feed(native, chunks)
        call = _native.flow(self._native, "deletion", native, compliance_type, wait)
        return FlowOutcome(**call.wait())

    def plan_retrieval(
        self,
        ids: Ids,
        *,
        compliance_type: ComplianceType = "GDPR",
        disclosure_type: DisclosureType | None = None,
        reference: str | None = None,
        received_at: datetime | None = None,
        deadline: datetime | None = None,
        column: str | None = None,
        ids_as: IdsAs = "str",
        skip_bad: bool = False,
        allow_unusual: bool = False,
        archives: str | os.PathLike[str] | None = None,
    ) -> Plan:
        """Freezes a plan to give people their data, whole or not at all. Nothing is sent.

        `reference` is your own case number. `received_at` and `deadline` default to now and to
        what the law allows. `column` names a column of a .csv or .jsonl file. `ids_as="int"` takes
        integers, and sends their digits. `skip_bad` leaves ids out that cannot be used, and reports
        them. `allow_unusual` accepts ids that look like
        mistakes, such as "null". `archives` is the folder for archives as received; by default
        one beside the journal."""
        options = plan_options(
            reference=reference,
            received_at=received_at,
            deadline=deadline,
            skip_bad=skip_bad,
            allow_unusual=allow_unusual,
            archives=None if archives is None else os.fspath(archives),
        )
        native, chunks = source(ids, column, ids_as, few=False)
        work = self._native.freeze("retrieval", native, compliance_type, disclosure_type, options)
        return Plan._of(freeze(native, chunks, work), self)

    def plan_deletion(
        self,
        ids: Ids,
        *,
        compliance_type: ComplianceType = "GDPR",
        reference: str | None = None,
        received_at: datetime | None = None,
        deadline: datetime | None = None,
        column: str | None = None,
        ids_as: IdsAs = "str",
        allow_unusual: bool = False,
        hold_for: float = 0,
    ) -> Plan:
        """Freezes a plan to erase people's data, whole or not at all. Nothing is sent; look at it,
        then start it with its `confirm`.

        `hold_for`: seconds that pass after the start before anything is sent, to cancel in. For
        the others see `plan_retrieval`."""
        options = plan_options(
            reference=reference,
            received_at=received_at,
            deadline=deadline,
            allow_unusual=allow_unusual,
            hold_for=hold_for,
        )
        native, chunks = source(ids, column, ids_as, few=False)
        work = self._native.freeze("deletion", native, compliance_type, None, options)
        return Plan._of(freeze(native, chunks, work), self)

    def retrieve(
        self,
        ids: Ids,
        *,
        compliance_type: ComplianceType = "GDPR",
        disclosure_type: DisclosureType | None = None,
        reference: str | None = None,
        received_at: datetime | None = None,
        deadline: datetime | None = None,
        column: str | None = None,
        ids_as: IdsAs = "str",
        skip_bad: bool = False,
        allow_unusual: bool = False,
        archives: str | os.PathLike[str] | None = None,
    ) -> Run:
        """Plans a retrieval and starts it. Sending begins when the run is waited for."""
        plan = self.plan_retrieval(
            ids,
            compliance_type=compliance_type,
            disclosure_type=disclosure_type,
            reference=reference,
            received_at=received_at,
            deadline=deadline,
            column=column,
            ids_as=ids_as,
            skip_bad=skip_bad,
            allow_unusual=allow_unusual,
            archives=archives,
        )
        return plan.start()

    def delete(
        self,
        ids: Ids,
        *,
        confirm: int | str,
        compliance_type: ComplianceType = "GDPR",
        reference: str | None = None,
        received_at: datetime | None = None,
        deadline: datetime | None = None,
        column: str | None = None,
        ids_as: IdsAs = "str",
        allow_unusual: bool = False,
        hold_for: float = 0,
    ) -> Run:
        """Plans a deletion and starts it if `confirm` fits: the number of people that you expect,
        or a plan's whole `confirm`. Sending begins when the run is waited for."""
        plan = self.plan_deletion(
            ids,
            compliance_type=compliance_type,
            reference=reference,
            received_at=received_at,
            deadline=deadline,
            column=column,
            ids_as=ids_as,
            allow_unusual=allow_unusual,
            hold_for=hold_for,
        )
        return plan._start(confirm, True)

    def run(self, run_id: str) -> Run:
        """A plan or run by its id, from any process."""
        return Run(Plan._of(self._native.plan(run_id), self))

    def runs(self) -> list[Run]:
        """All plans and runs of the journal, oldest first."""
        return [self.run(run_id) for run_id in self._native.runs().wait()]

    def tick(self) -> datetime | None:
        """Does what is due now over all runs; gives when something is due next."""
        return due(self._native.tick().wait())

    def receive_callback(
        self,
        body: bytes,
        headers: Headers,
        public_key: str,
        *,
        url: str | None = None,
    ) -> Heard:
        """Checks a status callback of the vendor (see `dsrkit.verify_callback`) and has the run that it
        is about look at its task sooner: "news", "found" (it told which task a lost answer was
        about) or "nothing". Raises InvalidInputError for what is not the vendor's."""
        return receive(self._native, body, headers, public_key, url).wait()

    def drift(self) -> tuple[ShapeCount, ...]:
        """The drift report: which forms the vendor really sent, and how often. Nothing depends on it;
        something that nobody documents is warned of in the log, once."""
        return tuple(ShapeCount(**each) for each in drift(self._native))

    def seal(self, run_id: str) -> int:
        """Removes the ids of a run from the journal now, of all its batches that are at their end;
        keyed digests stay. Gives how many went. By itself this happens as
        `Settings.keep_deleted_for` and `keep_retrieved_for` say, when the journal is opened, by
        `tick` and by `close`."""
        return self._native.seal(run_id).wait()

    def was_processed(self, id: str) -> tuple[Processed, ...]:
        """Every run of the journal that names this id, sealed or not, oldest first."""
        found = self._native.was_processed(id).wait()
        return tuple(map(Processed._of, found))

    def purge(self, *, older_than: float) -> list[str]:
        """Removes what is kept of runs that ended more than so many seconds ago, and of plans that
        were made before that and never started: ids, their digests, archives, and the packages
        that `collect` wrote. Counts, tasks and events stay. A run that waits for a person is left
        alone. Gives the ids of the runs."""
        return self._native.purge(older_than).wait()

    def verify_journal(self) -> int:
        """Recomputes the hash chain over all events of the journal; gives how many there are.
        Raises JournalError where they were changed."""
        return self._native.verify_journal().wait()

    def close(self) -> None:
        """Closes the journal. Runs stay in it; ids whose time is over are removed from it."""
        self._native.close(PATIENCE).wait()
        self._closed()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Plan(PlanBase):
    """A frozen plan: deduplicated, cut into batches, in the journal; nothing is sent."""

    def start(self, confirm: str | None = None) -> Run:
        """Starts it. A deletion needs exactly its `confirm`. Sending begins when the run is
        waited for."""
        return self._start(confirm, False)

    def _start(self, confirm: int | str | None, count_is_enough: bool) -> Run:
        self._client._native.start(self.id, confirmation(confirm), count_is_enough).wait()
        return Run(self)


class Run(RunBase):
    """One plan being carried out. Nothing moves unless somebody waits for it, reads its events
    or lets the client tick. Its properties always tell how it is now."""

    __slots__ = ()

    _plan: Plan

    @property
    def plan(self) -> Plan:
        return self._plan

    def wait(self, timeout: float | None = None, progress: Progress = False) -> Report:
        """Waits until nothing more can happen without a person: finished, held or cancelled.
        Raises when the credentials are refused, and DeadlineError after `timeout` seconds.

        `progress`: True shows a bar (with tqdm) or lines; a callable gets each `Event` from now
        on. Ctrl-C ends the waiting and harms nothing."""
        left = Left(timeout)
        try:
            if progress is not False:
                show = Show(self, progress)
                try:
                    for data in self._events(left):
                        show(data)
                finally:
                    show.close()
            return self._client._report(self._native.wait(self.id, left()).wait())
        except KeyboardInterrupt:
            raise self._interrupted() from None

    def events(self) -> Iterator[Event]:
        """The run's events from the first one on. Reading them drives the run."""
        try:
            yield from map(Event._of, self._events(Left(None)))
        except KeyboardInterrupt:
            raise self._interrupted() from None

    def cancel(self) -> Report:
        """Cancels what can be cancelled; the report's jobs say what could not."""
        return self._client._report(self._native.cancel(self.id).wait())

    def decide(
        self,
        batch: int,
        decision: Decision,
        *,
        task_id: str | None = None,
        confirm: int | None = None,
    ) -> Report:
        """Tells what to do about a batch that waits for a person (`report.problems` names it).

        `"send_again"`: nobody is at work on it at the vendor; a deletion needs `confirm`, the number
        of the batch's people. `"follow"`: the vendor task `task_id` carries it; the vendor is asked,
        and the task must name exactly the batch's ids. `"give_up"`: its people end as `cancelled`
        if nothing of them was ever sent, and as `failed` if a request may have been carried out.
        Nothing is sent before the run is waited for again. Raises InvalidInputError for a batch that
        waits for nothing or a task of other people, NotConfirmedError without the number.
        """
        work = self._client._native.decide(self.id, batch, decision, task_id, confirm)
        return self._client._report(work.wait())

    def report(self) -> Report:
        """The account now, finished or not."""
        return self._client._report(self._native.report(self.id).wait())

    def collect(
        self,
        out: str | os.PathLike[str],
        *,
        html: bool = True,
        raw: bool = False,
        timezone: str | None = None,
        language: str = "en",
        templates: str | os.PathLike[str] | None = None,
        protect: str | None = None,
        allow_plain: bool = False,
        archive_secrets: Iterable[str] = (),
    ) -> Report:
        """Makes one package per person of the archives on this disk. Can be repeated. One bad
        archive is a problem in the report and does not hide the others.

        `raw` also keeps each archive's members untouched. `allow_plain` accepts archives that are
        not encrypted. `archive_secrets` are more candidates for the secret.

        `html` adds pages that a person can read (`index.html`), with times in `timezone` (such as
        "Europe/Berlin"; default UTC) and in `language` ("en", "de", "fr", "es"). `templates` is a
        folder with your own templates and the texts that Art. 15(1) GDPR wants from you; those
        that are missing stand in `report.missing_texts`, and in each package as not filled in.
        `protect` is a passphrase: each package becomes a zip (AES-256) that it opens."""
        options = packing(
            html, raw, timezone, language, templates, protect, allow_plain, archive_secrets
        )
        work = self._native.collect(self.id, os.fspath(out), options)
        return self._client._report(work.wait())

    def _events(self, left: Left) -> Iterator[dict[str, Any]]:
        reader = self._native.events(self.id, 0)
        while (data := reader.next(left()).wait()) is not None:
            yield data
