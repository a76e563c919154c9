"""The main job, shown on a simulated vendor that misbehaves: a retrieval of 5,000 people and a
deletion of 10,000, through refusals, a lost answer, a conflict and a truncated archive.

Everything stands in one folder. Killed anywhere and started again, it goes on; started after the
end, it says that nothing is left to do. The vendor keeps its own memory in that folder, so a
second process meets the same vendor.
"""

from __future__ import annotations

import asyncio
import csv
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from . import AsyncClient, AsyncRun, Report, Sandbox
from ._progress import Lines

RETRIEVALS = 5_000
DELETIONS = 10_000

FAULTS: list[dict[str, Any]] = [
    # The vendor refuses for a while, as it does when it has too much to scan.
    {"on": "create_retrieval", "nth": 2, "times": 6, "kind": "status", "status": 429},
    # The vendor makes a deletion, but its answer never arrives. Sent again, the same request is
    # refused with 409, since those people are being deleted already: that is the proof, and the
    # task that the refusal names is taken over.
    {"on": "create_deletion", "nth": 3, "kind": "drop_after"},
    # An archive breaks off in the middle.
    {"on": "download", "nth": 1, "kind": "truncated_archive"},
]

LINES_OF_A_REAL_PROJECT = """\
import pathlib
import dsrkit

# DSRKIT_MIXPANEL_PROJECT_TOKEN, _OAUTH_TOKEN and _ARCHIVE_SECRET
mp = dsrkit.Mixpanel.from_env()
with dsrkit.Client(mp, journal="dsr.sqlite3") as client:
    run = client.retrieve(pathlib.Path("access.csv"), column="distinct_id", reference="DSR-1")
    run.wait(progress=True)              # days, in fact: stop it, and go on with client.run(id)
    report = run.collect("packages")
    print(report.packages, report.problems)  # an empty tuple: everybody has a package
    plan = client.plan_deletion(pathlib.Path("erase.txt"), reference="DSR-2")
    print(plan.subjects, plan.estimate)  # look at it before you confirm
    print(plan.start(confirm=plan.confirm).wait(progress=True).counts)
"""

_NAMES = ["zoë", "李雷", "anna", "o'brien", 'jo "jj" doe', "müller, k.", "иван", "fatima"]


def main(folder: str | os.PathLike[str] = "demo") -> int:
    """Runs the demonstration, or goes on with it. Gives the exit status."""
    return asyncio.run(_Demo(Path(folder)).main())


