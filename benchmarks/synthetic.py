"""Documents and vectors of any number, made as they are asked for: the same for the same number.

Words are drawn by Zipf's law from 200,000 invented ones. A document has a subject, from whose own
words some of its text comes, so that documents have neighbours, as real ones do.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpus import FUNCTION_WORDS, Corpus
from rag import Document, Passage
from rag.chunk.words import WordTokenizer
from rag.protocols import Tokenizer, Vectors
from rag.types import Failure, Item

DIMENSION = 384
_WORDS = 200_000
# Documents drawn at a time; the passages of one; their length in words and its spread on a
# logarithmic scale.
_BLOCK = 200
PASSAGES = 10
_MEAN, _SPREAD = 100, 0.35
_SHORTEST, _LONGEST = 15, 400
_SUBJECTS, _SUBJECT_WORDS = 5_000, 60
# Of ten words so many are the subject's.
_OF_SUBJECT = 0.25
_SENTENCE = 12
# Words are told apart by so many values of their hash.
_HASHES = 1 << 15


class SyntheticCorpus:
    """Documents by their number, from 0."""

    @cached_property
    def _corpus(self) -> Corpus:
        return Corpus(_WORDS)

    def texts(self, first: int, end: int) -> Iterator[str]:
        """The texts of documents from `first` to before `end`."""
        for block in range(first // _BLOCK, -(-end // _BLOCK)):
            start = block * _BLOCK
            drawn = self._drawn(block)
            yield from drawn[max(first - start, 0) : end - start]

    def questions(self, count: int, of: int) -> list[str]:
        """Words of documents among the first `of`, a few from each."""
        random = np.random.default_rng(7)
        found = []
        for number in random.integers(0, of, count).tolist():
            (text,) = self.texts(number, number + 1)
            words = sorted({*text.lower().replace(".", "").split()}.difference(FUNCTION_WORDS))
            found.append(" ".join(random.permutation(words)[:8].tolist()))
        return found

    def _drawn(self, block: int) -> list[str]:
        random = np.random.default_rng((11, block))
        count = _BLOCK * PASSAGES
        drawn = random.lognormal(np.log(_MEAN) - _SPREAD**2 / 2, _SPREAD, count)
        lengths = np.clip(drawn, _SHORTEST, _LONGEST).astype(np.int64)
        total = int(lengths.sum())
        ranks = self._corpus.ranks(random.random(total))
        subjects = np.repeat(random.integers(0, _SUBJECTS, _BLOCK), PASSAGES).repeat(lengths)
        # The words of a subject are some of the rarer ones, by a product that spreads them.
        own = (subjects * _SUBJECT_WORDS + random.integers(0, _SUBJECT_WORDS, total)) * 7_919
        rare = 200 + own % (_WORDS - 200)
        words = self._corpus.words[np.where(random.random(total) < _OF_SUBJECT, rare, ranks)]
        every: list[str] = words.tolist()
        ends = np.cumsum(lengths).tolist()
        passages = [_text(every[a:b]) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
        return ["\n\n".join(passages[at : at + PASSAGES]) for at in range(0, count, PASSAGES)]


class ParagraphChunker:
    """Each paragraph is a passage: see `Chunker`."""

    def chunk(self, document: Document, tokenizer: Tokenizer) -> Iterator[Passage]:
        """The paragraphs of `document`, in order."""
        start = 0
        for text in document.text.split("\n\n"):
            end = start + len(text)
            yield Passage(document.id, start, end, text, document.source, document.title)
            start = end + 2


class SyntheticSource:
    """A connector of documents `first` to before `end`, in folders of their own by `name`."""

    def __init__(self, name: str, first: int, end: int) -> None:
        self._name, self._first, self._end = name, first, end

    def items(self) -> Iterator[Item | Failure]:
        """Every document."""
        texts = SyntheticCorpus().texts(self._first, self._end)
        for number, text in enumerate(texts, self._first):
            name = f"{self._name}/{number:08}.txt"
            yield Item(name, name, "1", partial(Document, name, name, text), len(text))

    def covers(self, source: str) -> bool:
        """What is in the folder."""
        return source.startswith(f"{self._name}/")


class ProjectingEncoder:
    """A text is the sum of its words, each a random direction; see `Encoder`."""

    dimension = DIMENSION
    fingerprint = "projecting"
    tokenizer = WordTokenizer()

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 `(len(texts), dimension)`, rows of length one."""
        from scipy.sparse import csr_matrix

        places = [list(map(_place, text.lower().replace(".", "").split())) for text in texts]
        ends = np.cumsum([0, *map(len, places)])
        columns = np.fromiter((one for own in places for one in own), np.int64, int(ends[-1]))
        ones = _COMMON[columns]
        counts = csr_matrix((ones, columns, ends), shape=(len(texts), _HASHES))
        vectors: Vectors = counts @ self._directions
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = (vectors / np.maximum(norms, 1e-6)).astype(np.float32)
        return unit

    encode_queries = encode_passages

    @cached_property
    def _directions(self) -> NDArray[np.float32]:
        random = np.random.default_rng(3)
        return random.standard_normal((_HASHES, DIMENSION), dtype=np.float32)


def _place(word: str) -> int:
    return zlib.crc32(word.encode()) % _HASHES


def _common() -> NDArray[np.float32]:
    """How much a word counts: function words not at all."""
    weights = np.ones(_HASHES, np.float32)
    weights[[_place(word) for word in FUNCTION_WORDS]] = 0.0
    return weights


_COMMON = _common()


def _text(words: list[str]) -> str:
    sentences = (words[at : at + _SENTENCE] for at in range(0, len(words), _SENTENCE))
    return " ".join(f"{' '.join(one).capitalize()}." for one in sentences)
