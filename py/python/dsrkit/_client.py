"""The client whose methods wait."""

from __future__ import annotations

import os
from datetime import datetime
from json import dumps
from types import TracebackType

from . import _native
from ._native import drift
from ._base import PATIENCE, ClientBase, due, job, one_id, plan_options
from ._callback import Headers, Heard, receive
from ._intake import Ids, IdsAs, feed, freeze, source
from ._report import Processed
from ._run import Plan, Run
from .types import (
    ComplianceType,
    DisclosureType,
    FlowOutcome,
    Job,
    RawAnswer,
    ShapeCount,
)

__all__ = ["Client"]


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
        """One call: makes a retrieval task for at most 2,000 ids (documented; version 2.0: for one).
        No journal. Raises RateLimitedError when the pace or the scan budget refuses it for longer
        than a minute, AmbiguousError when it was sent and the answer lost."""
        native, chunks = source(ids, column, ids_as, few=True)
        feed(native, chunks)
        call = self._native.create("retrieval", native, compliance_type, disclosure_type)
        return job(call.wait())

    def get_retrieval(self, task_id: str) -> Job:
        """One call: the status of a retrieval task, "NOT_FOUND" for one that the vendor says it does
        not know; NotFoundError when it answers 404. A finished one has a `download_url`, which lives
        14 days (documented)."""
        return job(self._native.get("retrieval", task_id).wait())

    def cancel_retrieval(self, task_id: str) -> None:
        """One call: cancels a retrieval, where the API's version offers it (2.0 does, documented);
        else ConfigError."""
        self._native.cancel_task("retrieval", task_id).wait()

    def create_deletion(
        self,
        ids: Ids,
        *,
        compliance_type: ComplianceType = "GDPR",
        column: str | None = None,
        ids_as: IdsAs = "str",
    ) -> Job:
        """One call: makes a deletion task for at most `deletion_limit` ids (documented). No journal,
        irreversible. Raises ConflictError when some of them are being deleted already (observed),
        AmbiguousError when it was sent and the answer lost."""
        native, chunks = source(ids, column, ids_as, few=True)
        feed(native, chunks)
        return job(self._native.create("deletion", native, compliance_type, None).wait())

    def get_deletion(self, task_id: str) -> Job:
        """One call: the status of a deletion task, which may take up to 30 days (documented);
        "NOT_FOUND" for one that the vendor says it does not know, NotFoundError when it answers
        404."""
        return job(self._native.get("deletion", task_id).wait())

    def cancel_deletion(self, task_id: str) -> None:
        """One call: cancels a deletion that has not started (PENDING or STAGING, documented);
        TooLateError if it has, which cannot be undone."""
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

    def raw(
        self, method: str, path: str, json: object = None
    ) -> RawAnswer:
        """One call of the vendor's API that has no method here, at the project's pace and with its
        credentials, such as `raw("GET", "/data-deletions/v3.0/123/")`. `path` stands below the base
        URL and may hold a query; `json` is anything that `json.dumps` takes. Gives the answer
        whatever its status. Nothing is repeated or journaled, and nobody asks for a confirmation."""
        body = None if json is None else dumps(json)
        return RawAnswer._of(self._native.raw(method, path, body).wait())

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
        """Freezes a plan to give people their data, whole or not at all. Nothing is sent. Raises
        InvalidInputError with the rows of ids that cannot be used, JournalError when the journal
        cannot keep it.

        `reference` is your own case number. `received_at` and `deadline` default to now and to
        what the law allows: a month, counted as 30 days, under GDPR (Art. 12(3)), 45 days under
        CCPA. `column` names a column of a .csv or .jsonl file. `ids_as="int"` takes integers, and
        sends their digits. `skip_bad` leaves texts out that cannot be used as ids, and reports
        them; what is no text, such as None or NaN, is a TypeError all the same.
        `allow_unusual` accepts ids that look like mistakes, such as "null". `archives` is the
        folder for archives as received; by default one beside the journal."""
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
        """Does what is due now over all runs; gives when something is due next, None when nothing
        is. For schedulers: returns as soon as nothing is due."""
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
        found = self._native.was_processed(one_id(id)).wait()
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
