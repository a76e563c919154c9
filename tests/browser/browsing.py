"""What the tests and the screenshots share: the browser, and packages made by the whole library."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

import dsrkit

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
# It can reach nothing, and asks nobody for anything.
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def browser() -> Iterator[Browser]:
    sandboxed = [] if os.geteuid() else ["--no-sandbox"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, *sandboxed]
        )
        yield browser
        browser.close()


def package(out: Path, subject: str, events: int, **options: Any) -> Path:
    """The folder of one person's package."""
    with dsrkit.Client.sandbox(events_per_subject=[events, events], seed=7) as client:
        run = client.retrieve([subject], allow_unusual=True)
        run.wait()
        report = run.collect(out, **options)
    assert report.problems == (), report.problems
    (folder,) = (out / "subjects").iterdir()
    return folder
