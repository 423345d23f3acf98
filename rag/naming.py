"""Which documents of an index a person means."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

from rag.connectors.names import is_elsewhere, source_name

_PATTERN = frozenset("*?[")


def matcher(name: str, base: Path) -> Callable[[str], bool]:
    """Whether an id or source is the one that `name` means.

    That is itself, what lies in the folder that it names, or what its pattern fits; paths are
    as seen from the current folder, or as the index calls them.
    """
    names = {name.rstrip("/")}
    if not is_elsewhere(name):
        names.add(source_name(name, base))
    patterns = [one for one in names if _PATTERN & set(one)]

    def fits(source: str) -> bool:
        inside = any(source == one or source.startswith(f"{one}/") for one in names)
        return inside or any(fnmatchcase(source, pattern) for pattern in patterns)

    return fits
