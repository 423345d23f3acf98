"""Late chunking: the document is encoded first, and cut into passages afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from rag.chunk.counting import readable
from rag.chunk.pool import PassagePool
from rag.chunk.windows import Window, windows
from rag.errors import RequestError
from rag.protocols import Chunker, Encoder, TokenEncoder, Tokenizer, TokenVectors, Vectors
from rag.registry import Nested
from rag.types import Document, Passage

# Tokens whose vectors are asked for together.
_ASKED_TOKENS = 16_384
# Of the paper's long variant.
_MOST_OVERLAP = 256

_Cut: TypeAlias = Sequence[tuple[Document, Sequence[Passage]]]


class LateChunker:
    """Passages as `boundaries` cuts them, their vectors made of the whole document's tokens.

    Late chunking (Günther et al. 2024): all tokens of the document go through the encoder
    together, and a passage's vector is the mean of its own tokens, which have seen the
    others. A document that is longer than the encoder reads is read in windows of `window`
    tokens, by default as many as the encoder reads, and each begins with the last `overlap`
    tokens of the one before, by default a quarter of the window and at most 256. Nothing is
    shared between documents. A passage's `context` is for BM25 alone, as its vector has the
    document's. Needs an encoder that pools by the mean of its tokens' vectors.
    """

    needs: ClassVar[str] = "encode"

    def __init__(
        self,
        *,
        boundaries: Annotated[Chunker, Nested("chunker", default="fixed")],
        window: Annotated[int, Field(ge=16)] | None = None,
        overlap: Annotated[int, Field(ge=0)] | None = None,
    ) -> None:
        self.boundaries = boundaries
        self.window = window
        self.overlap = overlap

    @classmethod
    def faults(cls, options: dict[str, object]) -> list[tuple[str, str]]:
        """An overlap must leave room for something new, and vectors are made once."""
        boundaries = options.get("boundaries")
        if isinstance(boundaries, dict) and boundaries.get("use") == "late":
            return [("boundaries", "'late' within 'late': name the chunker that is to cut")]
        window, overlap = options.get("window"), options.get("overlap")
        if isinstance(window, int) and isinstance(overlap, int) and overlap >= window:
            return [("overlap", f"an overlap of {overlap} leaves nothing new in {window} tokens")]
        return []

    def chunk(self, document: Document, tokenizer: Tokenizer) -> Iterator[Passage]:
        """The passages of `document`, in order."""
        return self.boundaries.chunk(document, tokenizer)

    def encode(self, cut: _Cut, encoder: Encoder) -> Iterator[Vectors]:
        """Vectors of each document's passages: see `rag.protocols.ContextualChunker`.

        Some 16,000 tokens of windows, of one document or of several, are in memory at a time.
        """
        if not isinstance(encoder, TokenEncoder):
            raise RequestError(
                "index.chunk: late chunking needs an encoder that gives the vectors of tokens, "
                f"and '{type(encoder).__name__}' gives none: choose another index.encode"
            )
        return self._encode(cut, encoder, *self._sizes(encoder.tokenizer.limit))

    def _sizes(self, limit: int) -> tuple[int, int]:
        """The tokens of a window and of an overlap."""
        size = self.window or limit
        if size > limit:
            raise RequestError(
                f"index.chunk.window: {size} tokens are more than the {limit} that the encoder "
                "reads"
            )
        overlap = min(_MOST_OVERLAP, size // 4) if self.overlap is None else self.overlap
        if overlap >= size:
            raise RequestError(
                f"index.chunk.overlap: {overlap} tokens leave nothing new in a window of {size}"
            )
        return size, overlap

    def _encode(
        self, cut: _Cut, encoder: TokenEncoder, size: int, overlap: int
    ) -> Iterator[Vectors]:
        texts = [readable(document).text for document, _ in cut]
        pools = [PassagePool(text, cut[n][1]) for n, text in enumerate(texts)]
        read = _read(texts, pools, encoder, size, overlap)
        ahead = next(read, None)
        for number, pool in enumerate(pools):
            while ahead is not None and ahead[0] == number:
                pool.add(*ahead[1:])
                ahead = next(read, None)
            yield pool.vectors(encoder)


def _read(
    texts: Sequence[str],
    pools: Sequence[PassagePool],
    encoder: TokenEncoder,
    size: int,
    overlap: int,
) -> Iterator[tuple[int, Window, TokenVectors]]:
    """Every window that some passage wants, with the number of its document and its tokens."""
    wanted = (
        (number, window)
        for number, pool in enumerate(pools)
        if len(pool)
        for window in windows(texts[number], encoder.tokenizer, size, overlap)
        if pool.wants(window)
    )
    while some := list(islice(wanted, max(1, _ASKED_TOKENS // size))):
        asked = [texts[number][window.start : window.end] for number, window in some]
        for (number, window), tokens in zip(some, encoder.encode_tokens(asked), strict=True):
            yield number, window, tokens
