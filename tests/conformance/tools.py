"""Programs that others wrote, started on this machine only."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DOCUMENTS = ROOT / "sandbox" / "openapi"
NODE = ROOT / "target" / "conformance" / "node_modules" / ".bin"
# The vendor's own documents stand beside a working copy, or do not.
SHARED = Path(os.environ.get("DSRKIT_SHARED", ROOT.parent / "shared"))

TOKEN = "sandbox-project-token"
BEARER = "sandbox-oauth-token"

_ENVIRONMENT = {
    **os.environ,
    "PATH": f"{NODE}{os.pathsep}{os.environ['PATH']}",
    "REDOCLY_TELEMETRY": "off",
    "NO_COLOR": "1",
    "FORCE_COLOR": "0",
}


def official() -> dict[str, Any] | None:
    """The vendor's document, if it is at hand."""
    found = SHARED / "specs" / "mixpanel-gdpr.official.openapi.yaml"
    return yaml.safe_load(found.read_text("utf-8")) if found.exists() else None


def ours(name: str) -> dict[str, Any]:
    return yaml.safe_load((DOCUMENTS / f"{name}.yaml").read_text("utf-8"))


def at(document: dict[str, Any], base_url: str) -> dict[str, Any]:
    """The document with another server: no tool ever learns of a real one."""
    return {**document, "servers": [{"url": base_url}]}


def slashed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with a slash at the end of each path, as working clients write them."""
    paths = {path.rstrip("/") + "/": item for path, item in document["paths"].items()}
    return {**document, "paths": paths}


def written(document: dict[str, Any], place: Path) -> Path:
    place.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    return place


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(*command: str | Path, cwd: Path | None = None, timeout: float = 300) -> tuple[int, str]:
    """Runs a program to its end; gives its code and what it said."""
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=_ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
    )
    return ended.returncode, ended.stdout.decode("utf-8", "replace")


@contextmanager
def prism(kind: str, document: Path, *more: str) -> Iterator[tuple[str, Path]]:
    """Prism as `mock` or as `proxy`; gives its address and its log."""
    port, log = free_port(), document.with_suffix(f".{kind}.log")
    command = ["prism", kind, "-p", str(port), str(document), *more]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=_ENVIRONMENT, stdout=out, stderr=out)
    try:
        _wait(port, process, log)
        yield f"http://127.0.0.1:{port}", log
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 300
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"it does not serve: {log.read_text('utf-8', 'replace')[-2000:]}")


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
    return body


def post(url: str, body: bytes) -> int:
    headers = {"authorization": f"Bearer {BEARER}", "content-type": "application/json"}
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def violations(log: Path) -> list[str]:
    """What Prism found wrong with requests."""
    words = ("Violation: request", "NO_PATH_MATCHED", "NO_METHOD_MATCHED", "UNAUTHORIZED")
    lines = log.read_text("utf-8", "replace").splitlines()
    return [line for line in lines if any(word in line for word in words)]


def respect(flow: dict[str, Any], place: Path, inputs: dict[str, Any]) -> dict[str, Any]:
    """Runs a workflow with `redocly respect`; gives what each step sent, got and checked. The flow
    gets the bearer token, which the published one does not carry, and nothing else."""
    document = yaml.safe_load((place / "dialect.yaml").read_text("utf-8"))
    schemes = document["components"]["securitySchemes"].items()
    scheme = next(name for name, each in schemes if each["scheme"] == "bearer")
    for workflow in flow["workflows"]:
        workflow["inputs"]["properties"]["bearer"] = {"type": "string"}
        for step in workflow["steps"]:
            step["x-security"] = [{"schemeName": scheme, "values": {"token": "$inputs.bearer"}}]
    written(flow, place / "flow.arazzo.yaml")
    given = json.dumps({**inputs, "bearer": BEARER})
    code, said = run(
        "redocly", "respect", "flow.arazzo.yaml", "-i", given, "-J", "out.json", cwd=place
    )
    assert code == 0, said[-4000:]
    (told,) = json.loads((place / "out.json").read_text("utf-8"))["files"].values()
    (workflow,) = told["executedWorkflows"]
    return workflow


PYTHON = sys.executable
