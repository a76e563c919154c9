"""Everything that can go wrong, as one tree.

    DsrError
    +-- InvalidInputError (ValueError)        an id, a file or an argument cannot be used
    +-- ConfigError (ValueError)              the set-up is wrong
    +-- AuthenticationError                   401: the OAuth token is not accepted
    +-- PermissionDeniedError                 403: the token's user may not do this
    +-- NotFoundError (LookupError)           nothing is known by that id
    +-- RateLimitedError                      429: see retry_after
    +-- UnavailableError (ConnectionError)    no connection, or 5xx
    +-- DeadlineError (TimeoutError)          the time the caller allowed has passed
    +-- ProtocolError                         the answer is not as documented
    +-- ConflictError                         409: see task_ids
    +-- JobFailedError                        the vendor's task failed or was revoked
    +-- TooLateError                          405: it cannot be cancelled any more
    +-- NotConfirmedError (ValueError)        a deletion without its confirmation
    +-- CancelledError                        the caller cancelled
    +-- JournalError                          the journal cannot be opened, read or written
    +-- DecryptError                          no secret opens the archive
    +-- ArchiveError                          the archive is damaged or unsafe
    +-- FileError (OSError)                   a file cannot be read or written
    +-- AmbiguousError                        sent, no answer, cannot tell
    +-- ForkError (RuntimeError)              used in a forked child
    +-- InternalError                         a bug in dsrkit

No message, hint or context ever holds a token, a signed link or the id of a person.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from . import _native

__all__ = [
    "BY_KIND",
    "AmbiguousError",
    "ArchiveError",
    "AuthenticationError",
    "CancelledError",
    "ConfigError",
    "ConflictError",
    "DeadlineError",
    "DecryptError",
    "DsrError",
    "FileError",
    "ForkError",
    "InternalError",
    "InvalidInputError",
    "JobFailedError",
    "JournalError",
    "NotConfirmedError",
    "NotFoundError",
    "PermissionDeniedError",
    "ProtocolError",
    "RateLimitedError",
    "TooLateError",
    "UnavailableError",
]

Sent = Literal["no", "maybe", "yes"]

_TABLE = {name: (code, hint) for name, code, hint in _native.error_kinds()}


class DsrError(Exception):
    """Any failure of dsrkit."""

    kind: ClassVar[str] = ""
    """The kind to branch on; the same word in every language."""
    code: ClassVar[int] = 0
    """The kind's number, equal to the C library's status code."""

    message: str
    """One line: what is wrong."""
    hint: str
    """One sentence: what to do about it."""
    context: dict[str, str]
    """Named facts, such as the row of a file."""
    retry_after: float | None
    """Seconds to wait before trying again, when that is known."""
    sent: Sent
    """What the vendor may have seen of the request: "maybe" means that its answer is lost."""
    http_status: int | None
    """The HTTP status that the vendor answered."""
    job_id: str | None
    """The vendor task this is about."""
    task_ids: tuple[str, ...]
    """The running tasks that a conflict names."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        context: dict[str, str] | None = None,
        retry_after: float | None = None,
        sent: Sent = "no",
        http_status: int | None = None,
        job_id: str | None = None,
        task_ids: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = _TABLE.get(self.kind, (0, ""))[1] if hint is None else hint
        self.context = dict(context or {})
        self.retry_after = retry_after
        self.sent = sent
        self.http_status = http_status
        self.job_id = job_id
        self.task_ids = tuple(task_ids)

    def __str__(self) -> str:
        facts = ", ".join(f"{name}: {value}" for name, value in self.context.items())
        text = f"{self.message} ({facts})" if facts else self.message
        if not self.hint:
            return text
        return f"{text}{'' if text.endswith(('.', '?', '!')) else '.'} {self.hint}"

    def __reduce__(self) -> tuple[object, ...]:
        return (_restore, (type(self), self.message, self.__dict__.copy()))


def _restore(cls: type[DsrError], message: str, facts: dict[str, object]) -> DsrError:
    error = cls(message)
    error.__dict__.update(facts)
    return error


class InvalidInputError(DsrError, ValueError):
    """An id, a file or an argument cannot be used. Nothing was sent: correct what the message
    names and call again."""

    kind = "InvalidInput"
    code = 1


class ConfigError(DsrError, ValueError):
    """The set-up is wrong: a token with a blank in it, a journal of another project, an option
    that this vendor does not have. Correct it and call again."""

    kind = "Config"
    code = 2


class AuthenticationError(DsrError):
    """401: the vendor does not accept the OAuth token (it lives one year). Make a new one and go
    on with it: nothing is lost."""

    kind = "Unauthenticated"
    code = 3


class PermissionDeniedError(DsrError):
    """403: the token must belong to an owner or admin of the project."""

    kind = "PermissionDenied"
    code = 4


class NotFoundError(DsrError, LookupError):
    """The vendor, or this journal, knows nothing by that id."""

    kind = "NotFound"
    code = 5


class RateLimitedError(DsrError):
    """429: too many requests, or too many outstanding scans. Runs wait by themselves; a single
    call says in `retry_after` when to try again."""

    kind = "RateLimited"
    code = 6


class UnavailableError(DsrError, ConnectionError):
    """The vendor could not be reached, or answered 5xx. Try again later."""

    kind = "Unavailable"
    code = 7


class DeadlineError(DsrError, TimeoutError):
    """The time the caller allowed has passed. The work itself stands in the journal: wait again."""

    kind = "Deadline"
    code = 8


class ProtocolError(DsrError):
    """The vendor's answer is not as documented. Look at the task in the vendor's own interface
    before sending the request again."""

    kind = "Protocol"
    code = 9


class ConflictError(DsrError):
    """409: another running deletion already names one of these ids; `task_ids` has it."""

    kind = "Conflict"
    code = 10


class JobFailedError(DsrError):
    """The vendor ended the task as FAILURE or REVOKED. Check its ids and make a new request."""

    kind = "JobFailed"
    code = 11


class TooLateError(DsrError):
    """405: the vendor has started the task, it cannot be cancelled any more."""

    kind = "TooLate"
    code = 12


class NotConfirmedError(DsrError, ValueError):
    """A deletion without its confirmation, or with one of another plan. Nothing was sent. Look at
    the plan and pass exactly its `confirm`."""

    kind = "NotConfirmed"
    code = 13


class CancelledError(DsrError):
    """The caller cancelled. Unlike asyncio's, an ordinary exception."""

    kind = "Cancelled"
    code = 14


class JournalError(DsrError):
    """The journal cannot be opened, read or written. Nothing is sent without its journal entry."""

    kind = "Journal"
    code = 15


class DecryptError(DsrError):
    """No secret that was given opens the archive. Pass the project's API secret."""

    kind = "Decrypt"
    code = 16


class ArchiveError(DsrError):
    """The archive is damaged, or not safe to unpack. Nothing of it was made visible."""

    kind = "Archive"
    code = 17


class FileError(DsrError, OSError):
    """A file or folder cannot be read or written."""

    kind = "Io"
    code = 18


class AmbiguousError(DsrError):
    """The request was sent, its answer was lost, and it cannot be told whether it was carried
    out. Check before repeating it."""

    kind = "Ambiguous"
    code = 19


class ForkError(DsrError, RuntimeError):
    """Used in a forked child. Create the client in the child instead."""

    kind = "Fork"
    code = 20


class InternalError(DsrError):
    """A bug in dsrkit. Please report it."""

    kind = "Internal"
    code = 99


BY_KIND: dict[str, type[DsrError]] = {cls.kind: cls for cls in DsrError.__subclasses__()}
"""The class of each kind, by the kind's name."""
