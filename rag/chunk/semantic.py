"""Passages that end where the subject changes, as the vectors of sentences tell it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from rag.chunk.breakpoints import Stretch, optimum, percentile
from rag.chunk.context import ContextKind
from rag.chunk.counting import readable
from rag.chunk.packing import by_page, total
from rag.chunk.passages import DEFAULT_TOKENS, Passages
from rag.chunk.units import Unit, groups, units
from rag.protocols import Encoder, Tokenizer
from rag.sentences import block_at
from rag.types import Document, Passage

# Sentences whose vectors are in memory together; passages do not go beyond them.
_STRETCH = 2_000


class SemanticChunker:
    """Cuts between sentences where the subject changes, as the encoder's vectors tell it.

    With `method: optimum` the cuts are, of all possible ones, those under which the sentences
    of each passage are most alike: the sum over pairs of their cosine less the mean cosine of
    all pairs (as cluster chunking has it, Smith and Troynikov 2024). With `method: percentile`
    a passage ends where the `buffer` sentences before and after a gap are further apart than at
    `percentile` percent of the document's gaps. No passage is longer than `max_tokens`,
    without it than the encoder reads, up to 256; nor shorter than `min_tokens`, without it a
    quarter of that, unless a page ends or nothing else fits. A heading stays with what follows
    it, and a table that fits whole. Every sentence is encoded as well as every passage, which
    doubles the time that encoding takes. `context` is as with `fixed`.
    """

    given: ClassVar[tuple[str, ...]] = ("encoder",)
    needs: ClassVar[str] = "encode"

    def __init__(
        self,
        *,
        encoder: Encoder,
        method: Literal["optimum", "percentile"] = "optimum",
        max_tokens: Annotated[int, Field(ge=8)] | None = None,
        min_tokens: Annotated[int, Field(ge=0)] | None = None,
        percentile: Annotated[float, Field(gt=0, lt=100)] = 90.0,
        buffer: Annotated[int, Field(ge=1, le=50)] = 3,
        context: ContextKind = "headings",
    ) -> None:
        self.encoder = encoder
        self.method = method
        self.max_tokens = max_tokens
        self.min_tokens = min_tokens
        self.percentile = percentile
        self.buffer = buffer
        self.context = context

    @classmethod
    def faults(cls, options: dict[str, object]) -> list[tuple[str, str]]:
        """The least must leave a choice below the most."""
        most, least = options.get("max_tokens") or DEFAULT_TOKENS, options.get("min_tokens") or 0
        if isinstance(most, int) and isinstance(least, int) and least > most // 2:
            message = f"at least {least} tokens of {most} leave no choice: take {most // 2} or less"
            return [("min_tokens", message)]
        return []

    def chunk(self, document: Document, tokenizer: Tokenizer) -> Iterator[Passage]:
        """The passages of `document`, in order."""
        passages = Passages(document, tokenizer, max_tokens=self.max_tokens, context=self.context)
        text = readable(document).text
        found = groups(units(document, tokenizer, passages.most), passages.most)
        pieces = _headed(document, found, passages.most)
        while some := list(islice(pieces, _STRETCH)):
            start = 0
            for end in self._ends(some, text, passages):
                yield from passages.of(some[start][0].start, some[end - 1][-1].end)
                start = end

    def _ends(
        self, pieces: Sequence[Sequence[Unit]], text: str, passages: Passages
    ) -> Sequence[int]:
        least = passages.most // 4 if self.min_tokens is None else self.min_tokens
        # Space says nothing, and there can be millions of it.
        sentences = [text[one[0].start : one[-1].end].strip() for one in pieces]
        stretch = Stretch(
            self.encoder.encode_passages(sentences),
            np.array([total(one) for one in pieces], np.int64),
            np.array([passages.room(one[0].start) for one in pieces], np.int64),
            np.array(
                [n > 0 and by_page(pieces[n - 1][-1], one[0]) for n, one in enumerate(pieces)]
            ),
        )
        if self.method == "optimum":
            return optimum(stretch, least)
        return percentile(stretch, least, self.percentile, self.buffer)


def _headed(document: Document, found: Iterable[list[Unit]], most: int) -> Iterator[list[Unit]]:
    """The same groups, headings together with what follows them on their page."""
    held: list[Unit] = []
    for group in found:
        if held and (by_page(held[-1], group[0]) or total(held) + total(group) > most):
            yield held
            held = []
        held = [*held, *group]
        block = block_at(document.blocks, group[0].start)
        if block is None or block.kind != "heading":
            yield held
            held = []
    if held:
        yield held
