"""Columns of every producer, in; rows for every reader, out. Row numbers: docs/FAULTS.md."""

from __future__ import annotations

import copy
import gc
import random
from collections.abc import Callable
from typing import Any

import duckdb
import pandas
import polars
import pyarrow
import pytest

import dsrkit
from dsrkit import _arrow

IDS = ["a", "zoë", "x" * 40, "李雷" * 10, "b"]

TEXTS: dict[str, Callable[[list[str]], Any]] = {
    "pyarrow string": lambda ids: pyarrow.array(ids, pyarrow.string()),
    "pyarrow large_string": lambda ids: pyarrow.array(ids, pyarrow.large_string()),
    "pyarrow string_view": lambda ids: pyarrow.array(ids, pyarrow.string_view()),
    "pyarrow dictionary": lambda ids: pyarrow.array(ids).dictionary_encode(),
    "pyarrow dictionary of views": lambda ids: pyarrow.DictionaryArray.from_arrays(
        pyarrow.array(range(len(ids)), pyarrow.int16()), pyarrow.array(ids, pyarrow.string_view())
    ),
    "pyarrow chunked": lambda ids: pyarrow.chunked_array([ids[:2], [], ids[2:]]),
    "pyarrow sliced": lambda ids: pyarrow.array(["no"] * 11 + ids + ["no"], "string")[11:-1],
    "pyarrow sliced views": lambda ids: pyarrow.array(["n" * 20, *ids], pyarrow.string_view())[1:],
    "polars String": polars.Series,
    "polars Categorical": lambda ids: polars.Series(ids, dtype=polars.Categorical),
    "polars Enum": lambda ids: polars.Series(ids, dtype=polars.Enum(ids)),
    "pandas str": pandas.Series,
    "pandas object": lambda ids: pandas.Series(ids, dtype=object),
    "pandas string": lambda ids: pandas.Series(ids, dtype="string"),
    "pandas pyarrow": lambda ids: pandas.Series(ids, dtype=pandas.ArrowDtype(pyarrow.string())),
    "pandas category": lambda ids: pandas.Series(ids, dtype="category"),
    "pandas index": pandas.Index,
}
TABLES: dict[str, Callable[[list[str]], Any]] = {
    "pyarrow table": lambda ids: pyarrow.table({"n": range(len(ids)), "id": ids}),
    "pyarrow batch": lambda ids: pyarrow.record_batch({"n": range(len(ids)), "id": ids}),
    "pyarrow reader": lambda ids: pyarrow.table({"id": ids}).to_reader(max_chunksize=2),
    "pyarrow sliced": lambda ids: pyarrow.record_batch({"id": ["no", *ids]})[1:],
    "polars": lambda ids: polars.DataFrame({"n": range(len(ids)), "id": ids}),
    "pandas": lambda ids: pandas.DataFrame({"n": range(len(ids)), "id": ids}),
    "duckdb": lambda ids: duckdb.from_arrow(pyarrow.table({"n": range(len(ids)), "id": ids})),
}


def read(client: dsrkit.Client, ids: Any, column: str | None = None) -> list[str]:
    plan = client.plan_retrieval(ids, column=column)
    return [row.id for row in client.run(plan.id).report().outcomes]


@pytest.mark.parametrize("kind", TEXTS)
def test_a_column_of_any_producer(client: dsrkit.Client, kind: str) -> None:
    assert read(client, TEXTS[kind](IDS)) == IDS
    # A call that holds few ids takes it, too.
    client.create_retrieval(TEXTS[kind](IDS))
    assert client.vendor is not None
    assert client.vendor.ledger()[-1]["ids"] == IDS


