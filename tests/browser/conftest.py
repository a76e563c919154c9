"""Fixtures of the browser tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import browsing
import pytest
from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with browsing.browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes the package of one person: an id, how many events, and options of `collect`."""
    made: dict[str, Path] = {}

    def make(subject: str = "ada@example.com", events: int = 300, **options: Any) -> Path:
        key = f"{subject} {events} {sorted(options.items())}"
        if key not in made:
            out = tmp_path_factory.mktemp("out")
            made[key] = browsing.package(out, subject, events, **options)
        return made[key]

    return make
