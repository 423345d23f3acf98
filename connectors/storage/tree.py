"""The files beneath a URL, or the one file that it names."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from rag.connectors.formats.catalogue import by_extension, extension
from rag.connectors.globs import Glob, is_glob
from rag.connectors.ignore import IGNORE_FILES, IgnoreRules, rules_of
from rag.connectors.names import printable
from rag.connectors.reading import too_large
from rag.connectors.storage.entry import Entry, state_of
from rag.connectors.storage.place import Place
from rag.errors import DocumentError, SourceError
from rag.types import Failure

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_Info: TypeAlias = Mapping[str, Any]

_LARGEST_RULES = 1_000_000
_DEEPEST = 100


class Tree:
    """Lists a URL folder by folder, so that memory holds one folder of each level.

    Hidden names, links, and what `.gitignore` and `.ragignore` leave out are passed over. A
    file's state is the first of its ETag, generation or checksum that the file system gives,
    with its size and time; sftp has size and time alone.
    """

    def __init__(self, place: Place, glob: str, max_bytes: int) -> None:
        self.skipped: Counter[str] = Counter()
        self._place = place
        self._glob = Glob(glob) if glob else None
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._unlisted: set[str] = set()
        self._opened: tuple[AbstractFileSystem, str] | None = None

    def entries(self) -> Iterator[Entry | Failure]:
        """Every file, sorted by the parts of its path. Raises SourceError."""
        self._unlisted = {self._place.name}
        self.skipped.clear()
        system, root = self._opened = self._opened or self._place.open()
        system.invalidate_cache()
        try:
            listed = self._list(_listed, root)
        except DocumentError as error:
            raise SourceError(f"cannot list {self._place.name}: {error}") from error
        self._unlisted = set()
        if len(listed) == 1 and _is_file(listed[0]) and _path(listed[0]) == root:
            yield self._entry(root, "", listed[0], given=True)
        else:
            yield from self._matching(self._beneath("", listed, None))

    def covers(self, source: str) -> bool:
        """Whether `source` lies beneath the URL, and not where listing last failed."""
        name = self._place.name
        if source != name and not source.startswith(f"{name}/"):
            return False
        if self._glob and not self._glob.matches(source[len(name) + 1 :]):
            return False
        return not any(
            source == place or source.startswith(f"{place}/") for place in self._unlisted
        )

    def _matching(self, found: Iterator[Entry | Failure]) -> Iterator[Entry | Failure]:
        """What is found; nothing at all is an error where wildcards should have found it."""
        first = next(found, None)
        if first is not None:
            yield first
            yield from found
        elif self._glob:
            name = f"{self._place.name}/{self._glob.pattern}"
            raise SourceError(f"no file matches '{name}'; check the spelling")

    def _beneath(
        self, inside: str, listed: list[_Info], above: IgnoreRules | None
    ) -> Iterator[Entry | Failure]:
        folder = "/".join(filter(None, (self._at()[1], inside)))
        try:
            rules = self._rules(folder, inside, listed, above)
        except DocumentError as error:
            yield self._lost(inside, str(error))
            return
        for info in sorted(listed, key=_order):
            name = _path(info).rpartition("/")[2]
            path = "/".join(filter(None, (inside, name)))
            if _path(info) == folder or not name:
                # A marker for the folder itself, or a key such as `a//b` that has no path.
                self.skipped["unnamed"] += bool(info.get("size"))
            elif not name.startswith("."):
                yield from self._taken(path, info, rules)

    def _taken(
        self, path: str, info: _Info, rules: IgnoreRules | None
    ) -> Iterator[Entry | Failure]:
        folder = info.get("type") == "directory"
        if rules is not None and rules.ignores(f"/{path}", folder):
            return
        if folder:
            if self._glob is None or self._glob.enters(path):
                yield from self._folder(path, info, rules)
        elif not _is_file(info) or info.get("islink"):
            self.skipped["symlink" if info.get("type") == "link" else "special"] += 1
        elif self._glob is None or self._glob.matches(path):
            yield self._entry(_path(info), path, info)

    def _folder(
        self, path: str, info: _Info, rules: IgnoreRules | None
    ) -> Iterator[Entry | Failure]:
        try:
            if path.count("/") >= _DEEPEST:
                raise DocumentError(f"lies over {_DEEPEST} folders deep; name it as a source")
            listed = self._list(_contents, _path(info))
        except DocumentError as error:
            yield self._lost(path, str(error))
        else:
            yield from self._beneath(path, listed, rules)

    def _list(
        self, how: Callable[[AbstractFileSystem, str], list[_Info]], path: str
    ) -> list[_Info]:
        system, _ = self._at()
        try:
            with self._guard(system):
                return how(system, path)
        except Exception as error:  # each file system's library has its own
            raise DocumentError(self._place.told(error)) from error

    def _rules(
        self, folder: str, inside: str, listed: list[_Info], above: IgnoreRules | None
    ) -> IgnoreRules | None:
        there = {_path(info).rpartition("/")[2] for info in listed if _is_file(info)}
        names = [name for name in IGNORE_FILES if name in there]
        texts = [self._read(f"{folder}/{name}", None, _LARGEST_RULES) for name in names]
        return rules_of(f"/{inside}", texts, above)

    def _entry(self, path: str, inside: str, info: _Info, given: bool = False) -> Entry:
        size = info.get("size")
        read = partial(self._read, path, size, self._max_bytes)
        return Entry(self._name(inside), path, size, state_of(info), read, given)

    def _read(self, path: str, size: int | None, max_bytes: int) -> bytes:
        if size == 0:  # a range of nothing is refused by S3
            return b""
        system, _ = self._at()
        try:
            with self._guard(system):
                data: bytes = system.cat_file(path, start=0, end=max_bytes + 1)
        except Exception as error:  # each file system's library has its own
            raise DocumentError(self._place.told(error)) from error
        if len(data) > max_bytes:
            raise DocumentError(too_large(len(data), max_bytes))
        return data

    def _lost(self, inside: str, error: str) -> Failure:
        self._unlisted.add(self._name(inside))
        return Failure(self._name(inside), error)

    def _name(self, inside: str) -> str:
        return f"{self._place.name}/{printable(inside)}" if inside else self._place.name

    def _at(self) -> tuple[AbstractFileSystem, str]:
        assert self._opened is not None, "nothing is read before it is listed"
        return self._opened

    def _guard(self, system: AbstractFileSystem) -> Any:
        """A connection that cannot carry two requests carries one after the other."""
        return nullcontext() if system.async_impl else self._lock


def split(url: str) -> tuple[str, str]:
    """The fixed part of `url`, and the glob beneath it: "" for none."""
    scheme, mark, rest = url.partition("://")
    if not is_glob(rest):
        return url, ""
    glob = Glob(rest)
    return f"{scheme}{mark}{glob.root}", rest[len(glob.root) :].lstrip("/")


def _listed(system: AbstractFileSystem, root: str) -> list[_Info]:
    """What lies in the folder `root`, or the file `root` itself."""
    # Asked for first: a store of objects would list all its neighbours to find it.
    if extension(root) in by_extension() and _is_file(info := _info(system, root)):
        return [info]
    try:
        return _contents(system, root)
    except Exception:  # some servers do not list a file
        if _is_file(info := _info(system, root)):
            return [info]
        raise


def _info(system: AbstractFileSystem, path: str) -> _Info:
    """What is told of `path`: nothing where it is not there, or only listing is allowed."""
    try:
        return dict(system.info(path))
    except Exception:  # noqa: BLE001 - listing then says what is wrong
        return {}


def _contents(system: AbstractFileSystem, folder: str) -> list[_Info]:
    return list(system.ls(folder, detail=True))


def _is_file(info: _Info) -> bool:
    return info.get("type") == "file"


def _path(info: _Info) -> str:
    return str(info["name"]).rstrip("/")


def _order(info: _Info) -> tuple[bytes, bool]:
    name = _path(info).rpartition("/")[2]
    return name.encode("utf-8", "surrogatepass"), not _is_file(info)
