"""This library, as its default pipeline has it, but for the depth that is asked of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from phases import Embedding, Search, main


class Ragline:
    """See `phases.Library`. `cache`, where it is given, keeps vectors between runs."""

    def __init__(self, given: Mapping[str, Any], embedding: Embedding) -> None:
        from rag.config import load_pipeline

        self._depth, self._cache = given["depth"], given.get("cache")
        self._embedding = embedding
        self._pipeline = load_pipeline(given["preset"])
        self._encoder: Any = None

    def load(self) -> None:
        """The pipeline's encoder."""
        from rag.encode.cache import CachedEncoder

        assert self._pipeline.encode is not None
        self._encoder = self._pipeline.encode.build()
        _time(self._encoder, self._embedding)
        if self._cache is not None:
            Path(self._cache).mkdir(parents=True, exist_ok=True)
            self._encoder = CachedEncoder(self._encoder, Path(self._cache))

    def encode(self, texts: list[str]) -> Any:
        """Vectors as the encoder makes them."""
        return self._encoder.encode_passages(texts)

    def build(self, documents: Path, index: Path) -> None:
        """`Rag.index` of the folder."""
        self._index(documents, index)

    def again(self, documents: Path, index: Path) -> int:
        """The same."""
        return self._index(documents, index)

    def open(self, index: Path) -> Mapping[str, Search]:
        """`Rag.search` by both arms and by each alone."""
        from rag.config import Retrieve

        (retrieve, *rest) = self._pipeline.stages
        assert isinstance(retrieve, Retrieve)
        arms = [replace(arm, options={**arm.options, "k": self._depth}) for arm in retrieve.arms]
        both = Retrieve(tuple(arms), retrieve.fuse)
        alone = {arm.use: Retrieve((arm,)) for arm in arms}
        stages = {"hybrid": both, **alone}
        return {mode: self._search(index, [stage, *rest]) for mode, stage in stages.items()}

    def _search(self, index: Path, stages: Sequence[Any]) -> Search:
        from rag import Rag

        rag = Rag.open(index, pipeline=replace(self._pipeline, stages=tuple(stages)))
        encoder = rag.encoder
        with suppress(AttributeError):
            encode, embedding = encoder.encode_queries, self._embedding
            encoder.encode_queries = lambda texts: embedding.question(lambda: encode(texts))
        return lambda question: [
            Path(hit.passage.document_id).stem for hit in rag.search(question).hits
        ]

    def _index(self, documents: Path, index: Path) -> int:
        from rag import Rag

        with Rag.open(index, pipeline=self._pipeline, encoder=self._encoder) as rag:
            report = rag.index(documents)
        return report.added + report.changed + report.removed


def _time(encoder: Any, embedding: Embedding) -> None:
    """Count the seconds inside the encoder, leaving it the object it is."""
    encode = encoder.encode_passages

    def timed(texts: Sequence[str]) -> Any:
        start = perf_counter()
        vectors = encode(texts)
        embedding.seconds += perf_counter() - start
        embedding.made += len(texts)
        return vectors

    # An encoder may have slots: then its share is not known, and nothing else changes.
    with suppress(AttributeError):
        encoder.encode_passages = timed


if __name__ == "__main__":
    main(Ragline)
