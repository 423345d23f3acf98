"""txtai: one `Embeddings` of both kinds, without content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phases import Embedding, Search, main, read_texts

# What a search over both looks at in each, as a multiple of what it returns.
_SPARE = 10


class Txtai:
    """See `phases.Library`."""

    def __init__(self, given: Mapping[str, Any], embedding: Embedding) -> None:
        self._depth = given["depth"]
        self._embedding = embedding
        self._config = {"path": given["model"], "hybrid": True}
        self._models: dict[str, Any] = {}
        self._vectors: Any = None

    def load(self) -> None:
        """Models are kept in a dictionary that is handed to every index."""
        _time(self._embedding)
        from txtai.vectors import VectorsFactory

        self._vectors = VectorsFactory.create(self._config, models=self._models)

    def encode(self, texts: list[str]) -> Any:
        """Vectors of length one."""
        return self._vectors.batchtransform([(None, text, None) for text in texts], "data")

    def build(self, documents: Path, index: Path) -> None:
        """One call for both kinds."""
        from txtai import Embeddings

        texts = read_texts(documents)
        made = Embeddings(self._config, models=self._models)
        made.index((name, text, None) for name, text in texts.items())
        made.save(str(index))

    def again(self, documents: Path, index: Path) -> int:
        """Nothing tells what is unchanged, so that all is made again."""
        self.load()
        self.build(documents, index)
        return len(list(documents.iterdir()))

    def open(self, index: Path) -> Mapping[str, Search]:
        """A search over both looks at ten times as many in each as it returns."""
        _time(self._embedding)
        from txtai import Embeddings
        from txtai.embeddings.search import Search as Parts

        made = Embeddings()
        made.load(str(index))
        depth, parts = self._depth, Parts(made, indexonly=False)

        def ids(found: Any) -> list[str]:
            return [str(name) for name, _ in found]

        return {
            "hybrid": lambda question: ids(made.search(question, depth // _SPARE)),
            "dense": lambda question: ids(parts.dense([question], depth)[0]),
            "bm25": lambda question: ids(parts.sparse([question], depth)[0]),
        }


def _time(embedding: Embedding) -> None:
    """Count the seconds inside the model, wherever it is loaded."""
    from txtai.vectors import HFVectors

    encode = HFVectors.encode

    def timed(self: Any, data: Any, category: str | None = None) -> Any:
        if category == "data":
            return embedding.passages(list(data), lambda some: encode(self, some, category))
        return embedding.question(lambda: encode(self, data, category))

    HFVectors.encode = timed


if __name__ == "__main__":
    main(Txtai)
