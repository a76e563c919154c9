"""Ids on their way in. An iterable is pulled on the thread of the caller, a chunk at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from operator import index
from typing import Any, Literal, TypeAlias

from . import _native, errors

Ids: TypeAlias = "Iterable[str] | Iterable[int] | os.PathLike[str]"
IdsAs: TypeAlias = Literal["str", "int"]
Chunks: TypeAlias = "Iterator[list[str]] | None"

_CHUNK = 4096


def source(
    ids: Ids, column: str | None, ids_as: IdsAs, *, few: bool
) -> tuple[_native.Ids, Chunks]:
    """What the core will read, and the chunks that are to be handed to it, if any. `few`: all ids
    are gathered before the call begins."""
    if ids_as not in ("str", "int"):
        raise errors.ConfigError('ids_as is "str" or "int"')
    if isinstance(ids, (str, bytes, bytearray, memoryview)):
        raise TypeError(
            f"ids is one {type(ids).__name__}, which would be taken apart into its characters; "
            "pass a list of str, or a pathlib.Path for a file"
        )
    if isinstance(ids, Mapping):
        raise TypeError(f"ids is a {type(ids).__name__}; pass a list of the ids that are meant")
    if isinstance(ids, os.PathLike):
        if ids_as != "str":
            raise errors.ConfigError("the ids of a file are text already; leave ids_as out")
        return _native.Ids.file(os.fspath(ids), column), None
    if hasattr(ids, "columns") and (
        hasattr(ids, "__arrow_c_stream__") or hasattr(ids, "__dataframe__")
    ):
        raise TypeError("ids is a whole table; pass one column of it, such as table['distinct_id']")
    try:
        iterator = iter(ids)
    except TypeError:
        raise TypeError(
            f"ids is an iterable of str or a pathlib.Path, not {type(ids).__name__}"
        ) from None
    return (_native.Ids.few if few else _native.Ids.stream)(column), chunks(
        iterator if ids_as == "str" else digits(iterator)
    )


def chunks(iterator: Iterator[Any]) -> Iterator[list[str]]:
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk


def digits(iterator: Iterator[Any]) -> Iterator[str]:
    """Integers as text, exactly. A float, even a whole one, may have lost digits on its way; a bool
    is an integer by accident."""
    for position, number in enumerate(iterator):
        try:
            text = None if isinstance(number, bool) else str(index(number))
        except TypeError:
            text = None
        if text is None:
            raise TypeError(
                f'position {position}: with ids_as="int" an id is an int, '
                f"not {type(number).__name__}"
            )
        yield text


def feed(native: _native.Ids, chunks: Chunks) -> None:
    """Hands all chunks over, unless the core wants no more."""
    if chunks is not None:
        for chunk in chunks:
            if not native.put(chunk).wait():
                return
        native.end().wait()


async def feed_async(native: _native.Ids, chunks: Chunks) -> None:
    """The same without blocking the event loop while the core reads."""
    if chunks is not None:
        for chunk in chunks:
            if not await native.put(chunk).spawn():
                return
        await native.end().spawn()


def freeze(native: _native.Ids, chunks: Chunks, work: _native.Work[Any]) -> Any:
    """Feeds a plan that is being frozen, and waits for it. When the iterable raises, nothing is
    written, and its own exception goes on to the caller."""
    try:
        feed(native, chunks)
    except BaseException:
        native.abandon()
        with suppress(errors.DsrError):
            work.wait()
        raise
    return work.wait()


async def freeze_async(native: _native.Ids, chunks: Chunks, work: _native.Work[Any]) -> Any:
    """The same for an event loop."""
    try:
        await feed_async(native, chunks)
    except Exception:
        native.abandon()
        with suppress(errors.DsrError):
            await work.spawn()
        raise
    except BaseException:
        native.abandon()
        raise
    return await work.spawn()
