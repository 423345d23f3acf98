"""One published state of an index, read within one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from sqlite3 import Connection

import numpy as np

from rag.errors import IndexDamagedError, IndexMismatchError
from rag.filters import check_form
from rag.found import FoundPassage, Place
from rag.protocols import Encoder, Ids, Ranked, Vectors
from rag.ranked import FoundRows
from rag.store.analysis import analyse
from rag.store.filters import Filtering
from rag.store.generation import Generation
from rag.store.places import LACKING
from rag.store.rows import Rows
from rag.types import Condition, Document, Filter, Passage, Variant

# Sets of filters whose documents are kept with a generation.
_SELECTED = 64
_REMOVED = "a passage was removed from the index after it was found: ask again"


class StoreView:
    """What retrievers and answerers see: see `rag.protocols.View`."""

    def __init__(
        self,
        connection: Connection,
        generation: Generation,
        encoder: Callable[[], Encoder | None],
        again: Callable[[], AbstractContextManager[Rows]],
    ) -> None:
        self.rows = Rows(connection)
        self.generation = generation
        self._encoder = encoder
        self._again = again
        self._is_open = True
        # Passages that were found, by row.
        self._passages: dict[int, FoundPassage] = {}
        # What answers a question asks for the terms of the same sentences again and again.
        self._terms: dict[str, Sequence[str]] = {}

    def close(self) -> None:
        """Read no more here. Whoever kept a passage unread reads what is published by then."""
        self._is_open = False

    @property
    def encoder(self) -> Encoder | None:
        """The encoder that made the index's vectors, loaded when first asked for.

        Raises IndexMismatchError where the one at hand is another.
        """
        encoder = self._encoder()
        if encoder is not None:
            self.rows.check_encoder(encoder.fingerprint)
        return encoder

    def check(self, filters: Sequence[Filter]) -> None:
        """Raise RequestError where the index has not the fields, or such values, of `filters`."""
        if filters:
            self._filtering(filters).check()

    def document(self, document_id: str) -> Document | None:
        """An indexed document, whole."""
        return self.rows.document(document_id)

    def lexical(self, texts: Sequence[Variant], k: int, filters: Sequence[Filter] = ()) -> Ranked:
        """BM25's best passages: see `View.lexical`."""
        if self.generation.lexical is None:
            raise IndexMismatchError(
                "this index has no lexical part: index with a pipeline that has one"
            )
        terms = self._weighted(texts)
        return self._ranked(self.generation.lexical.search(terms, k, self._allowed(filters)), k)

    def dense(self, vector: Vectors, k: int, filters: Sequence[Filter] = ()) -> Ranked:
        """The nearest passages: see `View.dense`."""
        if self.generation.nearest is None:
            raise IndexMismatchError(
                "this index has no vectors: index with a pipeline that encodes"
            )
        return self._ranked(self.generation.nearest.search(vector, k, self._allowed(filters)), k)

    def vectors(self, passages: Sequence[Passage]) -> Vectors:
        """Stored vectors: see `View.vectors`."""
        rows = np.array(self._rows_of(passages), np.int64)
        if self.generation.dense is None:
            raise IndexMismatchError(
                "this index has no vectors: index with a pipeline that encodes"
            )
        try:
            found = self.generation.dense.at(rows)
        except KeyError as error:
            name = passages[rows.tolist().index(error.args[0])].id
            raise IndexDamagedError(f"passage '{name}' has no vector: run 'rag verify'") from None
        # They are kept in half precision.
        unit: Vectors = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        return unit

    def contributions(
        self, texts: Sequence[Variant], passages: Sequence[Passage]
    ) -> list[Mapping[str, float]]:
        """Terms' parts of BM25 scores: see `View.contributions`."""
        if self.generation.lexical is None or not passages:
            return [{} for _ in passages]
        keys = self.rows.keys_of(passages)
        documents = np.unique(np.array([document for _, document, _ in keys], np.int64))
        # No deeper than it takes to see every passage of these documents.
        depth = self.rows.passages_in(documents.tolist())
        parts: list[dict[str, float]] = [{} for _ in passages]
        for term, weight in self._weighted(texts).items():
            # The engine itself is asked, so that the parts add up to what it says of the whole.
            found = dict(self.generation.lexical.search({term: weight}, depth, documents))
            for part, (row, _, _) in zip(parts, keys, strict=True):
                if row in found:
                    part[term] = found[row]
        return [*parts]

    def terms(self, text: str) -> list[str]:
        """`text` analysed in each language of the index; a term that several give counts once."""
        if text not in self._terms:
            self._terms[text] = self._analysed(text)
        return list(self._terms[text])

    def idf(self, term: str) -> float:
        """Inverse document frequency of an analysed term; 1 where there is no lexical index."""
        return 1.0 if self.generation.lexical is None else self.generation.lexical.idf(term)

    def _analysed(self, text: str) -> Sequence[str]:
        per_language = [analyse(text, language) for language in self.generation.languages]
        if len(per_language) == 1:
            return per_language[0]
        return tuple(dict.fromkeys(term for terms in per_language for term in terms))

    def _weighted(self, texts: Sequence[Variant]) -> Mapping[str, float]:
        weights: dict[str, float] = {}
        for variant in texts:
            for term in self.terms(variant.text):
                weights[term] = weights.get(term, 0.0) + variant.weight
        return weights

    def _rows_of(self, passages: Sequence[Passage]) -> list[int]:
        found = [one.row_in(self) if isinstance(one, FoundPassage) else None for one in passages]
        rows = [row for row in found if row is not None]
        if len(rows) == len(passages):
            return rows
        return [row for row, _, _ in self.rows.keys_of(passages)]

    def _allowed(self, filters: Sequence[Filter]) -> Ids | None:
        if not filters:
            return None
        check_form(filters)
        # Equality would take 1 for true.
        known, key = self.generation.selected, repr(tuple(filters))
        found = known.get(key)
        if found is None:
            found = self._filtering(filters).documents()
            if len(known) >= _SELECTED:
                known.clear()
            known[key] = found
        return found

    def selects(self, document_id: str, test: Filter) -> bool:
        """Whether a document fulfils a filter."""
        both = (Condition("id", "=", document_id), test)
        return len(self._filtering(both).documents()) > 0

    def _filtering(self, filters: Sequence[Filter]) -> Filtering:
        return Filtering(filters, self.generation.fields, self.rows.connection)

    def _ranked(self, found: Sequence[tuple[int, float]], k: int) -> FoundRows:
        rows = np.array([row for row, _ in found], np.int64)
        scores = np.array([score for _, score in found], np.float32)
        return FoundRows(self, rows, scores.astype(np.float64)).best_first()[:k]

    def passage(self, row: int) -> FoundPassage:
        """What is in a row, read when somebody asks what it says."""
        found = self._passages.get(row)
        if found is None:
            found = self._passages[row] = FoundPassage.at(row, self)
        return found

    def read(self, rows: Sequence[int]) -> Mapping[int, Passage]:
        """The passages of `rows`, whole, as they are here, or later as they are then."""
        with self._source() as (rows_there, otherwise):
            return _all_of(rows, rows_there, otherwise)

    def places(self, rows: Sequence[int]) -> Sequence[Place]:
        """Where `rows` stand, as they are here, or later as they are then."""
        with self._source() as (rows_there, otherwise):
            return self.generation.places.of(rows, rows_there, otherwise)

    @contextmanager
    def _source(self) -> Iterator[tuple[Rows, str]]:
        """What has the rows, as they are here or later as they are then, and what to say of one
        that is not there."""
        if self._is_open:
            yield self.rows, LACKING
            return
        with self._again() as later:
            yield later, _REMOVED


def _all_of(rows: Sequence[int], source: Rows, otherwise: str) -> Mapping[int, Passage]:
    passages = source.passages(rows)
    if any(row not in passages for row in rows):
        raise IndexDamagedError(otherwise)
    return passages
