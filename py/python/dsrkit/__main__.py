"""`python -m dsrkit demo` and `python -m dsrkit sandbox`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from typing import Any

from . import demo, errors
from .sandbox import Sandbox


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m dsrkit", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("demo", help="a retrieval and a deletion on a simulated vendor")
    show.add_argument("--dir", default="demo", help="folder for everything it makes (demo)")
    serve = commands.add_parser("sandbox", help="serve a simulated vendor on this machine")
    serve.add_argument("--port", type=int, default=0, help="0 takes a free one (0)")
    serve.add_argument("--archive-port", type=int, default=0, help="the archive store's port (0)")
    serve.add_argument(
        "--speed", type=_speed, default="real", help="virtual, real, or a factor such as 60 (real)"
    )
    serve.add_argument("--state", help="file in which the vendor remembers everything")
    given = parser.parse_args(arguments)
    try:
        if given.command == "demo":
            return demo.main(given.dir)
        return _serve(given)
    except errors.DsrError as error:
        print(f"dsrkit: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _speed(text: str) -> Any:
    if text in ("virtual", "real"):
        return text
    factor = float(text)
    if not 0 < factor < float("inf"):
        raise ValueError
    return factor


def _serve(given: argparse.Namespace) -> int:
    """Prints one JSON line with addresses and credentials, then serves until it is told to end."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    with Sandbox(given.port, given.speed, given.state, archive_port=given.archive_port) as sandbox:
        print(json.dumps(sandbox.credentials()), flush=True)
        over.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
