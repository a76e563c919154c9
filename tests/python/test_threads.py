"""Threads share a client."""

from __future__ import annotations

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import dsrkit


def test_threads_share_a_client(client: dsrkit.Client) -> None:
    start = threading.Barrier(8)

    def work(number: int) -> dict[str, int]:
        start.wait()
        run = client.delete([f"user-{number}-{each}" for each in range(50)], confirm=50)
        seen: list[str] = []
        report = run.wait(progress=lambda event: seen.append(event.kind))
        assert len(list(report.outcomes)) == 50 and client.runs()
        return report.counts

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [{"done": 50}] * 8
    assert client.vendor is not None
    summary = client.vendor.summary()
    assert summary["max_per_id"] == 1 and summary["min_gap_ms"] >= 1000


def test_threads_wait_for_the_same_run(client: dsrkit.Client) -> None:
    run = client.delete(["a", "b"], confirm=2)
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: run.wait().counts, range(4)))
    assert reports == [{"done": 2}] * 4


SECONDS = 60.0 if os.environ.get("DSRKIT_SOAK") else 1.0


def test_eight_threads_do_everything_at_once(client: dsrkit.Client) -> None:
    """Also on an interpreter without the global lock."""
    until = time.monotonic() + SECONDS
    people: list[int] = []

    def work(number: int) -> None:
        draw = random.Random(number)
        for turn in range(1_000_000):
            if time.monotonic() > until:
                return
            ids = [f"user-{number}-{turn}-{each}" for each in range(draw.randrange(1, 9))]
            run = client.delete(ids, confirm=len(ids))
            people.append(len(ids))
            again = client.run(run.id)
            if draw.random() < 0.3:
                assert sum(1 for _ in again.events()) > 2
            report = again.wait()
            assert report.counts == {"done": len(ids)} == run.counts
            assert {row.id for row in report.outcomes} == set(ids)
            assert client.was_processed(ids[0])[0].run_id == run.id
            assert repr(run) and report.to_json() and client.drift() is not None

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [None] * 8
    assert client.vendor is not None and client.verify_journal() > 0
    summary = client.vendor.summary()
    assert (summary["max_per_id"], summary["min_gap_ms"] >= 1000) == (1, True)
    done = sum(run.counts["done"] for run in client.runs())
    assert done == sum(people)
