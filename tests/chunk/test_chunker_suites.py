"""The chunkers that need no model keep the laws of chunkers."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.chunk.sentence import SentenceChunker
from rag.chunk.structure import StructureChunker
from rag.chunk.words import WordTokenizer
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.encode.tokens import ModelTokenizer
from rag.protocols import Chunker, Tokenizer
from rag.testing import ChunkerSuite


class TestSentenceChunker(ChunkerSuite):
    def make(self) -> Chunker:
        return SentenceChunker()


class TestSentenceChunkerWords(ChunkerSuite):
    def make(self) -> Chunker:
        return SentenceChunker(sentences=4, overlap=2, max_tokens=24, context="summary")

    def tokenizer(self) -> Tokenizer:
        return WordTokenizer()


class TestStructureChunker(ChunkerSuite):
    def make(self) -> Chunker:
        return StructureChunker()


class TestStructureChunkerWords(ChunkerSuite):
    def make(self) -> Chunker:
        return StructureChunker(max_tokens=24, min_tokens=12, context="title")

    def tokenizer(self) -> Tokenizer:
        return WordTokenizer()


class TestStructureChunkerMiniLm(ChunkerSuite):
    model = SentenceTransformersEncoder(device="cpu")

    def make(self) -> Chunker:
        return StructureChunker(context="summary")

    def tokenizer(self) -> Tokenizer:
        return self.model.tokenizer


class TestStructureChunkerByteLevel(ChunkerSuite):
    @pytest.fixture(autouse=True)
    def _tokenizer(self, byte_level_folder: Path) -> None:
        self.loaded = ModelTokenizer(byte_level_folder, 48)

    def make(self) -> Chunker:
        return StructureChunker()

    def tokenizer(self) -> Tokenizer:
        return self.loaded


class TestStructureChunkerTinyBert(ChunkerSuite):
    @pytest.fixture(autouse=True)
    def _tokenizer(self, encoder_folder: Path) -> None:
        self.loaded = ModelTokenizer(encoder_folder, 24)

    def make(self) -> Chunker:
        return StructureChunker()

    def tokenizer(self) -> Tokenizer:
        return self.loaded
