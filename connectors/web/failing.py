"""Why a page was not fetched."""

from __future__ import annotations

from http import HTTPStatus

from rag.errors import DocumentError

_ADVICE = {
    401: "it needs a login",
    403: "it may not be read",
    404: "check the address",
    407: "a proxy asks for a login",
    410: "it is gone for good",
    429: "it asks for fewer requests; raise delay",
}
_GONE = frozenset({404, 410})
_UNAVAILABLE = frozenset({429, 502, 503, 504})


class FetchError(DocumentError):
    """A page could not be fetched. `down` says that its server could not be talked to."""

    def __init__(self, message: str, *, down: bool = False, status: int | None = None) -> None:
        super().__init__(message)
        self.down = down
        self.status = status
        self.url = ""  # where it happened, after redirects

    @property
    def gone(self) -> bool:
        """Whether the server says that there is no such page."""
        return self.status in _GONE

    @property
    def refused(self) -> bool:
        """Whether the server refuses the request as such (4xx), and not for the moment."""
        return self.status is not None and 400 <= self.status < 500 and self.status != 429


class SiteError(FetchError):
    """Nothing of a site may be fetched."""


class PassedError(FetchError):
    """A page that is passed over on purpose; `kind` is what it is counted as."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def answered(status: int) -> FetchError:
    """The error for an HTTP status that is no success."""
    try:
        name = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        name = str(status)
    advice = _ADVICE.get(status, "run again later" if status >= 500 else "check the address")
    down = status in _UNAVAILABLE
    return FetchError(f"answered {name}; {advice}", down=down, status=status)
