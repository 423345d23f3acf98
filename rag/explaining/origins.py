"""Which text of a query found a passage: the question as it was asked, or a rewrite of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeAlias

from rag.arms import texts_of
from rag.protocols import Retriever, View
from rag.types import Passage, Query, StageScore, Variant

Kind: TypeAlias = Literal["question", "standalone", "variant", "terms", "hypothesis", "examples"]
Found: TypeAlias = Mapping[str, StageScore]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an arm would have put a passage if it had been asked for one text of the query alone.

    `rank` is None where it would not have found it among its `k`. `by` is the rewriter.
    """

    arm: str
    kind: Kind
    text: str
    by: str = ""
    rank: int | None = None
    score: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Single:
    """One text of a query, and the query that has no other."""

    kind: Kind
    text: str
    by: str
    query: Query


def origins_of(
    query: Query, arms: Sequence[tuple[str, Retriever]], passages: Sequence[Passage], view: View
) -> list[tuple[Origin, ...]]:
    """For each passage where each arm puts it for each text of `query` that the arm reads.

    Arms are asked anew, once for each text.
    """
    told: list[list[Origin]] = [[] for _ in passages]
    for name, arm in arms:
        for single in singles(query, arm):
            found = _found(arm, single.query, view)
            for passage, origins in zip(passages, told, strict=True):
                place = found.get(passage.id)
                origins.append(origin(name, single.text, place, single.kind, single.by))
    return [tuple(origins) for origins in told]


def origin(
    arm: str, text: str, place: StageScore | None, kind: Kind = "question", by: str = ""
) -> Origin:
    """An origin for what an arm gave; None where it did not give the passage."""
    if place is None:
        return Origin(arm, kind, text, by)
    return Origin(arm, kind, text, by, place.rank, place.score)


def singles(query: Query, arm: Retriever) -> Iterator[Single]:
    """What `arm` reads of `query`, text by text.

    Terms that a rewriter gives one by one count as one text, and so do its examples.
    """
    bare = replace(query, variants=(), hypotheses=(), examples=(), standalone="", dense_weight=1.0)
    needs = getattr(arm, "needs", None)
    # A question without weight is not read, nor what stands alone where a variant says the same.
    texts = texts_of(query, "dense" if needs == "encode" else "lexical")
    own = {one.text for one in texts if not one.by}
    if query.text in own:
        yield Single("question", query.text, "", bare)
    if query.standalone != query.text and query.standalone in own:
        yield Single("standalone", query.standalone, "", replace(bare, text=query.standalone))
    read = {"all", {"lexical": "lexical", "encode": "dense"}.get(needs or "", "all")}
    yield from _variants([one for one in query.variants if one.arms in read], bare)
    if needs != "lexical":
        # Their weights are relative to the question's, which has none here.
        unasked = replace(bare, dense_weight=0.0)
        for one in query.hypotheses:
            alone = replace(unasked, hypotheses=(replace(one, weight=1.0),))
            yield Single("hypothesis", one.text, one.by, alone)
        for by in dict.fromkeys(one.by for one in query.examples):
            some = tuple(one for one in query.examples if one.by == by)
            text = " ".join(one.passage.id for one in some)
            yield Single("examples", text, by, replace(unasked, examples=some))


def _variants(variants: Sequence[Variant], bare: Query) -> Iterator[Single]:
    terms = [one for one in variants if one.is_term]
    for one in variants:
        if not one.is_term:
            yield Single("variant", one.text, one.by, replace(bare, text=one.text))
    for by in dict.fromkeys(one.by for one in terms):
        text = " ".join(one.text for one in terms if one.by == by)
        yield Single("terms", text, by, replace(bare, text=text))


def _found(arm: Retriever, query: Query, view: View) -> Found:
    ranked = enumerate(arm.retrieve(query, view), 1)
    return {passage.id: StageScore(rank, score) for rank, (passage, score) in ranked}
