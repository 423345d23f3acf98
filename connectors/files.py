"""Files and folders on disk as a source of documents."""

from __future__ import annotations

import os
import stat
import time
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from copy import copy
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from rag.connectors.formats.catalogue import by_extension, extension, unread
from rag.connectors.formats.format import Format, Parse
from rag.connectors.globs import Selection, is_glob
from rag.connectors.ignore import IGNORE_FILES
from rag.connectors.names import (
    absolute,
    is_elsewhere,
    readable_stem,
    source_name,
    source_path,
)
from rag.connectors.parsing.here import parse_here
from rag.connectors.reading import read_bytes, reason, too_large
from rag.connectors.walk import Found, Unreadable, Walk, is_within
from rag.errors import SourceError
from rag.types import Document, Failure, Item

# Two changes within one tick of a file system's clock leave the same time behind, and a server's
# clock may be ahead of ours: what was changed just now, or later, may change again unseen.
_TICK = 50_000_000


class FilesConnector:
    """Lists files, and those beneath folders, whose extension a registered format reads.

    A path that does not exist and has wildcards (`docs/**/*.md`) takes the files that match,
    and those beneath the folders that match.

    Hidden names and what `.gitignore` or `.ragignore` leave out (each for its own folder and
    below) are passed over inside folders; what is given by name is always taken. Names of
    sources are relative to `base` where inside it, else absolute. `skipped` counts, after
    `items()`, the files not taken: by extension, and as `symlink` or `special`.

    Raises SourceError where a path does not exist, or a path with wildcards matches nothing.
    """

    given: ClassVar[frozenset[str]] = frozenset({"base", "parse"})

    def __init__(
        self,
        *,
        paths: Sequence[str | Path],
        max_bytes: Annotated[int, Field(ge=1)] = 100_000_000,
        base: Path | None = None,
        parse: Parse = parse_here,
    ) -> None:
        if not paths:
            raise SourceError("no source is given; name a file or a folder")
        missing = [path for path in paths if not os.path.lexists(path)]
        if nowhere := [path for path in missing if not is_glob(str(path))]:
            raise SourceError(_no_such(nowhere))
        there = [str(absolute(path)) for path in paths if path not in missing]
        self._selection = Selection(there, [str(absolute(path)) for path in missing])
        if fruitless := self._selection.fruitless():
            raise SourceError(_matchless(fruitless))
        self._roots = sorted(self._selection.roots, key=lambda path: os.fsencode(path).split(b"/"))
        self._base = base
        self._parse = parse
        self._max_bytes = max_bytes
        self._only: Set[str] | None = None
        self._unlisted: set[str] = set()
        self.skipped: Counter[str] = Counter()

    @property
    def roots(self) -> Set[str]:
        """Absolute paths of what it was given; of a glob, the folder that it begins with."""
        return self._selection.roots

    def narrowed(self, changed: Set[str]) -> FilesConnector | None:
        """This connector for what lies at or beneath the absolute paths `changed` alone.

        None where that would not tell everything: where a file of ignore rules is among them,
        or something outside the given paths.
        """
        inside = all(is_within(path, self.roots) for path in changed)
        if not inside or any(Path(path).name in IGNORE_FILES for path in changed):
            return None
        part = copy(self)
        part._only = changed
        return part

    def items(self) -> Iterator[Item | Failure]:
        """Every file, sorted by path within each root; what cannot be listed is a Failure."""
        self._unlisted = set()
        self.skipped = Counter()
        walk = Walk(self.roots, self.skipped, self._only, self._selection.enters)
        for root in filter(walk.concerns, self._roots):
            try:
                status = Path(root).stat()
            except OSError as error:
                dangling = isinstance(error, FileNotFoundError) and os.path.lexists(root)
                told = "is a link that leads nowhere; mend it" if dangling else reason(error)
                yield self._unreadable(Unreadable(root, told))
                continue
            if stat.S_ISDIR(status.st_mode):
                yield from self._beneath(walk, root)
            elif self._selection.takes(root):
                yield self._given(root, status)
            else:
                yield self._unreadable(Unreadable(root, "is no folder any more; run again"))

    def covers(self, source: str) -> bool:
        """Whether `source` lies under the given paths, and not where listing last failed."""
        if is_elsewhere(source):
            return False
        path = source_path(source, self._base)
        if self._only is not None and not is_within(path, self._only):
            return False
        return self._selection.takes(path) and not is_within(path, self._unlisted)

    def _beneath(self, walk: Walk, root: str) -> Iterator[Item | Failure]:
        for step in walk.folder(root):
            if isinstance(step, Unreadable):
                yield self._unreadable(step)
            elif not self._selection.takes_beneath(step.path):
                continue
            elif (reader := by_extension().get(extension(step.path))) is not None:
                yield self._item(step, reader)
            else:
                self.skipped[extension(step.path)] += 1

    def _given(self, path: str, status: os.stat_result) -> Item | Failure:
        if not stat.S_ISREG(status.st_mode):
            return Failure(self._name(path), "is not a regular file; name a file or a folder")
        reader = by_extension().get(extension(path))
        if reader is None:
            return Failure(self._name(path), unread(path))
        return self._item(Found(path, status), reader)

    def _item(self, found: Found, reader: Format) -> Item | Failure:
        name = self._name(found.path)
        status = found.status
        if status.st_size > self._max_bytes:
            return Failure(name, too_large(status.st_size, self._max_bytes))
        state = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        version = "-".join(map(str, (*state, reader.name, reader.version)))
        if time.time_ns() - status.st_mtime_ns < _TICK:
            version = ""
        load = partial(self._load, found.path, name, reader)
        return Item(name, name, version, load, status.st_size)

    def _unreadable(self, step: Unreadable) -> Failure:
        self._unlisted.add(step.path)
        return Failure(self._name(step.path), step.error)

    def _name(self, path: str) -> str:
        return source_name(path, self._base)

    def _load(self, path: str, name: str, reader: Format) -> Document:
        parsed = self._parse(reader, read_bytes(Path(path), self._max_bytes), name)
        title = parsed.title or readable_stem(path)
        metadata = {**parsed.metadata, "format": reader.name.lower()}
        return Document(name, name, parsed.text, title, parsed.blocks, metadata)


def _no_such(paths: Sequence[str | Path]) -> str:
    return f"no such file or folder: {_names(paths)}; check the spelling"


def _matchless(globs: Sequence[str]) -> str:
    return f"no file matches {_names(globs)}; check the spelling"


def _names(paths: Sequence[str | Path]) -> str:
    # The name of "" would be that of the current folder.
    shown = (source_name(path, Path.cwd()) if str(path) else "" for path in paths)
    return ", ".join(f"'{name}'" for name in dict.fromkeys(shown))
