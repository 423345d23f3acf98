"""An encoder around another one: what is not said otherwise is passed on."""

from __future__ import annotations

from collections.abc import Sequence

from rag.protocols import Encoder, Tokenizer, Vectors


class WrappedEncoder:
    """Gives what `encoder` gives, but for the vectors of tokens: whoever has those adds them."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    @property
    def dimension(self) -> int:
        """Components of a vector."""
        return self._encoder.dimension

    @property
    def fingerprint(self) -> str:
        """That of the encoder itself."""
        return self._encoder.fingerprint

    @property
    def precision(self) -> str | None:
        """What it computes in, where it says so."""
        return getattr(self._encoder, "precision", None)

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of passages."""
        return self._encoder.tokenizer

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 `(len(texts), dimension)`, rows of length one."""
        return self._encoder.encode_passages(texts)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """The same for questions, with their prompt."""
        return self._encoder.encode_queries(texts)