class _Demo:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.retrieval = folder / "access.csv"
        self.deletion = folder / "erase.txt"
        self.packages = folder / "packages"
        color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self.bold, self.plain = ("\x1b[1m", "\x1b[0m") if color else ("", "")

    async def main(self) -> int:
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self.retrieval, _people())
        _write(self.deletion, (f"user-{number:05}@shop.example\n" for number in range(DELETIONS)))
        with Sandbox(state=self.folder / "vendor.log") as vendor:
            if not vendor.ledger():
                vendor.faults(FAULTS)
            journal = self.folder / "dsr.sqlite3"
            async with AsyncClient(vendor.mixpanel(), journal=journal) as client:
                reports = await self.work(client)
            return self.account(vendor, *reports)

    async def work(self, client: AsyncClient) -> tuple[Report, Report]:
        """Both runs to their end, whatever part of it is done already."""
        known = {run.plan.reference: run for run in await client.runs()}
        retrieval, deletion = known.get("DEMO-ACCESS"), known.get("DEMO-ERASE")
        if retrieval and deletion:
            reports = await retrieval.report(), await deletion.report()
            if all(report.state == "finished" for report in reports) and reports[0].packages:
                self.say("Nothing is left to do: both runs were finished before.")
                return reports
            self.say("Going on where the last start ended.")
        if retrieval is None:
            plan = await client.plan_retrieval(
                self.retrieval, column="distinct_id", reference="DEMO-ACCESS"
            )
            retrieval = AsyncRun(plan)
            self.say(
                f"Planned: data for {plan.subjects:,} people, read from {self.retrieval} "
                f"({plan.duplicates} rows repeated somebody)"
            )
        if deletion is None:
            plan = await client.plan_deletion(self.deletion, reference="DEMO-ERASE")
            deletion = AsyncRun(plan)
            self.say(
                f"Planned: erasure of {plan.subjects:,} people, read from {self.deletion}; "
                f"to be confirmed with {plan.confirm}"
            )
        for run in (retrieval, deletion):
            if run.state == "planned":
                await run.plan.start(confirm=run.plan.confirm)
        self.say("On the vendor's clock, which jumps to the next thing due:")
        reports = await asyncio.gather(
            retrieval.wait(progress=Lines(sys.stdout, "retrieval  ")),
            deletion.wait(progress=Lines(sys.stdout, "deletion   ")),
        )
        self.say(f"Unpacking {len(reports[0].jobs)} archives, one package per person")
        return await retrieval.collect(self.packages), reports[1]

    def account(self, vendor: Sandbox, retrieval: Report, deletion: Report) -> int:
        """Tells what became of everybody, and proves it from what the vendor was sent."""
        ledger, summary = vendor.ledger(), vendor.summary()
        times = {
            "create_retrieval": Counter[str](),
            "create_deletion": Counter[str](),
        }
        for entry in ledger:
            if entry["processed"] and entry["operation"] in times:
                times[entry["operation"]].update(entry["ids"])
        once = all(
            len(counter) == wanted and set(counter.values()) == {1}
            for counter, wanted in zip(times.values(), (RETRIEVALS, DELETIONS), strict=True)
        )
        calls = ", ".join(f"{count} {name}" for name, count in summary["calls"].items())
        broken = sum(entry["fault"] == "truncated_archive" for entry in ledger)
        conflicts = sum(entry["status"] == 409 for entry in ledger)
        gap = (summary["min_gap_ms"] or 0) / 1000
        leaked = summary["store_requests_with_credentials"]

        self.say("The account")
        for report in (retrieval, deletion):
            counts = ", ".join(f"{count:,} {word}" for word, count in report.counts.items())
            print(f"  {report.kind:9}  {report.state}: {counts}")
            for job in report.jobs:
                if job.origin == "adopted":
                    print(f"             task {job.task_id} was taken over after the 409")
            for attempt in report.ambiguous:
                print(f"             answer lost once, in batch {attempt.batch}: {attempt.seen}")
            for problem in report.problems:
                print(f"             to look at: {problem}")
        self.say("What the vendor saw")
        print(f"  calls       {calls}")
        print(
            f"  refused     {_times(summary['too_many_requests'])} with 429, "
            f"{_times(conflicts)} with 409"
        )
        print(f"  archives    {len(retrieval.jobs)}; {broken} broke off and was fetched to its end")
        print(f"  pace        never closer than {gap:.3f} s (allowed: 1 s)")
        print(f"  secrets     {leaked} requests to the archive store carried credentials")
        print(
            f"  everybody   {sum(len(c) for c in times.values()):,} people, "
            f"{'each submitted exactly once' if once else 'NOT each submitted exactly once'}"
        )
        self.say(f"Packages in {self.packages}")
        packages = sorted(path.name for path in (self.packages / "subjects").iterdir())
        for name in (packages[0], packages[-1]):
            print(f"  {self.packages / 'subjects' / name}")
        self.say("The same on a real project")
        print("".join(f"  {line}" for line in LINES_OF_A_REAL_PROJECT.splitlines(keepends=True)))
        finished = retrieval.state == deletion.state == "finished"
        return 0 if finished and once and gap >= 1.0 and not leaked else 1

    def say(self, text: str) -> None:
        print(f"{self.bold}{text}{self.plain}", flush=True)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _people() -> Iterator[str]:
    """A file as a spreadsheet writes it: quotes, doubled quotes, repeated people, any script."""
    rows = _Rows()
    writer = csv.writer(rows)
    writer.writerow(["name", "distinct_id", "asked on"])
    for number in range(RETRIEVALS):
        name = _NAMES[number % len(_NAMES)]
        row = [name.title(), f"{name}-{number:04}", "2026-01-02"]
        writer.writerow(row)
        if number % 100 == 0:
            writer.writerow(row)
    return iter(rows.lines)


class _Rows:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        self.lines.append(line)


def _write(path: Path, lines: Iterable[str]) -> None:
    """Whole or not at all: a half file would be another plan."""
    if not path.exists():
        part = path.with_suffix(".part")
        with open(part, "w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
        part.replace(path)
