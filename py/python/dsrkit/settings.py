"""Limits and times of a client. The defaults are the core's own."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from typing import Any

from . import _native
from .types import OnAmbiguous

__all__ = ["Settings"]

_DEFAULT = _native.default_settings()


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Limits and times, in seconds unless the name says otherwise. Checked when made."""

    requests_per_second: float | None = _DEFAULT["requests_per_second"]
    """Calls per second to one project, over all kinds of calls. None: as many as the vendor says that
    it allows (Mixpanel: 1). More than that only brings refusals."""
    request_timeout: float = _DEFAULT["request_timeout"]
    """How long one call may take, connecting included."""
    connect_timeout: float = _DEFAULT["connect_timeout"]
    backoff_initial: float = _DEFAULT["backoff_initial"]
    """The first wait after a refusal or a failure; it doubles from there, with jitter."""
    backoff_max: float = _DEFAULT["backoff_max"]
    """The longest such wait. Waiting itself has no end."""
    request_worth: float = _DEFAULT["request_worth"]
    """How much waiting one request is worth: with less, jobs are looked at, and room in the scan
    budget is tried for, more often. 30 seconds was found by measurement."""
    poll_initial: float = _DEFAULT["poll_initial"]
    """The shortest wait between two looks at a job; 2 seconds by default."""
    poll_max: float = _DEFAULT["poll_max"]
    """The longest wait between two looks at a job, and between two tries for room in the scan
    budget; 6 hours by default."""
    scan_budget_days: int = _DEFAULT["scan_budget_days"]
    """Days of outstanding scans that the vendor allows per project."""
    project_age_days: int | None = _DEFAULT["project_age_days"]
    """Days since the project's first event, where known: what one retrieval costs, beside one under
    CCPA. Wrong or missing, it delays nothing: what is sent follows from what the vendor refuses."""
    on_ambiguous: OnAmbiguous = _DEFAULT["on_ambiguous"]
    """What to do when a request was sent and its answer lost."""
    ambiguous_retry_after: float = _DEFAULT["ambiguous_retry_after"]
    """How long to wait before a retrieval whose answer was lost is sent once more."""
    lost_after: float = _DEFAULT["lost_after"]
    """How long NOT_FOUND or UNKNOWN may last before a job counts as lost and is held."""
    max_ids_per_deletion_plan: int = _DEFAULT["max_ids_per_deletion_plan"]
    """The most people one deletion plan may name. Raise it knowingly."""
    archive_max_bytes: int = _DEFAULT["archive_max_bytes"]
    """The largest archive, unpacked."""
    keep_deleted_for: float = _DEFAULT["keep_deleted_for"]
    """How long the journal keeps the ids of a deletion after its end; then only keyed digests of
    them stay. The list of the erased is the very data to erase."""
    keep_retrieved_for: float = _DEFAULT["keep_retrieved_for"]
    """How long the journal keeps the ids of a retrieval after its packages were written. Without
    them the packages cannot be written again."""
    proxy: str | None = field(default=_DEFAULT["proxy"], repr=False)
    """A proxy for all calls; the environment's proxy variables are not used."""
    ca_bundle: str | os.PathLike[str] | None = _DEFAULT["ca_bundle"]
    """A PEM file of certificate authorities to trust besides the system's."""

    def __post_init__(self) -> None:
        _native.check_settings(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Plain data, by the names of the arguments."""
        return {each.name: getattr(self, each.name) for each in fields(self)}
