"""Files of records as documents: JSON Lines, JSON arrays, CSV, TSV and Parquet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from rag.connectors.formats.catalogue import extension
from rag.connectors.names import source_name, source_path
from rag.connectors.patterns import Patterns
from rag.connectors.reading import reason
from rag.connectors.rows.fields import Fields, as_names, taken_twice
from rag.connectors.rows.json_array import json_array
from rag.connectors.rows.json_lines import json_lines
from rag.connectors.rows.parquet import parquet
from rag.connectors.rows.row import BadRow, Numbered
from rag.connectors.rows.separated import separated
from rag.connectors.scope import Scope
from rag.errors import DocumentError, SourceError
from rag.types import Failure, Item

_Read: TypeAlias = Callable[[Path, int], Iterator[Numbered | BadRow]]

_READERS: dict[str, _Read] = {
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".json": json_array,
}
_SEPARATED = frozenset({".csv", ".tsv"})
_PARQUET = frozenset({".parquet", ".pq"})


class RecordsConnector:
    """Every record of the files that `path` names is a document, named `records:FILE#ID`.

    `path` is a file, a glob such as `data/*.jsonl`, or several. `id`, `text` (one field or
    several), `title` and `metadata` name fields; `author.name` is one inside another. Without
    `id` the id is the record's number: its line in JSON Lines, its row in CSV (the names of the
    fields are row 1), its position from 1 elsewhere. So a record that is put in before others
    makes those after it new documents. While a line of a file with ids cannot be read, no document
    of that file is removed. Without `metadata` all other plain values are taken.
    No record, and no line, may have more than `max_bytes`. `skipped` counts, after `items()`,
    the values of bytes left out.

    Raises SourceError where a path does not exist or a glob means nothing.
    """

    shorthand: ClassVar[str] = "path"
    given: ClassVar[frozenset[str]] = frozenset({"base"})

    def __init__(
        self,
        *,
        path: str | Sequence[str],
        id: str = "",  # noqa: A002 - the option's name in a pipeline file
        text: str | Sequence[str] = "text",
        title: str = "title",
        metadata: Sequence[str] | None = None,
        max_bytes: Annotated[int, Field(ge=1)] = 100_000_000,
        base: Path | None = None,
    ) -> None:
        chosen = None if metadata is None else tuple(metadata)
        if not as_names(text) or not as_names(path):
            raise SourceError("'text' and 'path' name one field and one file at least")
        self._fields = Fields(as_names(text), id, title, metadata=chosen)
        self._patterns = Patterns(as_names(path))
        self._patterns.paths()
        self._max_bytes = max_bytes
        self._base = base
        self._scopes: dict[str, Scope] = {}
        self.skipped: Counter[str] = Counter()

    def items(self) -> Iterator[Item | Failure]:
        """Every record, file after file; what cannot be read is a Failure with its line."""
        self.skipped = Counter()
        named = {path: self._scope(path) for path in self._patterns.paths()}
        self._scopes = {scope.prefix: scope for scope in named.values()}
        for path, scope in named.items():
            yield from self._file(path, scope)

    def covers(self, source: str) -> bool:
        """Whether `source` is a record of a file that is meant: of one listed, if not all were."""
        prefix, hash_sign, _ = source.partition("#")
        scope = self._scopes.get(prefix)
        if scope is not None:
            return scope.covers(source)
        kind, _, name = prefix.partition(":")
        if kind != "records" or not hash_sign:
            return False
        return self._patterns.match(Path(source_path(name, self._base)))

    def _scope(self, path: Path) -> Scope:
        scope = Scope("records", source_name(path, self._base))
        scope.begin()
        return scope

    def _file(self, path: Path, scope: Scope) -> Iterator[Item | Failure]:
        whole = True
        try:
            for step in self._rows(path):
                if isinstance(step, Numbered):
                    yield self._step(step, scope)
                elif step.number is not None and not self._fields.id:
                    yield Failure(scope.item(str(step.number)), step.error)
                else:
                    # Which document this was cannot be told, and none is to be taken for removed.
                    yield Failure(scope.place(step.where), step.error)
                    whole = False
        except OSError as error:
            yield Failure(scope.place("file"), reason(error))
            whole = False
        if whole:
            scope.end()

    def _rows(self, path: Path) -> Iterator[Numbered | BadRow]:
        suffix = extension(path.name)
        if not path.is_file():
            yield BadRow("file", "is not a regular file; name a file or a glob")
        elif suffix in _PARQUET:
            yield from parquet(path, self._fields.named, self._wanted())
        elif suffix in _SEPARATED:
            yield from separated(path, self._fields.named, self._max_bytes)
        elif (read := _READERS.get(suffix)) is None:
            taken = ", ".join(sorted({*_READERS, *_SEPARATED, *_PARQUET}))
            yield BadRow("file", f"has an extension that holds no records ({taken})")
        else:
            yield from read(path, self._max_bytes)

    def _wanted(self) -> list[str] | None:
        """The fields that are looked at, where not all are."""
        fields = self._fields
        if fields.metadata is None:
            return None
        return [name for name in (fields.id, fields.title, *fields.text, *fields.metadata) if name]

    def _step(self, step: Numbered, scope: Scope) -> Item | Failure:
        place = scope.place(f"record {step.number}")
        try:
            key = self._fields.key(step.row) if self._fields.id else str(step.number)
        except DocumentError as error:
            return Failure(place, str(error))
        # Numbers cannot come twice, and need not be kept.
        source = scope.take(key) if self._fields.id else scope.item(key)
        if source is None:
            return Failure(place, taken_twice("record", key))
        try:
            document = self._fields.document(step.row, source)
        except DocumentError as error:
            return Failure(source, str(error))
        self.skipped.update(f"bytes in {name}" for name in self._fields.binary(step.row))
        return Item(source, source, document.content_hash, lambda: document)
