"""The options of `collect`, on their way to the core."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from .mixpanel import several


def packing(
    html: bool,
    raw: bool,
    timezone: str | None,
    language: str,
    templates: str | os.PathLike[str] | None,
    protect: str | None,
    allow_plain: bool,
    archive_secrets: Iterable[str],
) -> dict[str, Any]:
    return {
        "html": html,
        "raw": raw,
        "timezone": timezone,
        "language": language,
        "templates": None if templates is None else os.fspath(templates),
        "protect": protect,
        "allow_plain": allow_plain,
        "secrets": several("archive_secrets", archive_secrets),
    }
