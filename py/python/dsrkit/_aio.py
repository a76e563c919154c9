"""The client for asyncio: the same methods, awaited."""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from json import dumps
from types import TracebackType
from typing import Any

from . import _native
from ._native import drift
from ._base import (
    PATIENCE,
    ClientBase,
    PlanBase,
    RunBase,
    confirmation,
    due,
    job,
    number_of_people,
    one_id,
    plan_options,
)
from ._client import Client
from ._run import Plan, Run
from ._callback import Headers, Heard, receive
from ._intake import Ids, IdsAs, feed_async, freeze_async, source
from ._packing import packing
from ._progress import Left, Progress, Show
from ._report import Processed, Report
from .types import (
    ComplianceType,
    Decision,
    DisclosureType,
    Event,
    FlowOutcome,
    Job,
    RawAnswer,
    ShapeCount,
)

__all__ = ["AsyncClient", "AsyncPlan", "AsyncRun"]


class AsyncClient(ClientBase):
    """`Client` for asyncio: the same methods, awaited. Cancelling an await ends the waiting and
    harms nothing: the run stands in the journal."""

    async def create_retrieval(
        self,
        ids: Ids,
        *,
        compliance_type: ComplianceType = "GDPR",
        disclosure_type: DisclosureType | None = None,
        column: str | None = None,
        ids_as: IdsAs = "str",
    ) -> Job:
        native, chunks = source(ids, column, ids_as, few=True)
        await feed_async(native, chunks)
        call = self._native.create("retrieval", native, compliance_type, disclosure_type)
        return job(await call.spawn())

    async def get_retrieval(self, task_id: str) -> Job:
        return job(await self._native.get("retrieval", task_id).spawn())

    async def cancel_retrieval(self, task_id: str) -> None:
        await self._native.cancel_task("retrieval", task_id).spawn()

    async def create_deletion(
        self,
        ids: Ids,
        *,
        compliance_type: ComplianceType = "GDPR",
        column: str | None = None,
        ids_as: IdsAs = "str",
    ) -> Job:
        native, chunks = source(ids, column, ids_as, few=True)
        await feed_async(native, chunks)
        return job(await self._native.create("deletion", native, compliance_type, None).spawn())

    async def get_deletion(self, task_id: str) -> Job:
        return job(await self._native.get("deletion", task_id).spawn())

    async def cancel_deletion(self, task_id: str) -> None:
        await self._native.cancel_task("deletion", task_id).spawn()

    async def retrieval_flow(
        self,
        ids: Ids,
        *,
        compliance_type: ComplianceType = "GDPR",
        wait: bool = False,
        column: str | None = None,
        ids_as: IdsAs = "str",
    ) -> FlowOutcome:
        native, chunks = source(ids, column, ids_as, few=True)
        await feed_async(native, chunks)
        call = _native.flow(self._native, "retrieval", native, compliance_type, wait)
        return FlowOutcome(**await call.spawn())

    async def deletion_flow(
        self,
        ids: Ids,
        *,
        compliance_type: ComplianceType = "GDPR",
        wait: bool = False,
        column: str | None = None,
        ids_as: IdsAs = "str",
    ) -> FlowOutcome:
        native, chunks = source(ids, column, ids_as, few=True)
        await feed_async(native, chunks)
        call = _native.flow(self._native, "deletion", native, compliance_type, wait)
        return FlowOutcome(**await call.spawn())

    async def raw(
        self, method: str, path: str, json: object = None
    ) -> RawAnswer:
        body = None if json is None else dumps(json)
        return RawAnswer._of(await self._native.raw(method, path, body).spawn())

    async def plan_retrieval(
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
    ) -> AsyncPlan:
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
        return AsyncPlan._of(await freeze_async(native, chunks, work), self)

    async def plan_deletion(
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
    ) -> AsyncPlan:
        options = plan_options(
            reference=reference,
            received_at=received_at,
            deadline=deadline,
            allow_unusual=allow_unusual,
            hold_for=hold_for,
        )
        native, chunks = source(ids, column, ids_as, few=False)
        work = self._native.freeze("deletion", native, compliance_type, None, options)
        return AsyncPlan._of(await freeze_async(native, chunks, work), self)

    async def retrieve(
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
    ) -> AsyncRun:
        plan = await self.plan_retrieval(
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
        return await plan.start()

    async def delete(
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
    ) -> AsyncRun:
        plan = await self.plan_deletion(
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
        return await plan._start(confirm, True)

    async def run(self, run_id: str) -> AsyncRun:
        return AsyncRun(AsyncPlan._of(self._native.plan(run_id), self))

    async def runs(self) -> list[AsyncRun]:
        return [await self.run(run_id) for run_id in await self._native.runs().spawn()]

    async def tick(self) -> datetime | None:
        return due(await self._native.tick().spawn())

    async def receive_callback(
        self,
        body: bytes,
        headers: Headers,
        public_key: str,
        *,
        url: str | None = None,
    ) -> Heard:
        return await receive(self._native, body, headers, public_key, url).spawn()

    async def drift(self) -> tuple[ShapeCount, ...]:
        return tuple(ShapeCount(**each) for each in drift(self._native))

    async def seal(self, run_id: str) -> int:
        return await self._native.seal(run_id).spawn()

    async def was_processed(self, id: str) -> tuple[Processed, ...]:
        found = await self._native.was_processed(one_id(id)).spawn()
        return tuple(map(Processed._of, found))

    async def purge(self, *, older_than: float) -> list[str]:
        return await self._native.purge(older_than).spawn()

    async def verify_journal(self) -> int:
        return await self._native.verify_journal().spawn()

    async def close(self) -> None:
        await self._native.close(PATIENCE).spawn()
        self._closed()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


class AsyncPlan(PlanBase):
    """`Plan` for asyncio."""

    async def start(self, confirm: str | None = None) -> AsyncRun:
        return await self._start(confirm, False)

    async def _start(self, confirm: int | str | None, count_is_enough: bool) -> AsyncRun:
        native = self._client._native
        await native.start(self.id, confirmation(confirm), count_is_enough).spawn()
        return AsyncRun(self)


class AsyncRun(RunBase):
    """`Run` for asyncio."""

    __slots__ = ()

    _plan: AsyncPlan

    @property
    def plan(self) -> AsyncPlan:
        """The plan it carries out. A run that was found again and whose state is "planned" is
        started by it: `run.plan.start(confirm=run.plan.confirm)`."""
        return self._plan

    async def wait(self, timeout: float | None = None, progress: Progress = False) -> Report:
        left = Left(timeout)
        if progress is not False:
            show = Show(self, progress)
            try:
                async for data in self._events(left):
                    show(data)
            finally:
                show.close()
        return self._client._report(await self._native.wait(self.id, left()).spawn())

    async def events(self) -> AsyncIterator[Event]:
        async for data in self._events(Left(None)):
            yield Event._of(data)

    async def cancel(self) -> Report:
        return self._client._report(await self._native.cancel(self.id).spawn())

    async def decide(
        self,
        batch: int,
        decision: Decision,
        *,
        task_id: str | None = None,
        confirm: int | None = None,
    ) -> Report:
        work = self._client._native.decide(self.id, batch, decision, task_id, number_of_people(confirm))
        return self._client._report(await work.spawn())

    async def report(self) -> Report:
        return self._client._report(await self._native.report(self.id).spawn())

    async def collect(
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
        options = packing(
            html, raw, timezone, language, templates, protect, allow_plain, archive_secrets
        )
        work = self._native.collect(self.id, os.fspath(out), options)
        return self._client._report(await work.spawn())

    async def _events(self, left: Left) -> AsyncIterator[dict[str, Any]]:
        reader = self._native.events(self.id, 0)
        while (data := await reader.next(left()).spawn()) is not None:
            yield data


for _ours, _twin in ((AsyncClient, Client), (AsyncPlan, Plan), (AsyncRun, Run)):
    for _name, _member in vars(_ours).items():
        if inspect.isfunction(_member) and not _name.startswith("_"):
            _member.__doc__ = getattr(_twin, _name).__doc__
