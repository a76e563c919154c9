"""Rows of an account: what became of each id, and what happened to the run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

from . import _native, errors
from .types import Event

if TYPE_CHECKING:
    from .types import Outcome

_Row = TypeVar("_Row")


class SubjectOutcome(NamedTuple):
    """The outcome of one id."""

    id: str
    """The id, exactly as it was given. Personal data. `sealed:` and 32 hex digits of its keyed
    digest once the journal holds only that (see `Settings.keep_deleted_for`)."""
    outcome: Outcome
    batch: int
    """The batch it was sent in."""
    task_id: str | None
    """The vendor task that carries it."""
    package: Path | None
    """The person's package, where `collect` put it last, if it is still there. Its name may show
    the id."""

    def __repr__(self) -> str:
        # What is printed ends in logs; the id is `row.id`.
        return f"SubjectOutcome(id=..., outcome={self.outcome!r}, batch={self.batch})"


class Rows(Generic[_Row]):
    """Rows as the journal has them when they are read; a page at a time, so that millions of them
    need no memory. Can be iterated again. Any reader of Arrow takes them, such as
    `polars.DataFrame(rows)` or `pyarrow.table(rows)`."""

    __slots__ = ("_native", "_run_id")

    _table: ClassVar[str]

    def __init__(self, native: _native.Client | None = None, run_id: str = "") -> None:
        self._native = native
        self._run_id = run_id

    def _source(self) -> _native.Client:
        if self._native is None:
            raise errors.ConfigError(
                "this report was copied away from its client",
                hint="Ask the run for its report again.",
            )
        return self._native

    def _pages(self) -> Iterator[Sequence[Any]]:
        raise NotImplementedError

    def _row(self, data: Any) -> _Row:
        raise NotImplementedError

    def __iter__(self) -> Iterator[_Row]:
        for page in self._pages():
            yield from map(self._row, page)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The rows by the Arrow C data interface."""
        return self._source().stream(self._run_id, self._table)

    def __arrow_c_schema__(self) -> object:
        """Names and types of the columns."""
        return _native.table_schema(self._table)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Writes the rows with a header line, readable by its owner only. The file appears whole
        or not at all. Ids are written as they are, for programs: a spreadsheet may take one that
        begins with = for a formula."""
        self._source().csv(self._run_id, self._table, Path(path))


class Outcomes(Rows[SubjectOutcome]):
    """One row per id: `id`, `outcome`, `batch`, `task_id`."""

    __slots__ = ("_count",)

    _table = "outcomes"

    def __init__(
        self, native: _native.Client | None = None, run_id: str = "", count: int = 0
    ) -> None:
        super().__init__(native, run_id)
        self._count = count

    def _pages(self) -> Iterator[Sequence[Any]]:
        native, batch = self._source(), 0
        while (page := native.outcomes(self._run_id, batch)) is not None:
            yield page
            batch += 1

    def _row(self, data: Any) -> SubjectOutcome:
        return SubjectOutcome._make(data)

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"<outcomes of {self._count} ids>"

    def __reduce__(self) -> tuple[object, ...]:
        return (Outcomes, (None, "", self._count))


class EventLog(Rows[Event]):
    """Everything that was recorded of a run until now, in order: `seq`, `at`, `kind`, `batch`,
    `task_id`, `text`. Reading it moves nothing."""

    __slots__ = ()

    _table = "events"

    def _pages(self) -> Iterator[Sequence[Any]]:
        native, after = self._source(), 0
        while page := native.history(self._run_id, after):
            yield page
            after = page[-1]["seq"]

    def _row(self, data: Any) -> Event:
        return Event._of(data)

    def __repr__(self) -> str:
        return "<events of a run>"

    def __reduce__(self) -> tuple[object, ...]:
        return (EventLog, ())
