"""Credentials and limits of a Mixpanel project.

What the texts of dsrkit say of this vendor, and where it is from. *Documented*: Mixpanel says it, in
the reference of its GDPR API (an OpenAPI document goes with it), its privacy pages, or the page about
status callbacks. *Observed*: others' working clients read it, or their incident reports tell it.
*Assumed*: nothing public was found, and a setting or a second try covers the other case.

- One request a second for each project, over all kinds of calls: documented.
- At most 2,000 ids in a retrieval, `floor(2000 / (data_groups + 1))` in a deletion and 1,999 without
  groups: documented. In which words a larger one is refused: assumed (400 or 413).
- About five years of days of events may be outstanding for retrievals, one for each day since the
  project's first event, and "retrying for several hours might be necessary": documented. That both
  refusals for pace and for this are 429 without a Retry-After: documented and observed. What a
  retrieval under CCPA counts: assumed (its 365 days).
- A deletion takes up to 30 days, a retrieval up to weeks, its link lives 14 days: documented.
- A task can be cancelled while it is PENDING or STAGING, then 405: documented.
- An id that is being deleted already refuses the whole request with 409, which names ids and tasks:
  observed, in 2026. That retrievals know no such thing: observed.
- The OAuth token belongs to an owner or admin of the project and lives one year: documented.
- Archives are zips encrypted with the project's API secret: documented with version 2.0. By which
  cipher: observed (ZipCrypto; AES opens, too). What lies in them: assumed, hence kept byte for byte.
- A deletion does not reach what was exported to a warehouse: documented.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from . import errors
from ._native import Mixpanel as Native
from .types import ApiVersion, Region

__all__ = ["Mixpanel"]

_PREFIX = "DSRKIT_MIXPANEL"


class Mixpanel:
    """A Mixpanel project. Holds credentials and limits and does no I/O; never shows a token.

    `project_token` names the project. `oauth_token` belongs to a project owner or admin and lives
    one year. `archive_secrets` are candidates for the secret that opens archives (the project's
    API secret), tried in order. `data_groups` is the number of group analytics keys of the
    project: a deletion request holds floor(2000 / (data_groups + 1)) ids, 1999 without groups.
    `subject_request_ids` sends a UUID of ours with each request, which the vendor echoes: only for
    projects that have status callbacks enabled. `status_callback_urls` (https, at most five) asks the
    vendor to tell the status there too, see `dsrkit.CallbackReceiver`. `base_url` is for another
    residency, a proxy or the sandbox and overrides `region`. `api_version="2.0"` is the older API:
    GDPR only, one person per retrieval, retrievals can be cancelled; a journal belongs to one
    version.
    """

    __slots__ = ("_native",)

    _native: Native

    def __init__(
        self,
        project_token: str,
        oauth_token: str,
        *,
        region: Region = "us",
        api_version: ApiVersion = "3.0",
        data_groups: int = 0,
        subject_request_ids: bool = False,
        status_callback_urls: Iterable[str] = (),
        archive_secrets: Iterable[str] = (),
        base_url: str | None = None,
        archive_hosts: Iterable[str] = (),
    ) -> None:
        native = Native(
            project_token,
            oauth_token,
            region,
            api_version,
            data_groups,
            subject_request_ids,
            several("status_callback_urls", status_callback_urls),
            several("archive_secrets", archive_secrets),
            base_url,
            several("archive_hosts", archive_hosts),
        )
        object.__setattr__(self, "_native", native)

    @classmethod
    def from_env(
        cls,
        *,
        api_version: ApiVersion = "3.0",
        data_groups: int = 0,
        subject_request_ids: bool = False,
        status_callback_urls: Iterable[str] = (),
        archive_hosts: Iterable[str] = (),
    ) -> Mixpanel:
        """Reads DSRKIT_MIXPANEL_PROJECT_TOKEN, _OAUTH_TOKEN, _REGION, _ARCHIVE_SECRET and
        _BASE_URL. Each may be given as a file's name in a variable ending in _FILE instead."""
        secret = _variable("ARCHIVE_SECRET")
        return cls(
            _required("PROJECT_TOKEN"),
            _required("OAUTH_TOKEN"),
            region=_variable("REGION") or "us",  # type: ignore[arg-type] # the core checks it
            api_version=api_version,
            data_groups=data_groups,
            subject_request_ids=subject_request_ids,
            status_callback_urls=status_callback_urls,
            archive_secrets=[] if secret is None else [secret],
            base_url=_variable("BASE_URL"),
            archive_hosts=archive_hosts,
        )

    @classmethod
    def _of(cls, native: Native) -> Mixpanel:
        project = cls.__new__(cls)
        object.__setattr__(project, "_native", native)
        return project

    @property
    def region(self) -> Region | None:
        """Where the project's data lives; None with a `base_url`."""
        return self._native.region

    @property
    def base_url(self) -> str:
        return self._native.base_url

    @property
    def retrieval_limit(self) -> int:
        """The most ids of one retrieval request."""
        return self._native.max_ids("retrieval")

    @property
    def deletion_limit(self) -> int:
        """The most ids of one deletion request."""
        return self._native.max_ids("deletion")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} cannot be set: make another Mixpanel")

    def __copy__(self) -> Mixpanel:
        return self

    def __deepcopy__(self, memo: object) -> Mixpanel:
        return self

    def __reduce__(self) -> str:
        raise TypeError("a Mixpanel holds tokens: make one in the process that needs it")

    def __repr__(self) -> str:
        return f"Mixpanel(<project token>, <OAuth token>, base_url={self.base_url!r})"


def several(name: str, values: Iterable[str]) -> list[str]:
    """A list of texts; a bare text would be taken apart into its characters."""
    if isinstance(values, (str, bytes)):
        raise TypeError(f"{name} is a list of texts, not one text; write [{name[:-1]}]")
    return list(values)


def _variable(name: str) -> str | None:
    name = f"{_PREFIX}_{name}"
    value, file = os.environ.get(name), os.environ.get(f"{name}_FILE")
    if value and file:
        raise errors.ConfigError(f"both {name} and {name}_FILE are set; keep one")
    if not file:
        return value or None
    try:
        with open(file, encoding="utf-8") as opened:
            # One line end belongs to the file, not to the secret.
            return opened.read().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise errors.ConfigError(f"{name}_FILE cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise errors.ConfigError(f"{name}_FILE is not text") from None


def _required(name: str) -> str:
    value = _variable(name)
    if value is None:
        raise errors.ConfigError(f"{_PREFIX}_{name} (or {_PREFIX}_{name}_FILE) is not set")
    return value
