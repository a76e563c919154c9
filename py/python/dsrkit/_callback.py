"""Signed status callbacks of the vendor, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from . import _native
from .types import Kind, Plain

__all__ = ["Callback", "verify_callback"]

CallbackStatus: TypeAlias = Literal[
    "pending", "in_progress", "completed", "cancelled", "failed", "other"
]
Headers: TypeAlias = (
    Mapping[str, str] | Iterable[tuple[str, str]] | Iterable[tuple[bytes, bytes]]
)
Heard: TypeAlias = Literal["news", "found", "nothing"]


@dataclass(frozen=True, repr=False)
class Callback(Plain):
    """A status callback whose signature fits. It says that something may have changed; what is
    true is what the status endpoint answers."""

    task_id: str
    subject_request_id: str
    request: Literal["erasure", "access", "portability"]
    kind: Kind
    status: CallbackStatus
    """The words of callbacks, which are not those of jobs."""
    url: str
    """The address that the vendor says it called."""
    results_url: str | None
    """The link of a finished retrieval. It opens without credentials: treat it as a secret."""
    expected_at: str
    project_id: str

    def __repr__(self) -> str:
        return f"Callback(task_id={self.task_id!r}, kind={self.kind!r}, status={self.status!r})"


def verify_callback(
    body: bytes, headers: Headers, public_key: str, *, url: str | None = None
) -> Callback:
    """Reads a status callback, if it is the vendor's: by the exact processor domain, the signature
    over the raw `body` under the pinned `public_key` (PEM: a public key, or a certificate that
    holds one), and the address, when the `url` that was given to the vendor is passed. Raises
    InvalidInputError for anything else: answer it with 403.

    One that was seen before is as valid as the first time. `client.receive_callback` makes nothing
    of it."""
    return Callback(**_native.verify_callback(raw(body), pairs(headers), public_key, url))


def raw(body: bytes) -> bytes:
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise TypeError("a callback's body is the raw bytes, before any framework read them")
    return bytes(body)


def pairs(headers: Headers) -> list[tuple[str, str]]:
    """Headers in any of the forms that frameworks have."""
    given: Iterable[Any] = headers
    if isinstance(headers, Mapping):
        given = cast("Mapping[Any, Any]", headers).items()
    # Latin-1 reads every byte; what is not ASCII fits nothing.
    return [(_text(name), _text(value)) for name, value in given]


def _text(part: str | bytes) -> str:
    return part.decode("latin-1") if isinstance(part, bytes) else part


def receive(
    client: _native.Client, body: bytes, headers: Headers, public_key: str, url: str | None
) -> _native.Work[Heard]:
    return _native.receive_callback(client, raw(body), pairs(headers), public_key, url)
