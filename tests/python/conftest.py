"""What all tests share. Nothing here may reach beyond this machine."""

from __future__ import annotations

import ipaddress
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import dsrkit

Program = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anything but this machine fails the test."""

    def check(address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if host and host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            pytest.fail(f"a connection to {host}")

    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(self: socket.socket, address: Any) -> None:
        check(address)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        check(address)
        return connect_ex(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_ex)
    for name in list(os.environ):
        if name.startswith("DSRKIT_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def client() -> Iterator[dsrkit.Client]:
    with dsrkit.Client.sandbox() as client:
        yield client


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """Starts a Python program (text, or arguments) in the test's folder; ends it with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(text: str | None = None, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-u"] + (["-c", text] if text is not None else [])
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen(
            [*command, *arguments], cwd=tmp_path, text=True, encoding="utf-8", **options
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
