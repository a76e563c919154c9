"""Mixpeek: requests about a whole organisation, not about people in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, TypeAlias, TypeVar

from . import _native
from ._native import Mixpeek as Native
from .settings import Settings
from .types import Plain, milliseconds, moment

__all__ = ["AsyncMixpeekClient", "DsarRecord", "DsarRequest", "Mixpeek", "MixpeekClient"]

DsarKind: TypeAlias = Literal["export", "deletion"]
DsarState: TypeAlias = Literal["accepted", "not carried out", "unknown"]


class Mixpeek:
    """An organisation at Mixpeek: an API key (`sk_..`) with ADMIN permission. Does no I/O; never
    shows the key. `base_url` is for a proxy or the sandbox."""

    __slots__ = ("_native",)

    _native: Native

    def __init__(self, api_key: str, *, base_url: str | None = None) -> None:
        object.__setattr__(self, "_native", Native(api_key, base_url))

    @classmethod
    def _of(cls, native: Native) -> Mixpeek:
        organisation = cls.__new__(cls)
        object.__setattr__(organisation, "_native", native)
        return organisation

    @property
    def base_url(self) -> str:
        return self._native.base_url

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} cannot be set: make another Mixpeek")

    def __repr__(self) -> str:
        return f"Mixpeek(<API key>, base_url={self.base_url!r})"


@dataclass(frozen=True)
class DsarRequest(Plain):
    """The vendor's answer. What follows comes by other ways than its API: there is no status to
    ask for."""

    request_id: str
    status: str
    requested_at: str
    """As the vendor wrote it."""
    estimated_completion: str
    """A sentence of the vendor's, not a time."""
    data_categories: list[str]
    warning: str | None = None
    """What the vendor warns of, in the answer to a deletion."""


@dataclass(frozen=True)
class DsarRecord:
    """A request on record in the journal."""

    id: str
    kind: DsarKind
    state: DsarState
    at: datetime
    request_id: str | None
    """The vendor's name of it, once known."""
    problem: str | None

    @classmethod
    def _of(cls, data: dict[str, Any]) -> DsarRecord:
        return cls(
            id=data["id"],
            kind=data["kind"],
            state=data["state"],
            at=moment(data["at_ms"]),
            request_id=data["request_id"],
            problem=data["problem"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "id": self.id,
            "kind": self.kind,
            "state": self.state,
            "at_ms": milliseconds(self.at),
            "request_id": self.request_id,
            "problem": self.problem,
        }


_Base = TypeVar("_Base", bound="_ClientBase")


class _ClientBase:
    def __init__(
        self,
        mixpeek: Mixpeek,
        journal: str | os.PathLike[str] | None = None,
        settings: Settings | None = None,
    ) -> None:
        if not isinstance(mixpeek, Mixpeek):
            raise TypeError(f"mixpeek is a dsrkit.Mixpeek, not {type(mixpeek).__name__}")
        path = None if journal is None else os.fspath(journal)
        options = (settings or Settings()).to_dict()
        self._native = _native.MixpeekClient(mixpeek._native, path, options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class MixpeekClient(_ClientBase):
    """A client of one organisation. `journal` is where its requests are on record, a file of its
    own for each organisation; without it they are forgotten with the client."""

    def request_export(self) -> DsarRequest:
        """Asks for a copy of everything that the organisation has. Delivered by other ways than
        the API, within 30 days."""
        return DsarRequest(**self._native.request_export().wait())

    def request_deletion(self, *, confirm: str) -> DsarRequest:
        """Asks for the erasure of everything that the organisation has: irreversible. `confirm` is
        "DELETE ORGANISATION". After a lost answer it is not sent again, by this client or another
        one with its journal, until `settle` says what became of it."""
        return DsarRequest(**self._native.request_deletion(confirm).wait())

    def requests(self) -> list[DsarRecord]:
        """The requests on record, oldest first."""
        return [DsarRecord._of(each) for each in self._native.requests().wait()]

    def settle(self, id: str, *, carried_out: bool) -> None:
        """Says what became of a request whose state is unknown: a person looked it up."""
        self._native.settle(id, carried_out).wait()

    def close(self) -> None:
        """Closes the journal."""
        self._native.close()

    def __enter__(self) -> MixpeekClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncMixpeekClient(_ClientBase):
    """`MixpeekClient` for asyncio: the same methods, awaited."""

    async def request_export(self) -> DsarRequest:
        return DsarRequest(**await self._native.request_export().spawn())

    async def request_deletion(self, *, confirm: str) -> DsarRequest:
        return DsarRequest(**await self._native.request_deletion(confirm).spawn())

    async def requests(self) -> list[DsarRecord]:
        return [DsarRecord._of(each) for each in await self._native.requests().spawn()]

    async def settle(self, id: str, *, carried_out: bool) -> None:
        await self._native.settle(id, carried_out).spawn()

    async def close(self) -> None:
        self._native.close()

    async def __aenter__(self) -> AsyncMixpeekClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


for _name in ("request_export", "request_deletion", "requests", "settle", "close"):
    getattr(AsyncMixpeekClient, _name).__doc__ = getattr(MixpeekClient, _name).__doc__
