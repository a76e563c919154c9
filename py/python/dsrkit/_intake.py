"""Ids on their way in. An iterable is pulled on the thread of the caller, a chunk at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from functools import partial
from io import IOBase
from itertools import islice
from operator import index
from typing import Any, Literal, Protocol, TypeAlias, cast

from . import _native, errors


class ArrowStream(Protocol):
    """A column or a table of texts: of pandas, polars, pyarrow, duckdb ..."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...


class ArrowArray(Protocol):
    """A column of texts, or a record batch."""

    def __arrow_c_array__(self, requested_schema: Any = None) -> Any: ...


Ids: TypeAlias = "Iterable[str] | Iterable[int] | os.PathLike[str] | ArrowStream | ArrowArray"
IdsAs: TypeAlias = Literal["str", "int"]
Hand: TypeAlias = "Callable[[_native.Ids], _native.Work[bool]]"
"""Hands some ids to the core; gives whether more are wanted."""
Chunks: TypeAlias = "Generator[Hand, None, None] | None"

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
    kind = type(ids).__name__
    if isinstance(ids, Mapping):
        raise TypeError(f"ids is a {kind}; pass a list of the ids that are meant")
    if isinstance(ids, os.PathLike):
        if ids_as != "str":
            raise errors.ConfigError("the ids of a file are text already; leave ids_as out")
        return _native.Ids.file(os.fspath(ids), column), None
    if hasattr(ids, "__arrow_c_stream__") or hasattr(ids, "__arrow_c_array__"):
        from . import _arrow

        if (rows := _arrow.column(ids, column, ids_as)) is not None:
            return (_native.Ids.few if few else _native.Ids.stream)(None), rows
    if isinstance(ids, IOBase):
        raise TypeError("ids is an open file; pass its name as a pathlib.Path")
    if hasattr(ids, "columns") and hasattr(ids, "__dataframe__"):
        raise TypeError("ids is a whole table; pass one column of it, such as table['distinct_id']")
    try:
        iterator: Iterator[Any] = iter(cast("Iterable[Any]", ids))
    except TypeError:
        raise TypeError(
            f"ids is an iterable of str, a pathlib.Path or an Arrow column, not {type(ids).__name__}"
        ) from None
    return (_native.Ids.few if few else _native.Ids.stream)(column), chunks(
        iterator if ids_as == "str" else digits(iterator)
    )


def chunks(iterator: Iterator[Any]) -> Generator[Hand, None, None]:
    while chunk := list(islice(iterator, _CHUNK)):
        yield partial(_texts, chunk)


def _texts(chunk: list[str], native: _native.Ids) -> _native.Work[bool]:
    return native.put(chunk)


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
        with closing(chunks):
            for chunk in chunks:
                if not chunk(native).wait():
                    return
        native.end().wait()


async def feed_async(native: _native.Ids, chunks: Chunks) -> None:
    """The same without blocking the event loop while the core reads."""
    if chunks is not None:
        with closing(chunks):
            for chunk in chunks:
                if not await chunk(native).spawn():
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
