"""A view without an index: documents in memory, searched one by one."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rag.protocols import Encoder, Vectors
from rag.testing.hashing import HashingEncoder
from rag.testing.samples import DOCUMENTS, passages_of
from rag.types import AllOf, AnyOf, Document, Filter, Not, Passage, Scalar, Variant

_WORD = re.compile(r"\w+")
_TESTS: dict[str, Callable[[Scalar | None, Scalar], bool]] = {
    "=": lambda held, value: held == value,
    "!=": lambda held, value: held != value,
}


class MemoryView:
    """The sample documents as retrievers and answerers see an index: see `rag.protocols.View`.

    Filters may use `=` and `!=`.
    """

    def __init__(
        self, documents: Sequence[Document] = DOCUMENTS, encoder: Encoder | None = None
    ) -> None:
        self._documents = {document.id: document for document in documents}
        self.passages = [passage for document in documents for passage in passages_of(document)]
        self._encoder = encoder or HashingEncoder()
        self._vectors = self._encoder.encode_passages([one.text for one in self.passages])

    @property
    def encoder(self) -> Encoder | None:
        """The encoder that made the vectors."""
        return self._encoder

    def document(self, document_id: str) -> Document | None:
        """A document, whole."""
        return self._documents.get(document_id)

    def lexical(
        self, texts: Sequence[Variant], k: int, filters: Sequence[Filter] = ()
    ) -> list[tuple[Passage, float]]:
        """Passages by the weighted number of the texts' words in them."""

        def score(passage: Passage) -> float:
            counts = Counter(self.terms(passage.text))
            return sum(one.weight * counts[term] for one in texts for term in self.terms(one.text))

        scores = [score(passage) for passage in self.passages]
        return self._best([pair for pair in zip(self.passages, scores, strict=True) if pair[1]],
                          k, filters)  # fmt: skip

    def dense(
        self, vector: Vectors, k: int, filters: Sequence[Filter] = ()
    ) -> list[tuple[Passage, float]]:
        """The passages nearest to `vector`."""
        scores = [float(score) for score in self._vectors @ vector.astype(np.float32)]
        return self._best(list(zip(self.passages, scores, strict=True)), k, filters)

    def vectors(self, passages: Sequence[Passage]) -> Vectors:
        """The vectors of `passages`."""
        places = {passage.id: place for place, passage in enumerate(self.passages)}
        found: Vectors = self._vectors[[places[passage.id] for passage in passages]]
        return found

    def contributions(
        self, texts: Sequence[Variant], passages: Sequence[Passage]
    ) -> list[Mapping[str, float]]:
        """What each word adds to the number of a passage's words."""
        wanted: Counter[str] = Counter()
        for one in texts:
            for term in self.terms(one.text):
                wanted[term] += one.weight  # type: ignore[assignment]
        counts = [Counter(self.terms(passage.text)) for passage in passages]
        return [{term: wanted[term] * had[term] for term in wanted if had[term]} for had in counts]

    def terms(self, text: str) -> list[str]:
        """The words of `text` in lower case."""
        return _WORD.findall(text.lower())

    def idf(self, term: str) -> float:
        """Inverse document frequency of a term."""
        found = sum(term in self.terms(passage.text) for passage in self.passages)
        return math.log1p((len(self.passages) - found + 0.5) / (found + 0.5))

    def _best(
        self, found: list[tuple[Passage, float]], k: int, filters: Sequence[Filter]
    ) -> list[tuple[Passage, float]]:
        kept = [pair for pair in found if all(_holds(one, pair[0]) for one in filters)]
        return sorted(kept, key=lambda pair: (-pair[1], pair[0].order))[:k]


def _holds(test: Filter, passage: Passage) -> bool:
    if isinstance(test, Not):
        return not _holds(test.part, passage)
    if isinstance(test, AllOf):
        return all(_holds(part, passage) for part in test.parts)
    if isinstance(test, AnyOf):
        return any(_holds(part, passage) for part in test.parts)
    fields: dict[str, Scalar] = {
        "id": passage.document_id,
        "source": passage.source,
        "title": passage.title,
        **passage.metadata,
    }
    return _TESTS[test.operator](fields.get(test.key), test.value)
