"""BM25 by the rank-bm25 package: a reference for small corpora, built in memory when opened."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rag.protocols import Ids, LexicalEntry
from rag.store.analysis import AUTO, language_code, language_faults

_FILE = "terms.jsonl"
K1, B = 1.2, 0.75


class RankBm25Engine:
    """Keeps analysed terms in one JSON Lines file, rewritten by every update."""

    def __init__(self, *, language: str = AUTO) -> None:
        self.language = language_code(language)

    @classmethod
    def faults(cls, options: Mapping[str, object]) -> list[tuple[str, str]]:
        """A language must be one that is known."""
        return language_faults(options)

    def update(
        self, old: Path | None, new: Path, deleted: Ids, added: Iterable[LexicalEntry]
    ) -> None:
        """Write the next generation into `new`: see `LexicalEngine.update`."""
        new.mkdir()
        gone = set(deleted.tolist())
        with (new / _FILE).open("w", encoding="utf-8") as file:
            for row, document, terms in _entries(old) if old else ():
                if row not in gone:
                    file.write(json.dumps([row, document, terms]) + "\n")
            for row, document, terms in added:
                file.write(json.dumps([row, document, list(terms)]) + "\n")

    def open(self, folder: Path) -> RankBm25Index:
        """Read the terms and build the package's structure of them."""
        return RankBm25Index(list(_entries(folder)))


def _entries(folder: Path) -> Iterator[LexicalEntry]:
    with (folder / _FILE).open(encoding="utf-8") as file:
        for line in file:
            row, document, terms = json.loads(line)
            yield row, document, terms


class RankBm25Index:
    """One opened generation."""

    def __init__(self, entries: list[LexicalEntry]) -> None:
        from rank_bm25 import BM25Okapi

        self._rows: Ids = np.array([row for row, _, _ in entries], np.int64)
        self._documents: Ids = np.array([document for _, document, _ in entries], np.int64)
        # The package divides by the number of passages and by their length.
        corpus = [list(terms) or [""] for _, _, terms in entries]
        self._bm25: Any = BM25Okapi(corpus, k1=K1, b=B) if corpus else None

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self) -> Ids:
        """Every passage row in the index, ascending."""
        return np.sort(self._rows)

    def search(
        self, terms: Mapping[str, float], k: int, documents: Ids | None = None
    ) -> list[tuple[int, float]]:
        """The `k` best rows, and those that tie with the last: see `LexicalIndex.search`."""
        if self._bm25 is None or k < 1:
            return []
        scores = np.zeros(len(self._rows))
        matched = np.zeros(len(self._rows), bool)
        for term, weight in terms.items():
            matched |= np.array([term in counts for counts in self._bm25.doc_freqs])
            scores += weight * self._bm25.get_scores([term])
        if documents is not None:
            matched &= np.isin(self._documents, documents)
        found = np.flatnonzero(matched)
        found = found[np.argsort(-scores[found], kind="stable")]
        last = scores[found[min(k, len(found)) - 1]] if len(found) else 0.0
        return [(int(self._rows[i]), float(scores[i])) for i in found if scores[i] >= last]

    def idf(self, term: str) -> float:
        """Inverse document frequency as Lucene has it, which is never negative."""
        found = sum(term in counts for counts in self._bm25.doc_freqs) if self._bm25 else 0
        return math.log1p((len(self) - found + 0.5) / (found + 0.5))
