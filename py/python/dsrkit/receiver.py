"""Where status callbacks arrive: an ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from . import errors
from ._aio import AsyncClient
from ._callback import receive as hear, verify_callback
from ._client import Client

__all__ = ["CallbackReceiver"]

_MOST = 64 << 10
# Seconds; a run looks at one task no more than once a minute, either.
_LATER = b"60"

Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]


class CallbackReceiver:
    """An ASGI application that receives status callbacks for a client; mount it in a web framework.

        app.mount("/mixpanel", dsrkit.CallbackReceiver(client, public_key, url))

    `url` is the address that the vendor was given, as the vendor knows it. Answers 202 for what is
    the vendor's, 403 for what is not, and 503 with a `Retry-After` while it cannot be written
    down: the vendor calls again. Answers hold no text."""

    def __init__(self, client: AsyncClient | Client, public_key: str, url: str) -> None:
        self._client = client
        self._key = public_key
        self._url = url

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError("callbacks come by HTTP")
        status = await self._answer(scope, receive)
        headers = [(b"content-length", b"0")]
        if status == 503:
            headers.append((b"retry-after", _LATER))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _answer(self, scope: dict[str, Any], receive: Receive) -> int:
        if scope["method"] != "POST":
            return 405
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return 400
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > _MOST:
                return 413
        try:
            verify_callback(bytes(body), scope["headers"], self._key, url=self._url)
        except errors.InvalidInputError:
            return 403
        try:
            await hear(
                self._client._native, bytes(body), scope["headers"], self._key, self._url
            ).spawn()
        except errors.DsrError:
            return 503
        return 202

    def __repr__(self) -> str:
        return "<CallbackReceiver>"


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
