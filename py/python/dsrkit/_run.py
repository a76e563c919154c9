"""Plans and runs whose methods wait."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from ._base import PlanBase, RunBase, confirmation, number_of_people
from ._packing import packing
from ._progress import Left, Progress, Show
from ._report import Report
from .types import Decision, Event

__all__ = ["Plan", "Run"]


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
        """The plan it carries out. A run that was found again and whose state is "planned" is
        started by it: `run.plan.start(confirm=run.plan.confirm)`."""
        return self._plan

    def wait(self, timeout: float | None = None, progress: Progress = False) -> Report:
        """Waits until nothing more can happen without a person: finished, held or cancelled.
        Raises when the credentials are refused, and DeadlineError after `timeout` seconds:
        None sets no limit, and a time below 0 has passed already.

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
        work = self._client._native.decide(self.id, batch, decision, task_id, number_of_people(confirm))
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