@pytest.mark.parametrize("kind", TABLES)
def test_a_column_of_a_table(client: dsrkit.Client, kind: str) -> None:
    assert read(client, TABLES[kind](IDS), "id") == IDS
    with pytest.raises(TypeError, match="whole table.*column="):
        client.plan_retrieval(TABLES[kind](IDS))
    with pytest.raises(dsrkit.InvalidInputError, match="no column has the name.*columns are: "):
        client.plan_retrieval(TABLES[kind](IDS), column="email")


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (pyarrow.array([1.5]), "position 0: a column of floats"),
        (pandas.Series(["1", 1.5]).astype(float), "position 0: a column of floats"),
        (polars.Series([1, 2]), "position 0: a column of whole numbers"),
        (pyarrow.array([True]), "position 0: a column of truth values"),
        (pyarrow.array([b"canary"]), "position 0: a column of bytes"),
        (pyarrow.array([["canary"]]), "position 0: a column of nested values"),
        (polars.Series([{"canary": "a"}]), "whole table|nested values"),
        (pyarrow.array([0], pyarrow.date32()), "position 0: a column of times"),
        (pyarrow.nulls(2), "position 0: a column of nulls"),
        (pyarrow.array([1.5]).dictionary_encode(), "position 0: a column of floats"),
        (pyarrow.array(["canary"] * 20_001 + [None]), "position 20001: no value"),
        (polars.Series(["canary", None]), "position 1: no value"),
        (pyarrow.array(["canary", None]).dictionary_encode(), "position 1: no value"),
        (pyarrow.array(["canary", None], pyarrow.string_view()), "position 1: no value"),
        (pandas.Series(["canary", float("nan")], dtype=object), "position 1: no value"),
        (pandas.Series(["canary", None], dtype="string"), "position 1: no value"),
        (pandas.Series(["canary", 7], dtype=object), "position 1: an id is a str, not int"),
    ],
)
def test_5_6_a_column_that_is_no_text_is_refused(
    client: dsrkit.Client, ids: Any, says: str
) -> None:
    for make in (client.plan_retrieval, client.plan_deletion, client.create_deletion):
        with pytest.raises(TypeError, match=says) as caught:
            make(ids)
        assert "canary" not in str(caught.value)
    assert client.runs() == []


def test_whole_numbers_are_taken_when_that_is_meant(client: dsrkit.Client) -> None:
    numbers = [2**53 + 1, -7, 1_583_792_934_719_392_965]
    table = polars.DataFrame({"id": numbers})
    for ids, column in (
        (pyarrow.array(numbers), None),
        (pandas.Series(numbers), None),
        (polars.Series(numbers), None),
        (table, "id"),
    ):
        plan = client.plan_retrieval(ids, column=column, ids_as="int")
        rows = client.run(plan.id).report().outcomes
        assert [row.id for row in rows] == [str(number) for number in numbers]
    for bad in (pyarrow.array([1.0]), pyarrow.array(["1"]), pandas.Series([1.0, 2.0])):
        with pytest.raises(TypeError, match='position 0: with ids_as="int"'):
            client.plan_retrieval(bad, ids_as="int")


def test_a_column_with_a_name_for_it_is_refused(client: dsrkit.Client) -> None:
    with pytest.raises(dsrkit.ConfigError, match="this is one column"):
        client.plan_retrieval(polars.Series(IDS), column="id")
    twice = pyarrow.table([IDS, IDS], names=["id", "id"])
    with pytest.raises(dsrkit.InvalidInputError, match="several columns have"):
        client.plan_retrieval(twice, column="id")


def test_a_row_that_is_missing_as_a_whole_is_refused(client: dsrkit.Client) -> None:
    rows = pyarrow.array([{"id": "canary"}, None, {"id": "canary-2"}])
    with pytest.raises(TypeError, match="position 1: no value"):
        client.plan_retrieval(rows, column="id")


def test_bytes_that_are_no_text_are_refused_at_their_position(client: dsrkit.Client) -> None:
    bad = pyarrow.array([b"ann", b"\xffcanary"], pyarrow.binary()).view(pyarrow.string())
    with pytest.raises(dsrkit.InvalidInputError, match="position 1: an id that is not UTF-8"):
        client.plan_retrieval(bad)
    # Two halves of one letter: each piece must be text by itself.
    halves = pyarrow.array([b"a\xc3", b"\xabb"], pyarrow.binary()).view(pyarrow.string())
    with pytest.raises(dsrkit.InvalidInputError, match="position 0: an id that is not UTF-8"):
        client.plan_retrieval(halves)


