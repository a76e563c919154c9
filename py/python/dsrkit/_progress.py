"""What a person sees while a run works."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

from .types import Event

if TYPE_CHECKING:
    from ._base import RunBase

Progress: TypeAlias = "bool | Callable[[Event], object]"

_OPEN = ("pending", "submitted", "running_elsewhere")


class Show:
    """Shows events from now on: in a notebook a card that is renewed in place; else a bar of tqdm
    if that is installed; else a line each."""

    def __init__(self, run: RunBase, progress: Progress) -> None:
        self._since = run._native.now_ms()
        self._close: Callable[[], object] = bool
        self._call: Callable[[Event], object]
        if callable(progress):
            self._call = progress
        elif (kernel := _notebook()) is not None:
            card = kernel.display(run, display_id=True)
            self._call = lambda event: card.update(run)
        else:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                self._call = Lines(sys.stderr)
            else:
                bar = tqdm(total=run.plan.subjects, desc=run.kind, unit="id")
                self._call, self._close = partial(_move, run, bar), bar.close

    def __call__(self, data: dict[str, Any]) -> None:
        if data["seq"] == 0 or data["at_ms"] >= self._since:
            self._call(Event._of(data))

    def close(self) -> None:
        self._close()


def _notebook() -> Any:
    """What can show a card, when this runs in a notebook's kernel."""
    shell = sys.modules.get("IPython")
    shell = None if shell is None else shell.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    return import_module("IPython.display")


def _move(run: RunBase, bar: Any, event: Event) -> None:
    counts = run.counts
    bar.n = sum(counts.values()) - sum(counts.get(word, 0) for word in _OPEN)
    bar.set_postfix_str(event.text)


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
