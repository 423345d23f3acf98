"""Whether the files that documents were read from are still as they were."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from rag.connectors.names import is_elsewhere, source_path
from rag.errors import RagError

if TYPE_CHECKING:
    from rag.store.rows import Known
    from rag.types import Document

State: TypeAlias = Literal["fresh", "changed", "touched", "gone", "unchecked"]

# How the versions of files begin: size, times of change, number. What was written just before
# it was indexed has no version: see `rag.connectors.files`.
_VERSION = re.compile(r"(\d+)-\d+-\d+-\d+(?=-)")
# A file's bytes that are read while somebody waits for an answer.
_SHORT = 1_000_000


class Freshness:
    """Tells what became of the files that an index names; threads may share it.

    A file whose size, times and number are as they were is taken for unchanged without being
    opened, and one with another size for changed. Anything else is read by `load` and compared,
    once for as long as it stays so; `base` is what the names of files are relative to. Nothing
    is opened but the file that the index names, and no file behind a link that has changed.
    """

    def __init__(self, base: Path, load: Callable[[str], Document]) -> None:
        self._base = base
        self._load = load
        self._read: dict[tuple[str, str, str], State] = {}

    def state(self, known: Known, *, thorough: bool = True) -> State:
        """What became of a document's source since it was indexed.

        `touched`: it may have changed, and is too long to be read unless `thorough`. `unchecked`:
        it is no file, or none that can be looked at.
        """
        found = _VERSION.match(known.version)
        path = source_path(known.source, self._base)
        # A name that leads up again is none that a source is given.
        odd = is_elsewhere(known.source) or os.path.normpath(path) != path
        if odd or (known.version and found is None):
            return "unchecked"
        try:
            status = Path(path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return "gone" if found else "unchecked"
        except (OSError, ValueError):
            return "unchecked"
        return self._against(known, path, status, thorough)

    def _against(self, known: Known, path: str, status: os.stat_result, thorough: bool) -> State:
        """What a file is now, against what it was."""
        found = _VERSION.match(known.version)
        now = f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_ino}"
        if found and found[0] == now:
            return "fresh"
        readable = stat.S_ISREG(status.st_mode) and not _is_linked(path, self._base)
        if found and (not readable or int(found[1]) != status.st_size):
            return "changed"
        if not readable:
            return "unchecked"
        return self._compared(known, path, now, thorough or status.st_size <= _SHORT)

    def _compared(self, known: Known, path: str, now: str, may_read: bool) -> State:
        """What a file says now, against what it said."""
        key = (path, now, known.content_hash)
        if key in self._read:
            return self._read[key]
        if not may_read:
            return "touched"
        try:
            same = self._load(path).content_hash == known.content_hash
        except RagError:
            same = False
        self._read[key] = "fresh" if same else "changed"
        return self._read[key]


def _is_linked(path: str, base: Path) -> bool:
    """Whether a link leads to `path`, other than one above `base`."""
    root = os.path.abspath(base)  # noqa: PTH100 - resolve() would follow the links
    if not path.startswith(f"{root}/"):
        return Path(path).is_symlink()
    return os.path.realpath(path) != os.path.realpath(root) + path.removeprefix(root)
