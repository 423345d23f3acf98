"""Walking folders: files in a stable order, without loops and without leaving the sources."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

from rag.connectors.ignore import IgnoreRules, ignore_rules
from rag.connectors.reading import reason

# The second is what Office leaves beside a document that somebody has open.
_HIDDEN = (".", "~$")


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file, by absolute path, with what `stat` says of it."""

    path: str
    status: os.stat_result


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file or folder that could not be looked at: nothing is known of it or beneath it."""

    path: str
    error: str


_Identity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    rules: IgnoreRules | None = None
    identity: _Identity | None = None
    above: _Folder | None = None

    def lies_within(self, identity: _Identity) -> bool:
        """Whether the folder of that identity is this one or above it on the way here."""
        folder: _Folder | None = self
        while folder is not None and folder.identity != identity:
            folder = folder.above
        return folder is not None


@dataclass(slots=True)
class Walk:
    """One pass over `roots`, absolute paths given by the user.

    Hidden names, names that ignore files leave out, and special files are passed over; links
    are followed where they lead to something within the roots. A root inside another is listed
    by itself alone. `skipped` counts links and special files not taken. With `only` nothing is
    looked at but those paths and what lies beneath them; `enters` says which folders may hold
    anything that is wanted.
    """

    roots: Set[str]
    skipped: Counter[str] = field(default_factory=Counter)
    only: Set[str] | None = None
    enters: Callable[[str], bool] = lambda _: True
    _above: frozenset[str] = frozenset()
    _linked: set[_Identity] = field(default_factory=set)
    _real_roots: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._real_roots = frozenset(os.path.realpath(root) for root in self.roots)
        self._above = frozenset(str(up) for path in self.only or () for up in Path(path).parents)

    def concerns(self, path: str) -> bool:
        """Whether the absolute `path` is looked at, or leads to one that is."""
        return self.only is None or path in self._above or is_within(path, self.only)

    def folder(self, root: str) -> Iterator[Found | Unreadable]:
        """Everything beneath the folder `root`, in the order of its path's parts, as bytes."""
        # A stack of our own, because folders nest deeper than Python calls do.
        stack = [self._open(_Folder(root))]
        while stack:
            step = next(stack[-1], None)
            if step is None:
                stack.pop()
            elif isinstance(step, _Folder):
                stack.append(self._open(step))
            else:
                yield step

    def _open(self, folder: _Folder) -> Iterator[Found | Unreadable | _Folder]:
        try:
            status = Path(folder.path).stat()
            rules = ignore_rules(folder.path, folder.rules)
            with os.scandir(folder.path) as entries:
                listed = sorted(entries, key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            yield Unreadable(folder.path, reason(error))
            return
        identity = (status.st_dev, status.st_ino)
        here = _Folder(folder.path, rules, identity, folder.above)
        for entry in listed:
            hidden = entry.name.startswith(_HIDDEN)
            if not hidden and entry.path not in self.roots and self.concerns(entry.path):
                yield from self._entry(entry, here)

    def _entry(
        self, entry: os.DirEntry[str], parent: _Folder
    ) -> Iterator[Found | Unreadable | _Folder]:
        try:
            if entry.is_symlink() and not self._leads_inside(entry.path):
                self.skipped["symlink"] += 1
                return
            status = entry.stat()
        except OSError as error:
            yield Unreadable(entry.path, reason(error))
            return
        is_folder = stat.S_ISDIR(status.st_mode)
        if parent.rules is not None and parent.rules.ignores(entry.path, is_folder):
            return
        if is_folder:
            if self.enters(entry.path) and self._enters(entry, status, parent):
                yield _Folder(entry.path, parent.rules, above=parent)
        elif stat.S_ISREG(status.st_mode):
            yield Found(entry.path, status)
        else:
            self.skipped["special"] += 1

    def _leads_inside(self, link: str) -> bool:
        target = os.path.realpath(link)
        if not Path(target).exists():
            return False
        return is_within(target, self._real_roots)

    def _enters(self, entry: os.DirEntry[str], status: os.stat_result, parent: _Folder) -> bool:
        """Whether to descend: a linked folder is entered once, and never from within itself."""
        if not entry.is_symlink():
            return True
        identity = (status.st_dev, status.st_ino)
        if parent.lies_within(identity) or identity in self._linked:
            self.skipped["symlink"] += 1
            return False
        self._linked.add(identity)
        return True


def is_within(path: str, folders: Set[str]) -> bool:
    """Whether the absolute `path` is one of `folders` or lies beneath one."""
    # Plain string work: an update asks this of every document in an index.
    while path not in folders:
        above = path.rpartition("/")[0] or "/"
        if above == path:
            return False
        path = above
    return True
