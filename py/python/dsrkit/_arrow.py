"""Columns of ids by the Arrow C data interface: of pandas, polars, pyarrow, duckdb or any other
producer, without a dependency on any of them.

The structs are read in place and given back as the interface says; the texts are copied out of
them once, as bytes, and judged in the core. See https://arrow.apache.org/docs/format/CDataInterface.html
"""

from __future__ import annotations

import ctypes
import re
import struct
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

from . import _native, errors

ROWS = 16_384
"""Rows that are handed to the core at once."""

release_type = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
fill_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
say_type = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)


class Schema(ctypes.Structure):
    """struct ArrowSchema"""


class Array(ctypes.Structure):
    """struct ArrowArray"""


class Stream(ctypes.Structure):
    """struct ArrowArrayStream"""

    _fields_ = (
        ("get_schema", fill_type),
        ("get_next", fill_type),
        ("get_last_error", say_type),
        ("release", release_type),
        ("private_data", ctypes.c_void_p),
    )


Schema._fields_ = (
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(Schema))),
    ("dictionary", ctypes.POINTER(Schema)),
    ("release", release_type),
    ("private_data", ctypes.c_void_p),
)
Array._fields_ = (
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(Array))),
    ("dictionary", ctypes.POINTER(Array)),
    ("release", release_type),
    ("private_data", ctypes.c_void_p),
)

# Prototypes of our own: attributes of `pythonapi` are shared by the whole process.
pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)

_PLAIN_NAME = re.compile(r"[^\W\d@][^\d@\x00-\x1f]{0,63}|\$[a-z_]{1,63}")
_TEXTS = {b"u": False, b"U": True}
_VIEWS = b"vu"
_VIEW = struct.Struct("=i4sii")
_INDEXES: dict[bytes, Any] = {
    b"c": ctypes.c_int8,
    b"C": ctypes.c_uint8,
    b"s": ctypes.c_int16,
    b"S": ctypes.c_uint16,
    b"i": ctypes.c_int32,
    b"I": ctypes.c_uint32,
    b"l": ctypes.c_int64,
    b"L": ctypes.c_uint64,
}
_NUMBERS = dict.fromkeys((b"e", b"f", b"g"), "floats") | dict.fromkeys(_INDEXES, "whole numbers")
_OTHERS = {
    b"b": "truth values",
    b"n": "nulls",
    b"z": "bytes",
    b"Z": "bytes",
    b"vz": "bytes",
    b"d": "decimals",
    b"w": "bytes",
    b"t": "times",
    b"+": "nested values",
}

Hand = Callable[[_native.Ids], "_native.Work[bool]"]
"""Hands some rows to the core."""


def column(
    ids: Any, name: str | None, ids_as: str
) -> Generator[Hand, None, None] | None:
    """The rows of a column of texts, or of the column of that name of a table. None for a column
    that its producer cannot show so, but whose values can be looked at one by one."""
    # The producer may read the whole column first, and say what it does not like by quoting it:
    # what it raises goes on without its words.
    try:
        if hasattr(ids, "__arrow_c_stream__"):
            return _of_stream(ids.__arrow_c_stream__(), name, ids_as)
        schema, array = ids.__arrow_c_array__()
        return _of_array(schema, array, name, ids_as)
    except Exception as error:
        if hasattr(ids, "__iter__") and not hasattr(ids, "columns"):
            return None
        raise TypeError(
            f"this {type(ids).__name__} cannot be read as an Arrow table "
            f"({type(error).__name__}); pass one column of texts"
        ) from None


def _of_stream(
    capsule: object, name: str | None, ids_as: str
) -> Generator[Hand, None, None]:
    stream = Stream.from_address(pointer(capsule, b"arrow_array_stream"))
    here = ctypes.addressof(stream)
    try:
        with _owned(Schema()) as schema:
            _check(stream, stream.get_schema(here, ctypes.addressof(schema)))
            pick = _pick(schema, name, ids_as)
            first = 0
            while True:
                with _owned(Array()) as array:
                    _check(stream, stream.get_next(here, ctypes.addressof(array)))
                    if not array.release:
                        return
                    part = pick.of(array, first)
                    yield from _rows(pick, part, first)
                    first += part.length
    finally:
        _give_back(stream)


