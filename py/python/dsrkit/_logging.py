"""The core's own lines as records of the logger "dsrkit". They hold no ids of people and no secrets,
at any level: what the libraries below the core say is not passed on.

Levels: WARNING for what somebody should look at, INFO for each event of a run, DEBUG for each call.
"""

from __future__ import annotations

import logging
import sys

LOGGER = logging.getLogger("dsrkit")
# A library is silent until its user says otherwise.
LOGGER.addHandler(logging.NullHandler())

_OFF = 255


def wanted() -> int:
    """The least level that would be seen now."""
    for level in range(logging.DEBUG, logging.CRITICAL, 10):
        if LOGGER.isEnabledFor(level):
            return level
    return _OFF


def emit(level: int, at: float, text: str) -> None:
    record = LOGGER.makeRecord("dsrkit", level, "(dsrkit)", 0, text, (), None)
    record.created = at
    record.msecs = at % 1 * 1000
    LOGGER.handle(record)


def to_stderr(level: str) -> None:
    """What `DSRKIT_LOG=info` asks for."""
    name = level.strip().upper()
    if name not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError('DSRKIT_LOG is "debug", "info", "warning" or "error"')
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(name)
