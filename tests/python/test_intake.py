"""Ids on their way in. The numbers are rows of the table of faults in docs/FAULTS.md."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import dsrkit


def nothing_was_written(client: dsrkit.Client) -> bool:
    assert client.vendor is not None
    return client.runs() == [] and client.vendor.ledger() == []


@pytest.mark.parametrize("bad", [1.58e18, float("nan"), 7, True, None, b"a", ["a"]])
def test_5_6_an_id_that_is_no_text_is_refused_at_its_position(
    client: dsrkit.Client, bad: Any
) -> None:
    for make in (client.plan_retrieval, client.plan_deletion, client.create_deletion):
        with pytest.raises(TypeError, match="position 5000"):
            make([*(f"user-{number}" for number in range(5000)), bad])
    assert nothing_was_written(client)


class Index:
    """An integer of another library, such as numpy's."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


def test_6_integers_are_taken_as_their_digits_when_that_is_said(client: dsrkit.Client) -> None:
    numbers: list[Any] = [10**30 + 1, 2**53 + 1, 7, Index(2**53 + 1), 123456789012345678]
    run = client.retrieve(numbers, ids_as="int")
    assert run.plan.duplicates == 1
    assert [row.id for row in run.report().outcomes] == [
        "1000000000000000000000000000001",
        "9007199254740993",
        "7",
        "123456789012345678",
    ]
    assert client.create_deletion([7], ids_as="int").id
    with pytest.raises(TypeError, match='ids_as="int"'):
        client.plan_retrieval([7])  # the way is told
    for bad in (True, 7.0, float("nan"), "7", None, b"7"):
        for make in (client.plan_retrieval, client.plan_deletion, client.create_deletion):
            with pytest.raises(TypeError, match=f"position 5000.*{type(bad).__name__}"):
                make([*range(5000), bad], ids_as="int")
    assert len(client.runs()) == 1
    with pytest.raises(dsrkit.InvalidInputError):
        client.plan_deletion([0, 1], ids_as="int")  # a placeholder, whatever its type was
    with pytest.raises(dsrkit.ConfigError):
        client.plan_retrieval(Path("ids.txt"), ids_as="int")
    with pytest.raises(dsrkit.ConfigError):
        client.plan_retrieval(["7"], ids_as="float")  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", ["user-1", b"user-1", bytearray(b"user-1"), {"user-1": 1}, 5, None])
def test_7_a_bare_text_is_no_list(client: dsrkit.Client, bad: Any) -> None:
    for make in (client.plan_retrieval, client.plan_deletion, client.create_retrieval):
        with pytest.raises(TypeError, match=type(bad).__name__):
            make(bad)
    assert nothing_was_written(client)


def test_a_whole_table_is_no_column(client: dsrkit.Client) -> None:
    class Table(list):  # type: ignore[type-arg]
        columns = ["name", "distinct_id"]

        def __dataframe__(self) -> None: ...

    with pytest.raises(TypeError, match="one column"):
        client.plan_deletion(Table(["name", "distinct_id"]))


def test_9_a_lone_surrogate_is_refused_at_its_position(client: dsrkit.Client) -> None:
    with pytest.raises(dsrkit.InvalidInputError, match="position 1") as caught:
        client.plan_deletion(["canary-1", "canary-\ud800"])
    assert "canary" not in str(caught.value)
    assert nothing_was_written(client)


class Own(Exception):
    pass


def raising(after: int) -> Iterator[str]:
    for number in range(after):
        yield f"user-{number}"
    raise Own("of the caller")


@pytest.mark.parametrize("after", [0, 1, 4096, 900_000])
def test_13_an_iterable_that_raises_leaves_nothing(client: dsrkit.Client, after: int) -> None:
    with pytest.raises(Own) as caught:
        client.plan_retrieval(raising(after))
    assert str(caught.value) == "of the caller"
    assert nothing_was_written(client)
    assert client.plan_retrieval(["a"]).subjects == 1