def _of_array(
    schema: object, array: object, name: str | None, ids_as: str
) -> Generator[Hand, None, None]:
    described = Schema.from_address(pointer(schema, b"arrow_schema"))
    held = Array.from_address(pointer(array, b"arrow_array"))
    try:
        pick = _pick(described, name, ids_as)
        yield from _rows(pick, pick.of(held, 0), 0)
    finally:
        _give_back(held)
        _give_back(described)


def _give_back(held: Any) -> None:
    if held.release:
        held.release(ctypes.addressof(held))


@contextmanager
def _owned(held: Any) -> Generator[Any, None, None]:
    try:
        yield held
    finally:
        _give_back(held)


def _check(stream: Any, status: int) -> None:
    if status != 0:
        # Its words may quote a value.
        raise errors.InvalidInputError(
            f"the producer of this column failed while it was read (error {status})"
        )


class _Part(NamedTuple):
    """Rows of one array: the array, where they begin in it, how many they are."""

    array: Any
    start: int
    length: int


class _Pick(NamedTuple):
    """A column of texts, and where it stands in a table."""

    child: int | None
    format: bytes
    indexes: bytes | None
    """How a dictionary's indexes are written; None for a column that has none."""

    def of(self, array: Any, first: int) -> _Part:
        if self.child is None:
            return _Part(array, array.offset, array.length)
        # A row of a table may be missing as a whole.
        _no_nulls(array, array.offset, array.length, first)
        child = array.children[self.child].contents
        return _Part(child, child.offset + array.offset, array.length)


def _pick(schema: Any, name: str | None, ids_as: str) -> _Pick:
    child = None
    if schema.format == b"+s":
        names = [schema.children[at].contents.name for at in range(schema.n_children)]
        if name is None:
            raise TypeError(
                "ids is a whole table; name the column with column=, such as column='distinct_id'"
            )
        found = [at for at, each in enumerate(names) if each == name.encode()]
        if len(found) != 1:
            many = "several columns have" if found else "no column has"
            raise errors.InvalidInputError(
                f"{many} the name given as column=; the columns are: {_shown(names)}"
            )
        child = found[0]
        schema = schema.children[child].contents
    elif name is not None:
        raise errors.ConfigError("column names a column of a table or a file; this is one column")
    if ids_as == "int":
        if schema.dictionary or schema.format not in _INDEXES:
            raise TypeError('position 0: with ids_as="int" a column is one of whole numbers')
        return _Pick(child, schema.format, None)
    if schema.dictionary:
        return _Pick(child, _text(schema.dictionary.contents.format), schema.format)
    return _Pick(child, _text(schema.format), None)


def _shown(names: list[bytes]) -> str:
    """Names of columns for a message, except those that may be an id themselves."""
    texts = [(name or b"").decode("utf-8", "replace") for name in names[:30]]
    plain = [text if _PLAIN_NAME.fullmatch(text) else "(not shown)" for text in texts]
    return ", ".join(plain) + (", ..." if len(names) > 30 else "")


def _text(format: bytes) -> bytes:
    if format in _TEXTS or format == _VIEWS:
        return format
    what = _NUMBERS.get(format)
    if what is not None:
        raise TypeError(
            f"position 0: a column of {what}; an id that went through a number may be another "
            "person's: read the ids as text from where they come from (whole numbers: ids_as='int')"
        )
    what = _OTHERS.get(format) or _OTHERS.get(format[:1], "other values")
    raise TypeError(f"position 0: a column of {what}; an id is a text")


def _rows(pick: _Pick, part: _Part, first: int) -> Iterator[Hand]:
    values = _Values(pick.format, part.array.dictionary.contents) if pick.indexes else None
    for at in range(0, part.length, ROWS):
        start, count = part.start + at, min(ROWS, part.length - at)
        _no_nulls(part.array, start, count, first + at)
        if values is not None:
            yield values.chunk(_INDEXES[pick.indexes or b""], part.array, start, count, first + at)
        elif pick.format in _INDEXES:
            yield _digits(part.array, start, count, _INDEXES[pick.format])
        elif pick.format == _VIEWS:
            yield _views(part.array, start, count)
        else:
            yield _texts(part.array, start, count, _TEXTS[pick.format])


