"""The files of a Git repository at one commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from rag.connectors.formats.catalogue import by_extension, extension, unread
from rag.connectors.formats.format import Format, Parse
from rag.connectors.names import absolute, printable, readable_stem, source_name
from rag.connectors.parsing.here import parse_here
from rag.connectors.reading import too_large
from rag.connectors.repository.clone import Clone, as_url
from rag.connectors.repository.program import Git, GitError
from rag.connectors.repository.tree import Blob, Tree
from rag.connectors.scope import Scope
from rag.errors import DocumentError, SourceError
from rag.types import Document, Failure, Item


class GitConnector:
    """Lists the files of a repository at `ref`, as committed: the working tree is not looked at.

    `repository` is a path on disk, or a URL (`git+https://`, `git+ssh://`, `git://`), of which
    only the newest commit is fetched into the user's cache. `path` is the file or folder of the
    repository to take. Links and submodules are passed over; a pointer to Git LFS is an error
    of its document. Needs the program git.

    An item's version is the id of its blob, and not that of the commit, with which each commit
    would have every file read again. For the same reason no commit is kept as metadata: it would
    be that of the day when the file was read, not the one that is indexed. The blob is.

    Raises SourceError, also from `items()`, where there is no such repository, ref or path.
    """

    given: ClassVar[frozenset[str]] = frozenset({"base", "parse"})
    schemes: ClassVar[tuple[str, ...]] = ("git", "git+https", "git+http", "git+ssh", "git+file")
    shorthand: ClassVar[str] = "repository"

    def __init__(
        self,
        *,
        repository: str,
        ref: str = "HEAD",
        path: str = "",
        max_bytes: Annotated[int, Field(ge=1)] = 100_000_000,
        base: Path | None = None,
        parse: Parse = parse_here,
    ) -> None:
        if not ref or ref.startswith("-") or any(mark in ref for mark in " :^~\n\0"):
            raise SourceError(f"'{printable(ref)}' is no branch, tag or commit; check the spelling")
        self._ref = ref
        self._path = path.strip("/")
        self._max_bytes = max_bytes
        self._parse = parse
        url = as_url(repository)
        self._clone = Clone(url) if url else None
        self._folder = absolute(repository)
        name = printable(self._clone.name) if self._clone else source_name(repository, base)
        if not self._clone and not self._folder.is_dir():
            raise SourceError(f"no such repository: '{name}'; check the spelling")
        self._name = name if ref == "HEAD" else f"{name}@{printable(ref)}"
        if ".." in self._path.split("/"):
            raise SourceError(self._no_such_path())
        self._scope = Scope("git", self._name)
        self.skipped: Counter[str] = Counter()

    def items(self) -> Iterator[Item | Failure]:
        """Every file, in git's order of their paths. Raises SourceError."""
        self.skipped = Counter()
        self._scope.begin()
        tree = self._tree()
        empty = True
        try:
            for blob in tree.blobs():
                empty = False
                yield from self._of(tree, blob)
        except (GitError, DocumentError) as error:
            yield Failure(self._scope.place("listing"), f"ended early: {error}")
            return
        if empty and self._path:
            raise SourceError(self._no_such_path())
        self._scope.end()

    def covers(self, source: str) -> bool:
        """Whether `source` is of this repository, ref and path, listed to its end."""
        if not self._scope.covers(source):
            return False
        folder = self._scope.item(self._path)
        return not self._path or source == folder or source.startswith(f"{folder}/")

    def _no_such_path(self) -> str:
        return f"'{printable(self._path)}' is not in {self._name}; check the spelling"

    def _tree(self) -> Tree:
        if self._clone:
            git, ref = self._clone.fetch(self._ref)
        else:
            git, ref = Git(self._folder), self._ref
        try:
            git.output("rev-parse", "--git-dir")
        except GitError as error:
            raise SourceError(f"cannot read {self._name} with git: {error}") from None
        try:
            commit = git.output("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        except GitError:
            told = f"no commit '{printable(self._ref)}' in {self._name}"
            raise SourceError(f"{told}; name a branch, a tag or a commit") from None
        return Tree(git, commit.decode().strip(), self._path, self.skipped)

    def _of(self, tree: Tree, blob: Blob) -> Iterator[Item | Failure]:
        source = self._scope.take(blob.path) or self._scope.item(blob.path)
        reader = by_extension().get(extension(blob.path))
        if reader is None and blob.path == self._path:
            yield Failure(source, unread(blob.path))
        elif reader is None:
            self.skipped[extension(blob.path)] += 1
        elif blob.size > self._max_bytes:
            yield Failure(source, too_large(blob.size, self._max_bytes))
        else:
            version = f"{blob.id}-{reader.name}-{reader.version}"
            load = partial(self._load, tree, blob, source, reader)
            yield Item(source, source, version, load, blob.size)

    def _load(self, tree: Tree, blob: Blob, source: str, reader: Format) -> Document:
        parsed = self._parse(reader, tree.read(blob), source)
        title = parsed.title or readable_stem(blob.path)
        metadata = {**parsed.metadata, "format": reader.name.lower(), "blob": blob.id}
        return Document(source, source, parsed.text, title, parsed.blocks, metadata)
