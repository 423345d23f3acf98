"""sentence-transformers at its defaults, which makes vectors for the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phases import Embedding, main


class SentenceTransformers:
    """The part of `phases.Library` that encodes."""

    def __init__(self, given: Mapping[str, Any], embedding: Embedding) -> None:
        self._model_folder, self._depth = given["model"], given["depth"]
        self._embedding = embedding
        self._model: Any = None

    def load(self) -> None:
        """At its defaults, in single precision."""
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(self._model_folder)

    def encode(self, texts: list[str]) -> Any:
        """32 texts at a time, longest first."""
        return self._model.encode(texts, show_progress_bar=False)


if __name__ == "__main__":
    main(SentenceTransformers)
