"""What a person sees while a run works."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

from .types import Event

if TYPE_CHECKING:
    from ._base import RunBase

Progress: TypeAlias = "bool | Callable[[Event], object]"

_OPEN = ("pending", "submitted", "running_elsewhere")


class Show:
    """Shows events from now on. A bar of tqdm if that is installed, else a line each."""

    def __init__(self, run: RunBase, progress: Progress) -> None:
        self._run = run
        self._since = run._native.now_ms()
        self._bar: Any = None
        self._call: Callable[[Event], object]
        if callable(progress):
            self._call = progress
            return
        try:
            from tqdm.auto import tqdm
        except ImportError:
            self._call = Lines(sys.stderr)
        else:
            self._bar = tqdm(total=run._plan.subjects, desc=run.kind, unit="id")
            self._call = self._move

    def __call__(self, data: dict[str, Any]) -> None:
        if data["seq"] == 0 or data["at_ms"] >= self._since:
            self._call(Event._of(data))

    def _move(self, event: Event) -> None:
        counts = self._run.counts
        self._bar.n = sum(counts.values()) - sum(counts.get(word, 0) for word in _OPEN)
        self._bar.set_postfix_str(event.text)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class Lines:
    """One line per change. Polling goes on and on: it is said once, until something happens."""

    def __init__(self, out: TextIO, prefix: str = "") -> None:
        self._out = out
        self._prefix = prefix
        self._quiet = ""

    def __call__(self, event: Event) -> None:
        quiet = event.text.partition(",")[0] if event.kind == "waiting" else ""
        if not quiet or quiet != self._quiet:
            text = event.text if event.text.startswith(event.kind) else f"{event.kind}: {event.text}"
            print(f"{event.at:%Y-%m-%d %H:%M:%S} {self._prefix}{text}", file=self._out, flush=True)
        self._quiet = quiet


class Left:
    """What is left of the time that a caller allowed."""

    def __init__(self, timeout: float | None) -> None:
        self._end = None if timeout is None else monotonic() + timeout

    def __call__(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - monotonic())
