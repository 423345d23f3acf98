"""The hand assembly: sentence-transformers, a flat faiss index, bm25s, reciprocal ranks added."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from phases import Search, main, read_texts
from with_sentence_transformers import SentenceTransformers

_RRF = 60


class Assembly(SentenceTransformers):
    """See `phases.Library`."""

    def load(self) -> None:
        """What indexing imports, and the model."""
        import bm25s  # noqa: F401
        import faiss  # noqa: F401

        super().load()

    def build(self, documents: Path, index: Path) -> None:
        """Three files: vectors, the lexical index, and digests of the documents."""
        import bm25s
        import faiss

        texts = read_texts(documents)
        vectors = self._embedding.passages(list(texts.values()), self.encode)
        flat = faiss.IndexFlatIP(vectors.shape[1])
        flat.add(vectors)
        lexical = bm25s.BM25(method="lucene")
        lexical.index(_terms(list(texts.values())), show_progress=False)
        index.mkdir()
        faiss.write_index(flat, str(index / "vectors.faiss"))
        lexical.save(str(index / "bm25"))
        digests = {name: _digest(text) for name, text in texts.items()}
        (index / "documents.json").write_text(json.dumps(digests))

    def again(self, documents: Path, index: Path) -> int:
        """Nothing but reading where no digest changed; all is made again where one did."""
        known = json.loads((index / "documents.json").read_text())
        texts = read_texts(documents)
        changed = [name for name, text in texts.items() if known.get(name) != _digest(text)]
        gone = known.keys() - texts.keys()
        if changed or gone:
            self.load()
            self.build(documents, index)
        return len(changed) + len(gone)

    def open(self, index: Path) -> Mapping[str, Search]:
        """All from files; ranks are added for both."""
        import bm25s
        import faiss

        self.load()
        names = list(json.loads((index / "documents.json").read_text()))
        flat = faiss.read_index(str(index / "vectors.faiss"))
        lexical = bm25s.BM25.load(str(index / "bm25"))
        depth = min(self._depth, len(names))

        def dense(question: str) -> list[str]:
            vector = self._embedding.question(lambda: self.encode([question]))
            return [names[row] for row in flat.search(vector, depth)[1][0]]

        def words(question: str) -> list[str]:
            rows, scores = lexical.retrieve(_terms([question]), k=depth, show_progress=False)
            return [names[row] for row, score in zip(rows[0], scores[0], strict=True) if score > 0]

        def hybrid(question: str) -> list[str]:
            return _fused([dense(question), words(question)])

        return {"hybrid": hybrid, "dense": dense, "bm25": words}


def _fused(rankings: Sequence[Sequence[str]]) -> list[str]:
    """Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009)."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, name in enumerate(ranking, 1):
            scores[name] = scores.get(name, 0.0) + 1 / (_RRF + rank)
    return sorted(scores, key=lambda name: -scores[name])


def _terms(texts: list[str]) -> Any:
    import bm25s
    import Stemmer

    stemmer = Stemmer.Stemmer("english")
    return bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main(Assembly)
