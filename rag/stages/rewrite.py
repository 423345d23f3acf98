"""The stage that adds to the question."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rag.protocols import Rewriter, View
from rag.tracing import note
from rag.types import Ranking, Variant


@dataclass(frozen=True, slots=True)
class RewriteStage:
    """Adds to the query. A rewriter that fails costs its additions, never the answer."""

    key: ClassVar[str] = "rewrite"
    name: str
    rewriter: Rewriter

    @property
    def uses(self) -> tuple[str, ...]:
        """The rewriter."""
        return (self.name,)

    def __call__(self, ranking: Ranking, view: View) -> Ranking:
        """`ranking` with the rewritten query."""
        query = ranking.query
        try:
            rewritten = self.rewriter.rewrite(query, view)
        except Exception as error:  # noqa: BLE001 a model server can fail in any way
            told = " ".join(str(error).split()) or type(error).__name__
            warnings.warn(f"rewriter '{self.name}' failed: {told}", stacklevel=2)
            note(f"failed, the question goes on as it was: {told}", failed=True)
            return ranking
        # Only additions are taken: text, filters and history are the caller's.
        query = replace(
            query,
            variants=_new(rewritten.variants, query.text),
            hypotheses=_new(rewritten.hypotheses),
            examples=rewritten.examples,
            standalone=rewritten.standalone,
            dense_weight=rewritten.dense_weight,
        )
        return replace(ranking, query=query)


def _new(variants: Sequence[Variant], text: str | None = None) -> tuple[Variant, ...]:
    """Each once, with its greatest weight, and none that only repeats `text`."""
    kept: dict[tuple[str, str], Variant] = {}
    for one in variants:
        key = (" ".join(one.text.split()).casefold(), one.arms)
        if not key[0] or (text is not None and key[0] == " ".join(text.split()).casefold()):
            continue
        if key not in kept or one.weight > kept[key].weight:
            kept[key] = one
    return tuple(kept.values())