@pytest.mark.parametrize("length", [3, 40])
def test_many_rows_in_any_order(client: dsrkit.Client, length: int) -> None:
    ids = [f"{number:0{length}}" for number in range(50_000)]
    random.Random(1).shuffle(ids)
    for column in (
        pyarrow.array(ids),
        pyarrow.array(ids, pyarrow.string_view()),
        # Picked rows keep the buffers of all.
        polars.Series(ids).sort().gather_every(7),
    ):
        assert read(client, column) == list(map(str, column))


def test_everything_is_given_back(client: dsrkit.Client) -> None:
    gc.collect()
    before = pyarrow.total_allocated_bytes()
    for _ in range(3):
        column = pyarrow.chunked_array([["user-1"] * 50_000, [None]])
        with pytest.raises(TypeError):
            client.plan_retrieval(column)
        with pytest.raises(dsrkit.InvalidInputError):
            client.plan_retrieval(pyarrow.chunked_array([[""], ["user-1"] * 50_000]))
        read(client, pyarrow.table({"id": ["user-1"] * 50_000}), "id")
        del column
    gc.collect()
    assert pyarrow.total_allocated_bytes() <= before


def test_outcomes_and_events_for_any_reader(client: dsrkit.Client) -> None:
    ids = [f"user-{number}" for number in range(4500)] + IDS
    report = client.delete(ids, confirm=4505).wait()
    rows = list(report.outcomes)
    frame = polars.DataFrame(report.outcomes)
    assert frame.rows() == [tuple(row) for row in rows]
    assert frame.schema == {
        "id": polars.String,
        "outcome": polars.String,
        "batch": polars.Int32,
        "task_id": polars.String,
        "package": polars.String,
    }
    table = pyarrow.table(report.outcomes)
    assert table.column("id").to_pylist() == ids
    assert table.column("id").num_chunks == 3
    assert pandas.DataFrame.from_arrow(report.outcomes)["id"].to_list() == ids
    outcomes = report.outcomes
    assert duckdb.sql("SELECT count(DISTINCT id) FROM outcomes").fetchall() == [(4505,)]
    assert len(outcomes) == 4505

    events = pyarrow.table(report.events).to_pylist()
    assert [event["text"] for event in events] == [event.text for event in report.events]
    assert [event["at"] for event in events] == [event.at for event in report.events]
    assert {"planned", "submitted", "finished"} <= {event["kind"] for event in events}
    assert [event.to_dict() for event in client.run(report.run_id).events()][: len(events)] == [
        event.to_dict() for event in report.events
    ]


def test_a_part_outlives_its_stream(client: dsrkit.Client) -> None:
    report = client.delete(IDS, confirm=5).wait()
    for make in (report.outcomes.__arrow_c_stream__, report.outcomes.__arrow_c_schema__):
        capsule = make()
        del capsule
    reader = pyarrow.RecordBatchReader.from_stream(report.outcomes)
    batch = reader.read_next_batch()
    column = batch.column("id")
    del reader, batch
    gc.collect()
    assert column.to_pylist() == IDS
    assert pyarrow.schema(report.outcomes).names == list(dsrkit.SubjectOutcome._fields)


def test_a_reader_hears_what_went_wrong(client: dsrkit.Client) -> None:
    report = client.delete(IDS, confirm=5).wait()
    reader = pyarrow.RecordBatchReader.from_stream(report.events)
    client.close()
    with pytest.raises(pyarrow.ArrowException, match="this client is closed"):
        reader.read_all()
    with pytest.raises(dsrkit.ConfigError, match="this client is closed"):
        pyarrow.table(report.outcomes)
    with pytest.raises(dsrkit.ConfigError, match="copied away"):
        pyarrow.table(copy.deepcopy(report).outcomes)


def test_reading_costs_no_copy_of_the_column() -> None:
    column = pyarrow.array(["x" * 100] * 100_000)
    parts = 0
    rows = _arrow.column(column, None, "str")
    assert rows is not None
    for _ in rows:
        parts += 1
    assert parts == -(-100_000 // _arrow.ROWS)
