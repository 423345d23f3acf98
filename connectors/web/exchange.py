"""One exchange with a server: what is asked for, within which limits, and what came back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class Limits:
    """How a fetcher behaves: times in seconds, sizes in bytes."""

    max_bytes: int = 50_000_000
    timeout: float = 20.0
    page_seconds: float = 120.0
    delay: float = 1.0
    retries: int = 3
    max_wait: float = 120.0
    user_agent: str = "ragline"


@dataclass(frozen=True, slots=True)
class Ask:
    """What to ask for and what to take.

    `check` is called with each address before it is requested, redirects too, and raises
    FetchError to stop; `conditions` gives headers for an address; `takes` says of an address
    and its media type whether the body is wanted.
    """

    check: Callable[[str], None] = lambda _: None
    conditions: Callable[[str], Mapping[str, str]] = lambda _: {}
    takes: Callable[[str, str], bool] = lambda _, __: True


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page as its server sent it, from `url` after redirects; `status` is 200 or 304."""

    url: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def unchanged(self) -> bool:
        """Whether the conditions held: there is no body."""
        return self.status == NOT_MODIFIED

    @property
    def media_type(self) -> str:
        """Lower case and without parameters; "" where the server says none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """The encoding that the server says; "" where it says none."""
        parameters = self.headers.get("content-type", "").split(";")[1:]
        pairs = (one.partition("=") for one in parameters)
        found = [value for name, _, value in pairs if name.strip().lower() == "charset"]
        return found[0].strip(" \"'") if found else ""
