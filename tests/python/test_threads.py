"""Threads share a client."""

from __future__ import annotations

import threading
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
