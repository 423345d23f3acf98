"""Which documents of an index a person means."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from rag.connectors.names import is_elsewhere, source_name

_PATTERN = frozenset("*?[")


def matcher(name: str, base: Path) -> Callable[[str], bool]:
    """Whether an id or source is the one that `name` means.

    That is itself, what lies in the folder, archive, mailbox or other source that it names, or
    what its pattern fits; paths are as seen from the current folder, or as the index calls them.
    An empty name means nothing.
    """
    if not name.strip():  # a script's variable without a value, and no word for everything
        return lambda _: False
    names = {name.rstrip("/")}
    if not is_elsewhere(name):
        names.add(source_name(name, base))
    patterns = [one for one in names if _PATTERN & set(one)]

    def fits(source: str) -> bool:
        inside = any(source == one or _holds(one, source) for one in names)
        return inside or any(fnmatchcase(source, pattern) for pattern in patterns)

    return fits


def _holds(name: str, source: str) -> bool:
    """Whether `source` lies in `name`: `mail:a.mbox#1` in `mail:a.mbox`, `zip://x::a.zip` in a.zip.

    The name of a file may have these marks in it and mean nothing by them.
    """
    if source.startswith(f"{name}/"):
        return True
    return is_elsewhere(source) and (source.startswith(f"{name}#") or source.endswith(f"::{name}"))


def nearest(name: str, sources: Sequence[str]) -> list[str]:
    """A few sources that `name` may have meant: those that have it in them, and those like it."""
    inside = [source for source in sources if name.lower() in source.lower()][:3]
    near = difflib.get_close_matches(name, sources, n=3, cutoff=0.3)
    return list(dict.fromkeys([*inside, *near]))


def no_document(name: str, sources: Sequence[str]) -> str:
    """What to say where `name` is none of `sources`: with those that are nearly called so."""
    hint = ", ".join(nearest(name, sources))
    return f"no document '{name}' in the index" + (f"; did you mean {hint}?" if hint else "")
