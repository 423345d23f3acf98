"""What a listing finds: one file that can be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rag.types import Failure

# What file systems call the state of a file, surest first: a checksum or generation, then times.
_STATES = (
    "ETag", "etag", "generation", "md5Hash", "content_md5", "version_id",
    "LastModified", "last_modified", "updated", "mtime", "modify", "modified", "created",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A file. `state` changes whenever its bytes may have; "" where that cannot be told.

    `read` raises DocumentError; the extension of `path`, its name as it is kept, decides the
    format; `given` is true for what the user named himself.
    """

    source: str
    path: str
    size: int | None
    state: str
    read: Callable[[], bytes]
    given: bool = False


class Listing(Protocol):
    """The files of one place. `skipped` counts what was passed over, by kind."""

    skipped: Counter[str]

    def entries(self) -> Iterator[Entry | Failure]:
        """Every file in a stable order. Raises SourceError."""
        ...

    def covers(self, source: str) -> bool:
        """Whether `source` would be listed if it existed, after the last listing."""
        ...


def state_of(info: Mapping[str, Any]) -> str:
    """The state of a file by what its file system tells; "" where it tells nothing."""
    told = [str(info[key]) for key in _STATES if info.get(key)]
    return "-".join((str(info.get("size")), *told)) if told else ""
