"""E-mail as documents: mbox files, Maildirs and folders of .eml files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from rag.connectors.formats.email import EmailFormat
from rag.connectors.formats.format import Parse
from rag.connectors.mailboxes.letter import BadLetter, Letter
from rag.connectors.mailboxes.mailbox import Mailbox, mailboxes
from rag.connectors.names import absolute, source_name, source_path
from rag.connectors.parsing.here import parse_here
from rag.connectors.patterns import Patterns
from rag.connectors.reading import reason, too_large
from rag.connectors.rows.fields import as_names
from rag.connectors.scope import Scope
from rag.connectors.walk import is_within
from rag.errors import DocumentError, SourceError
from rag.types import Document, Failure, Item

_Seen: TypeAlias = dict[str, Callable[[], bytes]]
"""Ids of messages listed, each with what gives the hash of its body."""


class MailConnector:
    """Every message in what `path` names is a document, named `mail:MAILBOX#MESSAGE-ID`.

    `path` is an mbox file, a Maildir, a .eml file, a folder with any of them at any depth, a
    glob, or several. MAILBOX is the file, the Maildir, or the folder of .eml files. A message
    without Message-ID is named by a hash of its content. Copies of a message, with the same
    Message-ID and body, are listed once; another message under the same Message-ID has a hash
    of its body added. What is attached is read as far as a format reads it. Nothing is written
    or locked. `skipped` counts, after `items()`, the copies.

    Raises SourceError where a path does not exist or a glob means nothing.
    """

    shorthand: ClassVar[str] = "path"
    given: ClassVar[frozenset[str]] = frozenset({"base", "parse"})

    def __init__(
        self,
        *,
        path: str | Sequence[str],
        max_bytes: Annotated[int, Field(ge=1)] = 100_000_000,
        base: Path | None = None,
        parse: Parse = parse_here,
    ) -> None:
        if not as_names(path):
            raise SourceError("'path' names one mailbox at least")
        self._patterns = Patterns(as_names(path))
        self._patterns.paths()
        self._max_bytes = max_bytes
        self._base = base
        self._parse = parse
        self._format = EmailFormat()
        self._unlisted: set[str] = set()  # nothing is known beneath these
        self._scopes: dict[str, Scope] = {}
        self.skipped: Counter[str] = Counter()

    def items(self) -> Iterator[Item | Failure]:
        """Every message, mailbox after mailbox, in the order in which they lie there."""
        self.skipped = Counter()
        paths = self._patterns.paths()
        # A listing that breaks off has listed none of them.
        self._unlisted = {str(path) for path in paths}
        self._scopes = {}
        seen: _Seen = {}
        taken: set[Path] = set()
        for path in paths:
            refused = set()
            for found in mailboxes(path):
                if isinstance(found, OSError):
                    refused.add(str(place := absolute(found.filename or path)))
                    yield Failure(self._scope(place).place("folder"), reason(found))
                elif found.path not in taken:
                    taken.add(found.path)
                    yield from self._mailbox(found, seen)
            self._unlisted.discard(str(path))
            self._unlisted |= refused

    def covers(self, source: str) -> bool:
        """Whether `source` is of a mailbox that is meant: of one listed, if not all were."""
        prefix, hash_sign, _ = source.partition("#")
        scope = self._scopes.get(prefix)
        if scope is not None:
            return scope.covers(source)
        kind, _, name = prefix.partition(":")
        if kind != "mail" or not hash_sign:
            return False
        path = Path(source_path(name, self._base))
        return self._patterns.hold(path) and not is_within(str(path), self._unlisted)

    def _mailbox(self, found: Mailbox, seen: _Seen) -> Iterator[Item | Failure]:
        scope = self._scope(found.path)
        self._scopes[scope.prefix] = scope
        scope.begin()
        whole = True
        try:
            for letter in found.letters(found.path, self._max_bytes):
                if isinstance(letter, BadLetter):
                    # Which message it is cannot be told: none is to be taken for removed.
                    whole = False
                    yield Failure(scope.place(letter.where), letter.error)
                elif (step := self._step(letter, scope, seen)) is not None:
                    yield step
        except (OSError, DocumentError) as error:
            whole = False
            told = reason(error) if isinstance(error, OSError) else str(error)
            yield Failure(scope.place("mailbox"), told)
        if whole:
            scope.end()

    def _step(self, letter: Letter, scope: Scope, seen: _Seen) -> Item | Failure | None:
        """The item of a message; None for a copy of one that was listed."""
        key = letter.id
        try:
            if key in seen:
                body = letter.body()
                if body == seen[key]() or (key := f"{key}~{body.hex()[:8]}") in seen:
                    key = ""
        except DocumentError as error:
            return Failure(scope.item(key), str(error))
        if not key:
            self.skipped["copy of a message"] += 1
            return None
        seen[key] = letter.body
        source = scope.take(key) or scope.item(key)
        if letter.size > self._max_bytes:
            return Failure(source, too_large(letter.size, self._max_bytes))
        version = f"{letter.version}-{self._format.version}"
        return Item(source, source, version, partial(self._load, letter, source), letter.size)

    def _load(self, letter: Letter, source: str) -> Document:
        parsed = self._parse(self._format, letter.read(), source)
        metadata = {**parsed.metadata, "format": self._format.name}
        return Document(source, source, parsed.text, parsed.title, parsed.blocks, metadata)

    def _scope(self, path: Path) -> Scope:
        return Scope("mail", source_name(path, self._base))
