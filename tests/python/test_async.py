"""The client for asyncio, and the waiting one inside a running event loop."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import dsrkit


def test_the_main_job(tmp_path: Path) -> None:
    async def main() -> None:
        async with dsrkit.AsyncClient.sandbox() as client:
            assert client.vendor is not None
            client.vendor.faults([{"on": "create_deletion", "kind": "drop_after"}])
            plan = await client.plan_deletion([f"user-{number}" for number in range(3000)])
            with pytest.raises(dsrkit.NotConfirmedError):
                await plan.start()
            run = await plan.start(confirm=plan.confirm)
            kinds = [event.kind async for event in run.events()]
            assert {"ambiguous", "adopted", "finished"} <= set(kinds)
            report = await run.wait()
            assert report.counts == {"done": 3000}
            assert len(report.ambiguous) == 1
            retrieval = await client.retrieve(["a", "b"])
            both = await asyncio.gather(retrieval.wait(), run.report())
            assert both[0].counts == {"done": 2}
            collected = await retrieval.collect(tmp_path / "out")
            assert collected.problems == ()
            assert len(list((tmp_path / "out" / "subjects").iterdir())) == 2
            assert [run.state for run in await client.runs()] == ["finished", "finished"]
            assert await client.tick() is None
            job = await client.create_deletion(["z"])
            assert (await client.get_deletion(job.id)).status == "PENDING"
            await client.cancel_deletion(job.id)

    asyncio.run(main())


def test_cancelling_an_await_leaves_the_run_as_it_is(tmp_path: Path) -> None:
    async def begin() -> str:
        with dsrkit.Sandbox(speed="real", state=tmp_path / "vendor.log") as vendor:
            project = vendor.mixpanel()
            async with dsrkit.AsyncClient(project, tmp_path / "dsr.sqlite3") as client:
                run = await client.delete(["a", "b"], confirm=2)
                async for event in run.events():
                    if event.kind == "submitted":
                        break
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(run.wait(), 0.1)
                waiting = asyncio.ensure_future(run.wait(progress=lambda event: None))
                await asyncio.sleep(0)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                assert run.counts == {"submitted": 2}
                return run.id

    run_id = asyncio.run(begin())

    async def go_on() -> None:
        with dsrkit.Sandbox(state=tmp_path / "vendor.log") as vendor:
            project = vendor.mixpanel()
            async with dsrkit.AsyncClient(project, tmp_path / "dsr.sqlite3") as client:
                report = await (await client.run(run_id)).wait()
                assert report.counts == {"done": 2}
            assert vendor.summary()["max_per_id"] == 1

    asyncio.run(go_on())


def futures() -> int:
    gc.collect()
    return sum(isinstance(each, asyncio.Future) for each in gc.get_objects())


def test_cancelling_leaks_nothing() -> None:
    async def main() -> None:
        with dsrkit.Sandbox(speed="real") as vendor:
            async with dsrkit.AsyncClient(vendor.mixpanel(), ":memory:") as client:
                run = await client.delete(["a", "b"], confirm=2)
                async for event in run.events():
                    if event.kind == "submitted":
                        break
                own = asyncio.all_tasks()
                threads = threading.active_count()

                async def read() -> None:
                    async for _ in run.events():
                        pass

                first = 0
                for turn in range(30):
                    waiting = [run.wait(), run.wait(progress=lambda event: None), read()]
                    tasks = [asyncio.ensure_future(each) for each in waiting]
                    await asyncio.sleep(random.random() / 100)
                    for task in tasks:
                        task.cancel()
                    results = await asyncio.gather(*tasks, return_exceptions=True)
                    assert all(isinstance(each, asyncio.CancelledError) for each in results)
                    first = max(first, futures()) if turn < 5 else first
                assert asyncio.all_tasks() == own
                assert threading.active_count() == threads
                # As many as after the first times: what the last turn and its generators hold. A
                # leak would add one in each of the other twenty-five.
                assert futures() <= first + 5
                assert run.counts == {"submitted": 2}
            assert vendor.summary()["max_per_id"] == 1

    asyncio.run(main())


def test_reading_ids_does_not_block_the_loop() -> None:
    async def main() -> None:
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while True:
                beats += 1
                await asyncio.sleep(0)

        def raising() -> Iterator[str]:
            yield "a"
            raise ZeroDivisionError

        async with dsrkit.AsyncClient.sandbox() as client:
            heart = asyncio.ensure_future(beat())
            plan = await client.plan_retrieval(f"user-{number}" for number in range(200_000))
            assert plan.subjects == 200_000
            assert beats > 40
            with pytest.raises(ZeroDivisionError):
                await client.plan_retrieval(raising())
            with pytest.raises(TypeError, match="position 0"):
                await client.plan_retrieval([1])
            assert len(await client.runs()) == 1
            heart.cancel()

    asyncio.run(main())


def test_the_waiting_client_works_inside_a_running_loop(client: dsrkit.Client) -> None:
    async def main() -> None:
        assert client.delete(["a"], confirm=1).wait().counts == {"done": 1}

    asyncio.run(main())
