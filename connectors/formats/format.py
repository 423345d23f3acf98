"""What a file format promises, and what it makes of a file's bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from rag.types import NO_METADATA, Block, Metadata


@dataclass(frozen=True, slots=True)
class Parsed:
    """The readable text of a file. Blocks ascend and do not overlap; `title` may be empty."""

    text: str
    title: str = ""
    blocks: tuple[Block, ...] = ()
    metadata: Metadata = field(default_factory=lambda: NO_METADATA)


@runtime_checkable
class Format(Protocol):
    """One file format, registered under the entry-point group `rag.formats`.

    `name` is how people call the format, `extensions` are lower case with their dot,
    `media_types` are lower case without parameters, and `version` changes whenever the same
    bytes come to be parsed differently.
    """

    name: str
    extensions: tuple[str, ...]
    media_types: tuple[str, ...]

    @property
    def version(self) -> int | str:
        """Another value than before where the same bytes come to be parsed differently."""
        ...

    def parse(self, data: bytes, name: str) -> Parsed:
        """Read a whole file whose source name is `name`. Raises DocumentError."""
        ...


Parse: TypeAlias = Callable[[Format, bytes, str], Parsed]
"""Runs a format on bytes, here or in another process; the last is the source's name."""
