"""Late chunking finds the sentences of one abstract together, where each alone is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.chunk.late import LateChunker
from rag.chunk.sentence import SentenceChunker
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.protocols import Vectors
from rag.types import Document

SEEDS = Path(__file__).parents[3] / "shared" / "seeds"


@pytest.mark.slow
@pytest.mark.skipif(not any(SEEDS.glob("*.txt")), reason="no abstracts in ../shared/seeds")
def test_sentences_of_abstracts() -> None:
    (path,) = SEEDS.glob("*.txt")
    lines = path.read_text("utf-8").splitlines()[2:]
    titles = [title.removeprefix("Subscribe") for title in lines[::2]]
    encoder = SentenceTransformersEncoder(max_tokens=512)
    chunker = LateChunker(boundaries=SentenceChunker())
    documents = [Document(str(n), "seeds", text) for n, text in enumerate(lines[1::2])]
    cut = [(one, list(chunker.chunk(one, encoder.tokenizer))) for one in documents]
    owners = np.repeat(np.arange(len(cut)), [len(passages) for _, passages in cut])
    queries = encoder.encode_queries(titles)

    def share(vectors: Vectors) -> float:
        nearest = np.argsort(-(queries @ vectors.T), axis=1)[:, :5]
        return float((owners[nearest] == np.arange(len(titles))[:, None]).mean())

    assert len(titles) == len(documents) == 158
    assert share(np.concatenate(list(chunker.encode(cut, encoder)))) >= 0.55
    texts = [one.text for _, passages in cut for one in passages]
    assert share(encoder.encode_passages(texts)) <= 0.45
