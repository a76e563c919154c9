"""What became of each id."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from . import errors

if TYPE_CHECKING:
    from .types import Outcome

Rows = list[tuple[str, str, int, "str | None", "Path | None"]]


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


class Outcomes:
    """One row per id, as the journal has it when the rows are read; a batch at a time, so that
    millions of them need no memory. Can be iterated again."""

    __slots__ = ("_count", "_read")

    def __init__(self, read: Callable[[int], Rows | None] | None = None, count: int = 0) -> None:
        self._read = read
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[SubjectOutcome]:
        if self._read is None:
            raise errors.ConfigError(
                "this report was copied away from its client",
                hint="Ask the run for its report again.",
            )
        batch = 0
        while (rows := self._read(batch)) is not None:
            yield from map(SubjectOutcome._make, rows)
            batch += 1

    def __repr__(self) -> str:
        return f"<outcomes of {self._count} ids>"

    def __reduce__(self) -> tuple[object, ...]:
        return (Outcomes, (None, self._count))

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Writes `id,outcome,batch,task_id,package`, readable by its owner only. The file appears whole
        or not at all."""
        target = Path(path)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with open(handle, "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(SubjectOutcome._fields)
                writer.writerows(self)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
