"""Generations: the derived indexes of one published state, in a folder that never changes.

A generation is written under another name, made durable, renamed into place, and becomes the
published one when the transaction that names it commits. Until then the former one stands.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten

from rag.errors import IndexDamagedError, RagError, StoreError
from rag.protocols import Ids, LexicalEngine, LexicalEntry, LexicalIndex
from rag.store.database import disk_full
from rag.store.dense import DenseEngine, DenseEntries, DenseIndex
from rag.store.fields import Fields
from rag.store.folders import make_durable, publish
from rag.store.nearest import Nearest
from rag.store.places import Places
from rag.store.salvage import salvage

_MANIFEST = "manifest.json"
_REPAIR = "run 'rag repair'"
# Bytes; with less than this an engine that failed is taken to have failed for want of space.
_LEAST_SPACE = 8_000_000
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit does to the derived indexes."""

    deleted: Ids
    entries: Iterable[LexicalEntry]
    vectors: DenseEntries | None
    passages: int


class Generations:
    """The generations of one index, below `folder`."""

    def __init__(
        self, folder: Path, lexical: LexicalEngine | None, dense: DenseEngine | bool
    ) -> None:
        self.folder = folder
        self._lexical = lexical
        self._dense = DenseEngine() if dense is True else dense or None

    def path(self, number: int) -> Path:
        """Where generation `number` is."""
        return self.folder / f"{number:08d}"

    def build(self, old: int, new: int, change: Change) -> None:
        """Write generation `new` from `old` (0: from nothing) and put it in its place."""
        draft = self.folder / "draft"
        self.folder.mkdir(exist_ok=True)
        shutil.rmtree(draft, ignore_errors=True)
        # Left by a process that was stopped after the rename and before its commit.
        shutil.rmtree(self.path(new), ignore_errors=True)
        draft.mkdir()
        try:
            with _space_checked(self.folder):
                self._fill(draft, self.path(old) if old else None, change)
                make_durable(draft)
                publish(draft, self.path(new))
        except BaseException as error:
            shutil.rmtree(draft, ignore_errors=True)
            foreign = isinstance(error, Exception) and not isinstance(error, RagError)
            if foreign and old and any(self.damaged(old)):
                raise _unusable(self.path(old), error) from error
            raise

    def _fill(self, draft: Path, old: Path | None, change: Change) -> None:
        if self._lexical is not None:
            before = old / "lexical" if old else None
            self._lexical.update(before, draft / "lexical", change.deleted, change.entries)
        if self._dense is not None and change.vectors is not None:
            before = old / "dense" if old else None
            self._dense.update(before, draft / "dense", change.deleted, change.vectors)
        known = _checksums(old) if old else {}
        files = {name: _record(draft, old, name, known) for name in _files(draft)}
        manifest = {"passages": change.passages, "files": files}
        (draft / _MANIFEST).write_text(json.dumps(manifest, indent=1))

    def open(self, number: int, passages: int, languages: Sequence[str]) -> Generation:
        """Open a generation. Raises IndexDamagedError where its files contradict its record."""
        path = self.path(number)
        try:
            self._check_sizes(path)
            lexical = self._lexical.open(path / "lexical") if self._lexical else None
            dense = self._dense.open(path / "dense") if self._dense else None
            # An engine may open without a file that was removed meanwhile.
            (path / _MANIFEST).stat()
        except PermissionError as error:
            raise StoreError(
                f"'{error.filename}' cannot be read: permission denied; give yourself leave to "
                "read it"
            ) from error
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise _unusable(path, error) from error
        for name, index in (("lexical", lexical), ("dense", dense)):
            if index is not None and len(index) != passages:
                raise IndexDamagedError(
                    f"the {name} index in '{path}' holds {len(index)} passages and should hold "
                    f"{passages}: {_REPAIR}"
                )
        return Generation(number, lexical, dense, languages)

    def open_vectors(self, number: int) -> DenseIndex:
        """The vectors of a generation, which cannot be searched. Raises IndexDamagedError."""
        assert self._dense is not None
        path = self.path(number)
        try:
            self._check_sizes(path)
            return self._dense.open_vectors(path / "dense")
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise _unusable(path, error) from error

    def salvaged(self, number: int) -> DenseIndex | None:
        """The vectors of a generation whose files are as they were written; None without any."""
        path = self.path(number)
        try:
            recorded = _checksums(path)
        except (OSError, ValueError, KeyError):
            return None
        intact = {
            name.removeprefix("dense/")
            for name, (_, checksum) in recorded.items()
            if name.startswith("dense/") and _is_intact(path / name, checksum)
        }
        return salvage(path / "dense", intact)

    def _check_sizes(self, path: Path) -> None:
        for name, (size, _) in _checksums(path).items():
            found = (path / name).stat().st_size
            if found != size:
                raise ValueError(f"{name} has {found} bytes, not {size}")

    def damaged(self, number: int) -> Iterator[str]:
        """One line for each file of a generation whose bytes are not what was written."""
        path = self.path(number)
        try:
            recorded = _checksums(path)
        except (OSError, ValueError, KeyError) as error:
            yield f"{path}/manifest.json cannot be read ({_first_line(error)})"
            return
        for name, (_, checksum) in recorded.items():
            file = path / name
            if not file.is_file():
                yield f"{file} is missing"
            elif not _is_intact(file, checksum):
                yield f"{file} is not what was written"

    def remove_others(self, *kept: int) -> None:
        """Delete every generation but `kept`, and what an interrupted build left."""
        if not self.folder.is_dir():
            return
        names = {self.path(number).name for number in kept}
        for path in list(self.folder.iterdir()):
            if path.name not in names:
                _remove(path)


