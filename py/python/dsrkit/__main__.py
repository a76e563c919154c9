"""`python -m dsrkit demo`, `python -m dsrkit plan FILE` and `python -m dsrkit sandbox`.

Exit status: 0 done, 1 failed, 2 something given is wrong, 130 interrupted."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from . import Client, demo, errors
from .sandbox import Sandbox


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m dsrkit", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("demo", help="a retrieval and a deletion on a simulated vendor")
    show.add_argument("--dir", default="demo", help="folder for everything it makes (demo)")
    look = commands.add_parser("plan", help="what a file of ids would take; nothing is sent")
    look.add_argument("file", type=Path, help="text with an id a line, .csv or .jsonl")
    look.add_argument("--column", help="which column of a .csv or .jsonl")
    look.add_argument("--deletion", action="store_true", help="to erase, not to retrieve")
    serve = commands.add_parser("sandbox", help="serve a simulated vendor on this machine")
    serve.add_argument("--port", type=int, default=0, help="0 takes a free one (0)")
    serve.add_argument("--archive-port", type=int, default=0, help="the archive store's port (0)")
    serve.add_argument(
        "--speed", type=_speed, default="real", help="real, or a factor such as 60 (real)"
    )
    serve.add_argument("--state", help="file in which the vendor remembers everything")
    given = parser.parse_args(arguments)
    try:
        if given.command == "demo":
            return demo.main(given.dir)
        if given.command == "plan":
            return _plan(given)
        return _serve(given)
    except errors.DsrError as error:
        print(f"dsrkit: {error}", file=sys.stderr)
        wrong = (errors.InvalidInputError, errors.ConfigError, errors.FileError)
        return 2 if isinstance(error, wrong) else 1
    except KeyboardInterrupt:
        if given.command == "demo":
            print("Stopped; nothing is lost. Start it again to go on.", file=sys.stderr)
        return 130


def _speed(text: str) -> Any:
    if text == "real":
        return text
    if text == "virtual":
        # Its clock would jump for callers of this process only, and stand still for all others.
        raise argparse.ArgumentTypeError(
            "a served vendor has no virtual clock: programs that wait for it would wait for ever; "
            "take a factor such as 100000"
        )
    factor = float(text)
    if not 0 < factor < float("inf"):
        raise ValueError
    return factor


def _plan(given: argparse.Namespace) -> int:
    """Reads, guards and deduplicates the ids as a real plan does, on a simulated project."""
    with Client.sandbox() as client:
        make = client.plan_deletion if given.deletion else client.plan_retrieval
        plan = make(given.file, column=given.column)
        people = "1 person" if plan.subjects == 1 else f"{plan.subjects:,} people"
        rows = "1 row" if plan.duplicates == 1 else f"{plan.duplicates:,} rows"
        print(f"{people}, {rows} repeated somebody")
        print(plan.estimate)
    return 0


def _serve(given: argparse.Namespace) -> int:
    """Prints one JSON line with addresses and credentials, then serves until it is told to end."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: over.set())
    with Sandbox(given.port, given.speed, given.state, archive_port=given.archive_port) as sandbox:
        print(json.dumps(sandbox.credentials()), flush=True)
        over.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
