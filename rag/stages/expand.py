"""The stage that grows the passages of hits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rag.errors import IndexDamagedError
from rag.places import place_of
from rag.protocols import Expander, View
from rag.sentences import block_at
from rag.types import Document, Hit, Passage, Ranking


@dataclass(frozen=True, slots=True)
class ExpandStage:
    """Grows the passages of hits; hits of a document that then share text become the best of them.

    Order, scores and stages stay, and so does every document. What stands around a passage
    tells what it is about: DAPR (Wang et al. 2024).
    """

    key: ClassVar[str] = "expand"
    name: str
    expander: Expander

    @property
    def uses(self) -> tuple[str, ...]:
        """The expander."""
        return (self.name,)

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """`ranking` with longer passages."""
        together: dict[str, list[Hit]] = {}
        for hit in ranking.hits:
            together.setdefault(hit.passage.document_id, []).append(hit)
        grown: dict[str, Hit] = {}
        for name, hits in together.items():
            document = view.document(name)
            if document is None:
                raise IndexDamagedError(
                    f"the document '{name}' of a passage is not in the index: run 'rag verify'"
                )
            grown.update(_grown(hits, document, self.expander))
        return replace(
            ranking,
            hits=tuple(grown[id_] for hit in ranking.hits if (id_ := hit.passage.id) in grown),
        )


def _grown(
    hits: Sequence[Hit], document: Document, expander: Expander
) -> Iterator[tuple[str, Hit]]:
    """The id of the best passage, and the hit that it becomes, for each stretch of `document`."""
    spans = sorted((*expander.expand(hit.passage, document), at) for at, hit in enumerate(hits))
    stretches: list[tuple[int, int, list[int]]] = []
    for start, end, at in spans:
        if stretches and start < stretches[-1][1]:
            first, last, places = stretches[-1]
            stretches[-1] = first, max(last, end), [*places, at]
        else:
            stretches.append((start, end, [at]))
    for start, end, places in stretches:
        merged = [hits[place] for place in sorted(places)]
        passage = _spanning(document, merged[0].passage, start, end)
        found = tuple(one for hit in merged for one in hit.found or (hit.passage,))
        yield merged[0].passage.id, replace(merged[0], passage=passage, found=found)


def _spanning(document: Document, passage: Passage, start: int, end: int) -> Passage:
    """`passage` grown to another span; its page stays that of what was found."""
    block = block_at(document.blocks, start)
    return replace(
        passage,
        start=start,
        end=end,
        text=document.text[start:end],
        headings=block.headings if block else passage.headings,
        place=place_of(document.blocks, start, end),
    )