def _no_nulls(array: Any, start: int, count: int, first: int) -> None:
    bits = array.buffers[0] if array.n_buffers else None
    if array.null_count == 0 or not bits:
        return
    byte, bit = divmod(start, 8)
    read = ctypes.string_at(bits + byte, (bit + count + 7) // 8)
    absent = ~(int.from_bytes(read, "little") >> bit) & ((1 << count) - 1)
    if absent:
        row = first + (absent & -absent).bit_length() - 1
        raise TypeError(f"position {row}: no value (null); an id is a str")


def _texts(array: Any, start: int, count: int, wide: bool) -> Hand:
    size = 8 if wide else 4
    offsets = ctypes.string_at(array.buffers[1] + start * size, (count + 1) * size)
    number = ctypes.c_int64 if wide else ctypes.c_int32
    begin = number.from_buffer_copy(offsets).value
    end = number.from_buffer_copy(offsets, count * size).value
    if not 0 <= begin <= end:
        raise errors.InvalidInputError("the column's offsets do not fit its bytes")
    data = array.buffers[2]
    read = ctypes.string_at(data + begin, end - begin) if end > begin else b""
    return lambda native: native.put_texts(read, offsets, wide)


def _digits(array: Any, start: int, count: int, number: Any) -> Hand:
    place = array.buffers[1] + start * ctypes.sizeof(number)
    texts = [str(each) for each in (number * count).from_address(place)]
    return lambda native: native.put(texts)


def _views(array: Any, start: int, count: int) -> Hand:
    views = ctypes.string_at(array.buffers[1] + start * 16, count * 16)
    windows: list[tuple[int, int, bytes]] = []
    for buffer, begin, end, used in _native.view_spans(views):
        if buffer >= array.n_buffers - 3:
            raise errors.InvalidInputError("the column's views do not fit its buffers")
        if end - begin > 4 * used + 65_536:
            # Rows that were sorted or picked lie far apart: each is read by itself.
            texts = [_view(array, views[at : at + 16]) for at in range(0, len(views), 16)]
            return lambda native: native.put(texts)
        read = ctypes.string_at(array.buffers[2 + buffer] + begin, end - begin)
        windows.append((buffer, begin, read))
    return lambda native: native.put_views(views, windows)


def _view(array: Any, view: bytes) -> str:
    length, _, buffer, begin = _VIEW.unpack(view)
    if length <= 12:
        return _decoded(view[4 : 4 + length])
    return _decoded(ctypes.string_at(array.buffers[2 + buffer] + begin, length))


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise errors.InvalidInputError("the column holds an id that is not UTF-8") from None


class _Values:
    """The values of a dictionary, once as texts."""

    def __init__(self, format: bytes, array: Any) -> None:
        start, count = array.offset, array.length
        bits = array.buffers[0] if array.null_count != 0 else None
        texts: list[str | None]
        if format == _VIEWS:
            views = ctypes.string_at(array.buffers[1] + start * 16, count * 16)
            texts = [_view(array, views[at : at + 16]) for at in range(0, len(views), 16)]
        else:
            number = ctypes.c_int64 if _TEXTS[format] else ctypes.c_int32
            place = array.buffers[1] + start * ctypes.sizeof(number)
            offsets = (number * (count + 1)).from_address(place)[:] if count else [0]
            data = array.buffers[2]
            texts = [
                _decoded(ctypes.string_at(data + begin, end - begin)) if end > begin else ""
                for begin, end in zip(offsets, offsets[1:])
            ]
        if bits:
            for at in range(count):
                byte, bit = divmod(start + at, 8)
                if not ctypes.string_at(bits + byte, 1)[0] >> bit & 1:
                    texts[at] = None
        self._texts = texts

    def chunk(self, index: Any, array: Any, start: int, count: int, first: int) -> Hand:
        place = array.buffers[1] + start * ctypes.sizeof(index)
        indexes: list[int] = (index * count).from_address(place)[:]
        texts = self._texts
        if min(indexes) < 0 or max(indexes) >= len(texts):
            raise errors.InvalidInputError("the column's dictionary does not hold all its values")
        chunk: list[str | None] = [texts[each] for each in indexes]
        if None in chunk:
            row = first + chunk.index(None)
            raise TypeError(f"position {row}: no value (null); an id is a str")
        return lambda native: native.put(cast("list[str]", chunk))
