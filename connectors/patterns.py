"""Paths and globs as people give them: which files they mean, and whether they would mean one."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from rag.connectors.globs import Glob, is_glob
from rag.connectors.names import absolute, printable
from rag.errors import SourceError


class Patterns:
    """Paths, some of them globs: `*`, `?`, `[a-z]` within a name, `**` for any folders.

    What exists under a name with wildcards is meant itself.
    """

    def __init__(self, given: Sequence[str | Path]) -> None:
        self._given = [absolute(path) for path in given]

    def paths(self) -> list[Path]:
        """What they mean now, each once, in a stable order. Raises SourceError for what is none."""
        found = [path for pattern in self._given for path in _found(pattern)]
        return list(dict.fromkeys(found))

    def match(self, path: Path) -> bool:
        """Whether they would mean the absolute `path`, if it existed."""
        return any(path == pattern or _glob(pattern).names(str(path)) for pattern in self._given)

    def hold(self, path: Path) -> bool:
        """Whether they would mean `path`, or a folder above it."""
        return any(
            path.is_relative_to(pattern) or _glob(pattern).matches(str(path))
            for pattern in self._given
        )


@cache
def _glob(pattern: Path) -> Glob:
    return Glob(str(pattern))


def _found(pattern: Path) -> list[Path]:
    if pattern.exists():
        return [pattern]
    if not is_glob(str(pattern)):
        raise SourceError(
            f"no such file or folder: '{printable(str(pattern))}'; check the spelling"
        )
    found = sorted(glob.glob(str(pattern), recursive=True))  # noqa: PTH207 - its rules for dots
    if not found:
        raise SourceError(f"no file matches '{printable(str(pattern))}'; check the spelling")
    return [Path(path) for path in found]