def test_any_iterable_of_texts_will_do(client: dsrkit.Client) -> None:
    class Text(str):
        pass

    database = sqlite3.connect(":memory:")
    rows = database.execute("SELECT 'user-1' UNION SELECT 'user-2'")
    for ids in (["a"], ("a",), {"a"}, iter(["a"]), (row for row in ["a"]), [Text("a")]):
        assert client.plan_retrieval(ids).subjects == 1
    # A cursor may be read on the thread that made it only.
    assert client.plan_retrieval(row[0] for row in rows).subjects == 2
    database.close()


def test_files_are_read_by_their_ending(client: dsrkit.Client, tmp_path: Path) -> None:
    csv = tmp_path / "people.csv"
    csv.write_text('name,distinct_id\nZ,zoë\nA,"o""brien, j"\nZ,zoë\n', "utf-8")
    plan = client.plan_retrieval(csv, column="distinct_id")
    assert (plan.subjects, plan.duplicates) == (2, 1)
    report = plan.start().wait()
    assert [row.id for row in report.outcomes] == ["zoë", 'o"brien, j']
    lines = tmp_path / "people.jsonl"
    lines.write_text('{"distinct_id": "a"}\n{"distinct_id": "b"}\n', "utf-8")
    assert client.plan_retrieval(lines, column="distinct_id").subjects == 2
    text = tmp_path / "people.txt"
    text.write_text("a\nb\n", "utf-8")
    assert client.plan_retrieval(text).subjects == 2
    with pytest.raises(OSError, match="nowhere"):
        client.plan_retrieval(tmp_path / "nowhere.txt")
    with pytest.raises(dsrkit.ConfigError):
        client.plan_retrieval(["a"], column="distinct_id")


def test_bad_rows_are_left_out_when_asked(client: dsrkit.Client) -> None:
    with pytest.raises(dsrkit.InvalidInputError, match="position 1"):
        client.plan_retrieval(["user-1", "", "user-2"])
    plan = client.plan_retrieval(["user-1", "", "user-2"], skip_bad=True)
    assert (plan.subjects, plan.refused.total, plan.refused.rows[0].row) == (2, 1, 1)


def test_a_core_that_wants_no_more_ends_the_reading(client: dsrkit.Client) -> None:
    pulled = 0

    def ids() -> Iterator[str]:
        nonlocal pulled
        for number in range(1_000_000):
            pulled += 1
            yield f"user-{number}"

    with pytest.raises(dsrkit.ConfigError):
        client.plan_retrieval(ids(), column="distinct_id")
    assert pulled < 100_000


def test_what_cannot_be_meant_is_told_by_its_name(client: dsrkit.Client, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("distinct_id\na\n")
    with open(tmp_path / "p.csv") as file, pytest.raises(TypeError, match="pathlib.Path"):
        client.plan_retrieval(file)
    with pytest.raises(TypeError, match="reference is a str"):
        client.plan_retrieval(["a"], reference=42)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="id is a str"):
        client.was_processed(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="NoneType$"):
        client.plan_retrieval([None])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="number may be another person's"):
        client.plan_retrieval([1.5])  # type: ignore[arg-type]
    with pytest.raises(dsrkit.InvalidInputError) as caught:
        client.plan_retrieval(["distinct_id", "a"])
    assert "column=" not in str(caught.value)
    with pytest.raises(dsrkit.InvalidInputError) as caught:
        client.plan_retrieval(["a" * 256])
    assert "255 bytes" in caught.value.hint
    now = datetime(2026, 1, 5, tzinfo=timezone.utc)
    for received_at, deadline in ((now, now - timedelta(days=1)), (now.replace(year=2062), None)):
        with pytest.raises(dsrkit.InvalidInputError, match="received_at"):
            client.plan_deletion(["a"], received_at=received_at, deadline=deadline)
    assert nothing_was_written(client)
