"""The files of one commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from rag.connectors.ignore import IgnoreRules, rules_of
from rag.connectors.repository.program import Git, GitError
from rag.errors import DocumentError

_RULES = ".ragignore"
_LARGEST_RULES = 1_000_000
_LINK, _SUBMODULE = b"120000", b"160000"
_LFS = b"version https://git-lfs.github.com/spec/v1\n"


@dataclass(frozen=True, slots=True)
class Blob:
    """A file of a commit: its path (bytes beyond UTF-8 as surrogates), object id and size."""

    path: str
    id: str
    size: int


@dataclass(slots=True)
class Tree:
    """The files beneath `path` ("" for all) in `commit`, in git's order.

    Hidden names and what `.ragignore` leaves out are passed over, and so are links and
    submodules, which `skipped` counts.
    """

    git: Git
    commit: str
    path: str
    skipped: Counter[str] = field(default_factory=Counter)
    _rules: dict[str, IgnoreRules | None] = field(default_factory=dict)

    def blobs(self) -> Iterator[Blob]:
        """Every file. Raises GitError, also after some were given, and DocumentError."""
        self._rules = self._read_rules()
        for record in self._listed():
            head, _, name = record.partition(b"\t")
            mode, _, identity, size = head.split()
            path = name.decode("utf-8", "surrogateescape")
            hidden = any(part.startswith(".") for part in path[len(self.path) :].split("/"))
            if hidden or self._ignored(path):
                continue
            if mode in {_LINK, _SUBMODULE}:
                self.skipped["symlink" if mode == _LINK else "submodule"] += 1
            else:
                yield Blob(path, identity.decode(), int(size))

    def read(self, blob: Blob) -> bytes:
        """The bytes of a file, from any thread. Raises DocumentError."""
        try:
            data = self.git.output("cat-file", "blob", blob.id)
        except GitError as error:
            raise DocumentError(f"cannot be read from the repository: {error}") from error
        if data.startswith(_LFS):
            raise DocumentError("is a Git LFS pointer; run git lfs pull and index the files")
        return data

    def _listed(self) -> Iterator[bytes]:
        beneath = ("--", self.path) if self.path else ()
        return self.git.records("ls-tree", "-r", "-z", "-l", "--full-tree", self.commit, *beneath)

    def _read_rules(self) -> dict[str, IgnoreRules | None]:
        """The rules of each folder that has a file of them; outer folders come first."""
        names = self.git.records("ls-tree", "-r", "-z", "--full-tree", self.commit)
        found: dict[str, str] = {}
        for record in names:
            head, _, name = record.partition(b"\t")
            folder, _, last = name.decode("utf-8", "surrogateescape").rpartition("/")
            if last == _RULES and head.split()[1] == b"blob":
                found[folder] = head.split()[2].decode()
        rules: dict[str, IgnoreRules | None] = {}
        for folder in sorted(found, key=lambda folder: folder.count("/") + bool(folder)):
            above = next((rules[up] for up in _folders(folder) if up in rules), None)
            data = self.read(Blob(f"{folder}/{_RULES}", found[folder], 0))
            if len(data) > _LARGEST_RULES:
                raise DocumentError(f"'{folder}/{_RULES}' is too long")
            rules[folder] = rules_of(f"/{folder}", [data], above)
        return rules

    def _ignored(self, path: str) -> bool:
        """Whether the file, or a folder that it lies in, is left out."""
        if not self._rules:
            return False
        places = [*reversed(list(_folders(path))), path]
        return any(self._says(place, place != path) for place in places if place)

    def _says(self, place: str, folder: bool) -> bool:
        rules = next((self._rules[up] for up in _folders(place) if up in self._rules), None)
        return rules is not None and rules.ignores(f"/{place}", folder)


def _folders(path: str) -> Iterator[str]:
    """The folders above `path`, innermost first; the last is ""."""
    while path:
        path = path.rpartition("/")[0]
        yield path
