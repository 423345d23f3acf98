"""Archives of documents: their members, and the limits on what they may unpack to.

Nothing is ever written under a member's name, and archives within archives are not opened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Literal, Protocol, TypeAlias

from rag.connectors.reading import too_large
from rag.errors import DocumentError

Kind: TypeAlias = Literal["zip", "tar"]

MOST_MEMBERS = 1_000_000
_CHUNK = 1 << 16
# Text packs to a tenth, logs to a fiftieth; what unpacks to 200 times its size is a bomb,
# unless it is small anyway.
_RATIO = 200
_SMALL = 10_000_000
_KINDS: dict[str, Kind] = {
    ".zip": "zip",
    **dict.fromkeys((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz"), "tar"),
}


def archive_kind(name: str) -> Kind | None:
    """The kind of archive that a file of this name is taken for; None for another file."""
    lower = name.lower()
    return next((kind for end, kind in _KINDS.items() if lower.endswith(end)), None)


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive. `number` tells it from others of its name; `size` is declared."""

    name: str
    number: int
    size: int
    state: str
    error: str = ""


class Archive(Protocol):
    """An opened archive."""

    def members(self) -> Iterator[Member]:
        """Its files in the archive's order. Raises DocumentError where it is damaged."""
        ...

    def read(self, member: Member, max_bytes: int) -> bytes:
        """The bytes of a member, from any thread. Raises DocumentError."""
        ...


def contents(archive: Archive, skipped: Counter[str]) -> list[Member]:
    """The files in `archive`, by their path's parts. Raises DocumentError where it is damaged.

    Of several members with one name the last counts, as unpacking would leave it.
    """
    found: dict[str, Member] = {}
    for member in archive.members():
        if len(found) >= MOST_MEMBERS:
            raise DocumentError(f"has more than {MOST_MEMBERS:,} members; split it")
        if found.pop(member.name, None):
            skipped["duplicate"] += 1
        found[member.name] = member
    return sorted(found.values(), key=_order)


def misnamed(name: str) -> str:
    """What is wrong with a member's name; "" where it stays inside the archive."""
    if "\\" in name:
        return "has a backslash in its name; pack the archive again with '/'"
    if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/"):
        return "has a name that leads outside the archive; it is not read"
    return ""


def bomb(size: int, packed: int, limit: int) -> str:
    """What is wrong with `size` bytes out of `packed` ones; "" where it is within bounds."""
    if size > limit:
        return f"unpacks to {size:,} bytes or more, over the limit of {limit:,}; split it"
    if size > _SMALL and size > _RATIO * packed:
        return f"unpacks to more than {_RATIO} times its size, as archive bombs do; it is not read"
    return ""


def read_member(file: IO[bytes], max_bytes: int) -> bytes:
    """All of `file`, counted as it comes, whatever size it declares. Raises DocumentError."""
    data = bytearray()
    while chunk := file.read(_CHUNK):
        data += chunk
        if len(data) > max_bytes:
            raise DocumentError(too_large(len(data), max_bytes))
    return bytes(data)


def _order(member: Member) -> list[bytes]:
    return [part.encode("utf-8", "surrogatepass") for part in member.name.split("/")]
