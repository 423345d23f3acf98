"""Connector, chunker, pruner, encoder, lexical engines and store keep their laws."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
from embedded import Embedded

from rag.chunk.fixed import FixedChunker
from rag.chunk.words import WordTokenizer
from rag.connectors.files import FilesConnector
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.encode.tokens import ModelTokenizer
from rag.protocols import Collection, Connector, Encoder, LexicalEngine, Quality, Tokenizer
from rag.store.rank_bm25 import RankBm25Engine
from rag.store.tantivy import TantivyEngine
from rag.testing import (
    ChunkerSuite,
    ConnectorSuite,
    EncoderSuite,
    HashingEncoder,
    LexicalSuite,
    PrunerSuite,
    StoreSuite,
)


class TestFilesConnector(ConnectorSuite):
    def make(self, folder: Path) -> Connector:
        (folder / "one.md").write_text("# One\n\nText of one.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
        (folder / "two.txt").write_text("Text of two.\n\nMore of it.")
        (folder / "table.csv").write_text("name,price\noil,40\n")
        (folder / "page.html").write_text("<h1>Page</h1><p>Some text.</p>")
        (folder / "bad.pdf").write_bytes(b"%PDF-1.4 not really")
        return FilesConnector(paths=[folder], base=folder)


class TestFixedChunkerWords(ChunkerSuite):
    def make(self) -> FixedChunker:
        return FixedChunker(max_tokens=24, overlap=8)

    def tokenizer(self) -> Tokenizer:
        return WordTokenizer()


class TestFixedChunkerShort(ChunkerSuite):
    def make(self) -> FixedChunker:
        return FixedChunker(max_tokens=8)


class TestFixedChunkerMiniLm(ChunkerSuite):
    model = SentenceTransformersEncoder()

    def make(self) -> FixedChunker:
        return FixedChunker(overlap=32)

    def tokenizer(self) -> Tokenizer:
        return self.model.tokenizer


class TestFixedChunkerByteLevel(ChunkerSuite):
    @pytest.fixture(autouse=True)
    def _tokenizer(self, byte_level_folder: Path) -> None:
        self.loaded = ModelTokenizer(byte_level_folder, 48)

    def make(self) -> FixedChunker:
        return FixedChunker(overlap=16)

    def tokenizer(self) -> Tokenizer:
        return self.loaded


class TestFixedChunkerTinyBert(ChunkerSuite):
    @pytest.fixture(autouse=True)
    def _tokenizer(self, encoder_folder: Path) -> None:
        self.loaded = ModelTokenizer(encoder_folder, 24)

    def make(self) -> FixedChunker:
        return FixedChunker()

    def tokenizer(self) -> Tokenizer:
        return self.loaded


class ShortPruner:
    """Thinks less of short passages."""

    needs_vectors = False

    def judge(self, collection: Collection) -> Quality:
        lengths = [float(len(passage.text)) for passage in collection.passages()]
        return Quality(np.array(lengths, np.float64), lambda at: f"{lengths[at]:.0f} characters")


class TestShortPruner(PrunerSuite):
    def make(self) -> ShortPruner:
        return ShortPruner()


class TestHashingEncoder(EncoderSuite):
    def make(self) -> Encoder:
        return HashingEncoder()


class TestSentenceTransformersEncoder(EncoderSuite):
    @pytest.fixture(autouse=True)
    def _folder(self, encoder_folder: Path) -> None:
        self.folder = encoder_folder

    @cached_property
    def encoder(self) -> Encoder:
        return SentenceTransformersEncoder(model=str(self.folder), device="cpu")

    def make(self) -> Encoder:
        return self.encoder

    def texts(self) -> Sequence[str]:
        return ("the ferry leaves at nine", "dogs travel free", "", "a lamp and oil " * 30, "oil")

    def test_settings_change_the_fingerprint(self) -> None:
        prompted = SentenceTransformersEncoder(model=str(self.folder), passage_prompt="text: ")
        shorter = SentenceTransformersEncoder(model=str(self.folder), max_tokens=32)
        prints = {self.encoder.fingerprint, prompted.fingerprint, shorter.fingerprint}
        assert len(prints) == 3

    def test_passages_within_the_limit_are_read_whole(self) -> None:
        tokenizer = self.encoder.tokenizer
        text = " ".join(["oil"] * tokenizer.limit)
        assert len(tokenizer.spans(text)) == tokenizer.limit
        longest, cut, beyond = self.encoder.encode_passages(
            [text[:-3] + "dog", text[:-4], text[:-3] + "dog lamp"]
        )
        assert not np.allclose(longest, cut, atol=1e-4)
        np.testing.assert_allclose(longest, beyond, atol=1e-5)


def test_mini_lm_is_what_the_library_gives() -> None:
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformersEncoder(device="cpu", dtype="float32")
    texts = ["The ferry leaves at nine.", "Dogs travel free.", "oil " * 400, ""]
    reference = SentenceTransformer(str(encoder.files.folder), device="cpu")
    expected = reference.encode(texts, normalize_embeddings=True)
    np.testing.assert_allclose(encoder.encode_passages(texts), expected, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_queries(texts), expected, atol=1e-5)


class TestTantivyEngine(LexicalSuite):
    def make(self) -> LexicalEngine:
        return TantivyEngine()


class TestRankBm25Engine(LexicalSuite):
    def make(self) -> LexicalEngine:
        return RankBm25Engine()


class TestEmbeddedStore(StoreSuite):
    def open(self, folder: Path, encoder: Encoder) -> Embedded:
        return Embedded(folder, encoder)


class TestEmbeddedStoreRankBm25(StoreSuite):
    def open(self, folder: Path, encoder: Encoder) -> Embedded:
        return Embedded(folder, encoder, RankBm25Engine(language="en"))
