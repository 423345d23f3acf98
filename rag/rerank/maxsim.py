"""Late interaction: each token of the question finds the token of the passage nearest to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rag.errors import RequestError
from rag.protocols import Encoder, TokenEncoder
from rag.types import Passage

if TYPE_CHECKING:
    from rag.protocols import Vectors


class MaxSimReranker:
    """Scores a passage by its tokens: the mean, over the question's, of the nearest cosine.

    The late interaction of ColBERT (Khattab and Zaharia 2020) with the token vectors of the
    index's own encoder, which needs no further weights. Special tokens and prompts count for
    nothing on either side. A passage is read with its context, as far as the encoder reads; its
    score is from -1 to 1, and the same whatever is scored with it. Needs an encoder that gives
    the vectors of tokens.
    """

    needs: ClassVar[str] = "encode"
    given: ClassVar[tuple[str, ...]] = ("encoder",)

    def __init__(self, *, encoder: Encoder | None = None) -> None:
        self.encoder = encoder

    def score(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """One score for each passage. Tokens of some passages are in memory at a time."""
        encoder = self._token_encoder()
        (asked,) = encoder.encode_query_tokens([question])
        rows, _ = asked.standing()
        found = encoder.encode_tokens([passage.indexed for passage in passages])
        return [_interaction(rows, one.standing()[0]) for one in found]

    def _token_encoder(self) -> TokenEncoder:
        if isinstance(self.encoder, TokenEncoder):
            return self.encoder
        told = (
            "there is none" if self.encoder is None else f"'{type(self.encoder).__name__}' is none"
        )
        raise RequestError(
            "query.rerank: 'maxsim' needs an encoder that gives the vectors of tokens, "
            f"and {told}: choose another index.encode, or another reranker"
        )


def _interaction(asked: Vectors, passage: Vectors) -> float:
    return float((asked @ passage.T).max(axis=1).mean())
