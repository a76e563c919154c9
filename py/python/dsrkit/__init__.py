"""Data-subject requests done whole: planned, confirmed, paced, journaled, followed to the end,
unpacked per person.

    import dsrkit

    mp = dsrkit.Mixpanel.from_env()
    with dsrkit.Client(mp, journal="dsr.sqlite3") as client:
        plan = client.plan_deletion(pathlib.Path("ids.csv"), column="distinct_id")
        print(plan.subjects, plan.estimate, plan.confirm)
        report = plan.start(confirm=plan.confirm).wait(progress=True)
        print(report.counts)

`Client.sandbox()` is a client of a simulated vendor: nothing leaves the machine.
"""

from __future__ import annotations

from . import errors, types
from ._aio import AsyncClient, AsyncPlan, AsyncRun
from ._client import Client
from ._run import Plan, Run
from ._native import __version__
from ._callback import Callback, verify_callback
from ._outcomes import EventLog, Outcomes, SubjectOutcome
from .errors import (
    AmbiguousError,
    ArchiveError,
    AuthenticationError,
    CancelledError,
    ConfigError,
    ConflictError,
    DeadlineError,
    DecryptError,
    DsrError,
    FileError,
    ForkError,
    InternalError,
    InvalidInputError,
    JobFailedError,
    JournalError,
    NotConfirmedError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitedError,
    TooLateError,
    UnavailableError,
)
from .mixpanel import Mixpanel
from .mixpeek import AsyncMixpeekClient, DsarRecord, DsarRequest, Mixpeek, MixpeekClient
from ._report import (
    AmbiguousAttempt,
    JobReport,
    Problem,
    Processed,
    RefusedRow,
    RefusedRows,
    Report,
)
from .receiver import CallbackReceiver
from .sandbox import Sandbox
from .settings import Settings
from .types import Estimate, Event, FlowOutcome, Job, RawAnswer, ShapeCount

__all__ = [
    "AmbiguousAttempt",
    "AmbiguousError",
    "ArchiveError",
    "AsyncClient",
    "AsyncMixpeekClient",
    "AsyncPlan",
    "AsyncRun",
    "AuthenticationError",
    "Callback",
    "CallbackReceiver",
    "CancelledError",
    "Client",
    "ConfigError",
    "ConflictError",
    "DeadlineError",
    "DecryptError",
    "DsarRecord",
    "DsarRequest",
    "DsrError",
    "Estimate",
    "Event",
    "EventLog",
    "FileError",
    "FlowOutcome",
    "ForkError",
    "InternalError",
    "InvalidInputError",
    "Job",
    "JobFailedError",
    "JobReport",
    "JournalError",
    "Mixpanel",
    "Mixpeek",
    "MixpeekClient",
    "NotConfirmedError",
    "NotFoundError",
    "Outcomes",
    "PermissionDeniedError",
    "Plan",
    "Problem",
    "Processed",
    "ProtocolError",
    "RateLimitedError",
    "RawAnswer",
    "RefusedRow",
    "RefusedRows",
    "Report",
    "Run",
    "Sandbox",
    "Settings",
    "ShapeCount",
    "SubjectOutcome",
    "TooLateError",
    "UnavailableError",
    "__version__",
    "errors",
    "types",
    "verify_callback",
]
