"""A simulated vendor in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Literal

from . import _native
from .mixpanel import Mixpanel, several
from .mixpeek import Mixpeek
from .types import ApiVersion

__all__ = ["Sandbox"]


class Sandbox:
    """A simulated vendor: HTTP on 127.0.0.1, a virtual clock, faults on demand, a ledger of every
    request. Nothing leaves the machine.

    `speed`: "virtual" (time jumps to the next thing due), "real", or how many times faster than
    real time. `state`: a file in which the vendor remembers everything over restarts. Further
    arguments are options of the simulated vendor itself, such as `oauth_token`, `data_groups`,
    `bad_ids` or `dialect`.
    """

    def __init__(
        self,
        port: int = 0,
        speed: Literal["virtual", "real"] | float = "virtual",
        state: str | os.PathLike[str] | None = None,
        *,
        archive_port: int = 0,
        **vendor_options: Any,
    ) -> None:
        if isinstance(speed, str):
            if speed not in ("virtual", "real"):
                raise ValueError('speed is "virtual", "real" or a number')
            factor = None if speed == "virtual" else 1.0
        else:
            factor = float(speed)
        path = None if state is None else os.fspath(state)
        self._native = _native.Sandbox(port, archive_port, factor, path, json.dumps(vendor_options))

    @property
    def base_url(self) -> str:
        """The API, such as http://127.0.0.1:8080/api/app."""
        return self._native.base_url

    @property
    def archive_base_url(self) -> str:
        return self._native.archive_base_url

    def credentials(self) -> dict[str, str]:
        """Addresses and made-up credentials, for other programs."""
        return self._native.credentials()

    def mixpanel(
        self,
        *,
        project_token: str | None = None,
        oauth_token: str | None = None,
        api_version: ApiVersion = "3.0",
        data_groups: int = 0,
        subject_request_ids: bool = False,
        status_callback_urls: Iterable[str] = (),
        archive_secrets: Iterable[str] | None = None,
        archive_hosts: Iterable[str] = (),
        base_url: str | None = None,
    ) -> Mixpanel:
        """A `Mixpanel` that is ready to use this vendor, by this vendor's clock. `base_url`: of
        something on this machine that stands between the two."""
        known = self.credentials()
        secrets = [known["archive_secret"]] if archive_secrets is None else archive_secrets
        native = _native.Mixpanel.simulated(
            self._native,
            known["project_token"] if project_token is None else project_token,
            known["oauth_token"] if oauth_token is None else oauth_token,
            api_version,
            data_groups,
            subject_request_ids,
            several("status_callback_urls", status_callback_urls),
            several("archive_secrets", secrets),
            self.base_url if base_url is None else base_url,
            several("archive_hosts", archive_hosts),
        )
        return Mixpanel._of(native)

    def mixpeek(self, *, api_key: str | None = None, base_url: str | None = None) -> Mixpeek:
        """A `Mixpeek` that is ready to use this vendor, by this vendor's clock. `base_url`: of
        something on this machine that stands between the two."""
        return Mixpeek._of(_native.Mixpeek.simulated(self._native, api_key, base_url))

    def advance(self, days: float = 0, hours: float = 0, seconds: float = 0) -> None:
        """Lets virtual time pass."""
        self._native.advance(round((days * 86_400 + hours * 3_600 + seconds) * 1000))

    def faults(self, faults: Iterable[Mapping[str, Any]]) -> None:
        """Adds faults, such as {"on": "create_deletion", "nth": 2, "kind": "drop_after"}."""
        self._native.faults(json.dumps([dict(fault) for fault in faults]))

    @property
    def callback_key(self) -> str:
        """The public key that status callbacks are signed with."""
        return self._native.callback_key

    def deliver_callbacks(
        self, receiver: Callable[[str, list[tuple[str, str]], bytes], int]
    ) -> list[int]:
        """Makes the status callbacks that are due: calls `receiver` with address, headers and raw
        body of each, and takes what it returns as the HTTP status. One that is not answered with
        202 comes again a quarter of an hour later."""
        answers: list[int] = []
        for call, url, headers, body in self._native.callbacks():
            answers.append(receiver(url, headers, body))
            self._native.callback_answered(call, answers[-1])
        return answers

    def ledger(self) -> list[dict[str, Any]]:
        """Every request that reached the vendor, in order. Holds ids: for tests, never for logs."""
        return self._native.ledger()

    def summary(self) -> dict[str, Any]:
        """The ledger in numbers."""
        return self._native.summary()

    def close(self) -> None:
        """Stops listening."""
        self._native.stop()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<Sandbox>"