@dataclass(frozen=True, slots=True)
class Generation:
    """The opened indexes of one published state, and what is found out once about it.

    `fields` keeps the values that filters read, and `selected` the documents that they selected,
    by how the filters write themselves: a backend asks with the same ones. `places` keeps where
    passages stand. `nearest` searches the dense index.
    """

    number: int
    lexical: LexicalIndex | None
    dense: DenseIndex | None
    languages: Sequence[str]
    fields: Fields = field(default_factory=Fields)
    selected: dict[str, Ids] = field(default_factory=dict)
    places: Places = field(default_factory=Places)
    nearest: Nearest | None = field(init=False)

    def __post_init__(self) -> None:
        nearest = None if self.dense is None else Nearest(self.dense)
        object.__setattr__(self, "nearest", nearest)


def _remove(path: Path) -> None:
    """Delete a generation, all of it at once for whoever is opening it."""
    gone = path.with_suffix(".gone")
    with suppress(OSError):
        path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _checksums(path: Path) -> dict[str, tuple[int, str]]:
    record = json.loads((path / _MANIFEST).read_text())
    try:
        return {name: (size, checksum) for name, (size, checksum) in record["files"].items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("manifest.json lists no files") from error


def _record(
    draft: Path, old: Path | None, name: str, known: dict[str, tuple[int, str]]
) -> tuple[int, str]:
    """Size and checksum of a file; one that is linked from `old` is not read again."""
    file = draft / name
    if old is not None and name in known and (old / name).samefile(file):
        return known[name]
    return file.stat().st_size, _sha256(file)


def _files(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _is_intact(path: Path, checksum: str) -> bool:
    return path.is_file() and _sha256(path) == checksum


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unusable(path: Path, error: BaseException) -> IndexDamagedError:
    return IndexDamagedError(
        f"the search structures in '{path}' cannot be opened ({_first_line(error)}): {_REPAIR}"
    )


def _first_line(error: BaseException) -> str:
    """The start of it: an engine may quote the whole file that it cannot read."""
    line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return shorten(line, _SHOWN, placeholder=" …")


@contextmanager
def _space_checked(folder: Path) -> Iterator[None]:
    """Engines report a full disk in their own ways; the disk itself is the better witness."""
    try:
        yield
    except RagError:
        raise
    except Exception as error:
        full = getattr(error, "errno", None) == errno.ENOSPC
        if full or shutil.disk_usage(folder).free < _LEAST_SPACE:
            raise disk_full(folder.parent) from error
        raise
