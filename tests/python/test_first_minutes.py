"""tests/first_five_minutes.sh with the wheel that the tests use. The size of a release is the gate's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHEELS = sorted((ROOT / "target" / "wheels" / "dev").glob("dsrkit-*.whl"))


@pytest.mark.skipif(not WHEELS, reason="make test-python builds the wheel")
@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")
def test_the_first_five_minutes() -> None:
    script = ROOT / "tests" / "first_five_minutes.sh"
    ended = subprocess.run(
        [str(script), str(WHEELS[-1])],
        capture_output=True,
        text=True,
        timeout=300,
        env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DSRKIT_PYTHON": sys.executable},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "all well" in ended.stdout
