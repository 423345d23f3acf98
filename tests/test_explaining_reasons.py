"""Reasons: what moved a hit, the terms that it matched, and which rewrite found it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from embedded import Embedded, whole

from rag import Rag, registry
from rag.arms import texts_of
from rag.explaining import Explanation, Fate, Origin
from rag.explaining.depths import depths_of
from rag.explaining.origins import singles
from rag.filters import parse_filter
from rag.protocols import Retriever, View
from rag.retrieve.bm25 import Bm25Retriever
from rag.retrieve.dense import DenseRetriever
from rag.store.rank_bm25 import RankBm25Engine
from rag.testing import HashingEncoder, MemoryView
from rag.types import Example, Hit, Passage, Query, Variant

WORDS = ("anchor", "boat", "crane", "dock", "engine", "ferry", "galley", "hull")
INDEX = """\
name: reasoned
index:
  chunk: {use: fixed, max_tokens: 64, context: none}
  encode: {use: sentence-transformers}
  lexical: {use: bm25, language: en}
query:
"""
BOTH = "  - retrieve: {fuse: {use: rrf}, of: [{use: bm25, k: 4}, {use: dense, k: 4}]}\n"


class Rewriting:
    """Adds one of each kind of text."""

    def rewrite(self, query: Query, view: View) -> Query:
        found = view.lexical([Variant("hull hull hull")], 1)
        return replace(
            query,
            variants=(
                Variant("galley", 0.5, "rewriting", "lexical"),
                Variant("the crane on the dock", 0.5, "rewriting"),
            ),
            hypotheses=(Variant("engine engine engine", 1.0, "rewriting", "dense"),),
            examples=tuple(Example(passage, 1.0, "rewriting") for passage, _ in found),
        )


class Backwards:
    """Scores the passages that come first lowest."""

    def score(self, question: str, passages: Sequence[Passage]) -> Sequence[float]:
        return [float(place) for place in range(len(passages))]


class Odd:
    """Chooses every second hit."""

    def select(self, query: Query, hits: Sequence[Hit], view: View) -> Sequence[Hit]:
        return hits[::2]


STUBS = {"rewriter": ("rewriting", Rewriting), "reranker": ("backwards", Backwards),
         "selector": ("odd", Odd)}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    """The stubs, as plug-ins are."""
    real = registry._registered

    def points(kind: str) -> Mapping[str, EntryPoint]:
        if kind not in STUBS:
            return real(kind)
        name, made = STUBS[kind]
        point = EntryPoint(name, f"{__name__}:{made.__name__}", registry.GROUPS[kind])
        return {**real(kind), name: point}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_registered", points)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of a document for each word, which it has once more than the one before."""
    folder = tmp_path_factory.mktemp("reasoned")
    for number, word in enumerate(WORDS, 1):
        others = " ".join(WORDS[:number])
        text = f"---\nyear: {2000 + number}\n---\n{' '.join([word] * number)} and {others}.\n"
        (folder / f"{word}.md").write_text(text)
    rag = opened(folder, BOTH)
    rag.index(*sorted(folder.glob("*.md")))
    rag.close()
    return folder


def opened(folder: Path, stages: str) -> Rag:
    (folder / "made.yaml").write_text(INDEX + stages)
    return Rag.open(
        folder / ".rag", pipeline=str(folder / "made.yaml"), encoder=HashingEncoder(), workers=0
    )


def explained(
    folder: Path, stages: str, question: str, expect: str | None = None, where: str = ""
) -> Explanation:
    rag = opened(folder, stages)
    try:
        filters = [parse_filter(where)] if where else []
        return rag.explain(question, expect, filters=filters)
    finally:
        rag.close()


def fate(found: Explanation) -> Fate:
    ((one,),) = [expected.fates for expected in found.expected]
    return one


def test_terms_add_up_to_the_score(folder: Path) -> None:
    found = explained(folder, "  - rewrite: {use: rewriting}\n" + BOTH, "a boat by the anchor")
    scored = 0
    for hit, reasons in zip(found.ranking.hits, found.reasons, strict=True):
        if "bm25" in hit.stages:
            scored += 1
            total = sum(one.score for one in reasons.terms)
            assert total == pytest.approx(hit.stages["bm25"].score, abs=1e-5)
    assert scored == 4
    words = {one.word for reasons in found.reasons for one in reasons.terms}
    assert words <= {"boat", "anchor", "galley", "crane", "dock"}


@pytest.mark.parametrize("engine", [None, RankBm25Engine(language="en")], ids=["tantivy", "rank"])
def test_contributions_add_up_after_edits(tmp_path: Path, engine: RankBm25Engine | None) -> None:
    made = Embedded(tmp_path / "store", engine=engine)
    made.put(*(whole(word, f"{word} {word} {' '.join(WORDS)}") for word in WORDS))
    made.put(whole("boat", "a boat"), whole("new", "boat and dock and dock"))
    made.commit([], ["hull"])
    query = Query("boats on the dock", variants=(Variant("the ferry", 0.3), Variant("dock", 0.2)))
    texts = texts_of(query, "lexical")
    with made.view() as view:
        found = view.lexical(texts, 20)
        parts = view.contributions(texts, [passage for passage, _ in found])
        few = view.contributions(texts, [found[2][0]])
    made.close()
    assert len(found) == len(WORDS)
    for (_, score), one in zip(found, parts, strict=True):
        assert sum(one.values()) == pytest.approx(score, abs=1e-5)
    assert few == [parts[2]]


def test_moves_follow_a_passage(folder: Path) -> None:
    stages = BOTH + "  - rerank: {use: backwards, top: 3}\n  - cut: {k: 3}\n"
    found = explained(folder, stages, "boat anchor boat")
    (_, fused), (_, reranked), _ = found.steps
    assert reranked.hits[0].passage == fused.hits[2].passage
    best = found.reasons[0]
    assert [one.name for one in best.moves] == [
        *(name for name in ("bm25", "dense") if name in found.ranking.hits[0].stages),
        "rrf", "backwards", "cut",
    ][: len(best.moves)]  # fmt: skip
    moves = {one.name: one for one in best.moves}
    assert (moves["rrf"].rank, moves["backwards"].rank) == (3, 1)
    assert moves["backwards"].moved == 2
    assert moves["backwards"].score == 2.0
    arms = [moves[name].rank for name in ("bm25", "dense") if name in moves]
    assert moves["rrf"].moved == min(rank for rank in arms if rank) - 3


def test_which_text_found_it(folder: Path) -> None:
    stages = "  - rewrite: {use: rewriting}\n" + BOTH
    found = explained(folder, stages, "boat")
    rag = opened(folder, BOTH)
    for hit, reasons in zip(found.ranking.hits, found.reasons, strict=True):
        told: dict[tuple[str, str], Origin] = {(one.kind, one.arm): one for one in reasons.origins}
        assert set(told) == {
            ("question", "bm25"), ("question", "dense"), ("variant", "bm25"), ("variant", "dense"),
            ("terms", "bm25"), ("hypothesis", "dense"), ("examples", "dense"),
        }  # fmt: skip
        for kind, text in (("question", "boat"), ("variant", "the crane on the dock")):
            alone = {one.passage.id: one.stages for one in rag.search(text).hits}
            for arm in ("bm25", "dense"):
                there = alone.get(hit.passage.id, {}).get(arm)
                one = told[kind, arm]
                assert (one.rank, one.score) == (
                    (None, None) if there is None else (there.rank, there.score)
                )
        assert told["terms", "bm25"].text == "galley"
        assert told["hypothesis", "dense"].by == "rewriting"
    rag.close()
    named = {hit.passage.source: reasons for hit, reasons in
             zip(found.ranking.hits, found.reasons, strict=True)}  # fmt: skip
    (hull,) = [one for source, one in named.items() if source.endswith("hull.md")]
    examples = [one for one in hull.origins if one.kind == "examples"]
    assert [one.rank for one in examples] == [1]


def test_only_what_an_arm_reads_found_it() -> None:
    alone = Variant("What is the ferry?", 1.0, "conversation", "lexical")
    invented = Variant("It leaves at nine.", 1.0, "hyde", "dense")
    query = Query(
        "And it?", variants=(alone,), hypotheses=(invented,), standalone=alone.text, dense_weight=0
    )

    def read(query: Query, arm: Retriever) -> list[tuple[str, str]]:
        return [(one.kind, one.text) for one in singles(query, arm)]

    assert read(query, Bm25Retriever()) == [("question", "And it?"), ("variant", alone.text)]
    assert read(query, DenseRetriever()) == [("hypothesis", invented.text)]
    unsaid = replace(query, variants=(), dense_weight=0.5)
    assert read(unsaid, Bm25Retriever()) == [("question", "And it?"), ("standalone", alone.text)]
    assert read(unsaid, DenseRetriever())[:2] == read(unsaid, Bm25Retriever())


def test_without_rewrites_the_question_found_it(folder: Path) -> None:
    found = explained(folder, BOTH, "boat")
    for hit, reasons in zip(found.ranking.hits, found.reasons, strict=True):
        assert {one.arm for one in reasons.origins} == {"bm25", "dense"}
        for one in reasons.origins:
            there = hit.stages.get(one.arm)
            assert one.rank == (there.rank if there else None)


def test_below_k_says_at_which_rank(folder: Path) -> None:
    shallow = BOTH.replace("k: 4", "k: 1")
    deep = BOTH.replace("k: 4", "k: 8")
    question = "anchor"
    rag = opened(folder, deep)
    ranks = {hit.passage.source: hit.stages for hit in rag.search(question).hits}
    rag.close()
    for word in WORDS[2:]:
        found = explained(folder, shallow, question, f"{word}.md")
        one = fate(found)
        (there,) = [stages for source, stages in ranks.items() if source.endswith(f"{word}.md")]
        if one.outcome == "not retrieved":
            assert {depth.arm: depth.rank for depth in one.depths} == {
                arm: there[arm].rank if arm in there else None for arm in ("bm25", "dense")
            }
            assert f"the 1 of 'bm25' (at {there['bm25'].rank})" in one.why
        for depth in one.depths:
            assert depth.k == 1 and depth.rank is not None and depth.rank > 1


def test_no_term_in_common(folder: Path) -> None:
    stages = "  - retrieve: {use: bm25, k: 2}\n"
    one = fate(explained(folder, stages, "hull", "boat.md"))
    assert one.outcome == "not retrieved"
    assert one.why == "not among the 2 of 'bm25' (no match at all)"
    assert one.as_dict()["below"] == [
        {"arm": "bm25", "k": 2, "rank": None, "score": None, "beyond": None}
    ]


class Listed:
    """Gives passages in the order of a list, and of one document alone where it is asked to."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.k = 10
        self.passages = passages
        self.asked: list[int] = []

    def retrieve(self, query: Query, view: View) -> list[tuple[Passage, float]]:
        self.asked.append(self.k)
        ranked = [(passage, -float(place)) for place, passage in enumerate(self.passages)]
        if query.filters:
            ranked = [pair for pair in ranked if pair[0].document_id != "other"]
        return ranked[: self.k]


def test_arms_are_asked_no_deeper_than_it_takes() -> None:
    passages = [Passage("other", place, place + 1, "x") for place in range(30_000)]
    passages[49], passages[25_000] = Passage("near", 0, 1, "x"), Passage("near", 1, 2, "x")
    passages[26_000] = Passage("far", 0, 1, "x")
    wanted = [passages[49], passages[25_000], Passage("near", 2, 3, "x")]
    arm = Listed(passages)
    view = MemoryView()
    found = depths_of(Query("?"), ("listed", arm), wanted, view, size=30_000)
    near, deep, never = (found[one.id] for one in wanted)
    assert (near.rank, near.score, near.k) == (50, -49.0, 10)
    assert (deep.rank, deep.score, deep.beyond) == (None, -25_000.0, 10_000)
    assert (never.rank, never.score, never.beyond) == (None, None, None)
    assert arm.k == 10
    assert arm.asked == [30_000, 10, 100, 1_000, 10_000]
    # A document that was not seen at all is looked for to the end.
    far = passages[26_000]
    assert depths_of(Query("?"), ("listed", arm), [far], view, size=30_000)[far.id].rank == 26_001


def test_filtered_says_by_what(folder: Path) -> None:
    where = 'year>=2005 and source~"md" and not title="x"'
    found = explained(folder, BOTH, "boat", "boat.md", where)
    assert fate(found).outcome == "filtered"
    assert fate(found).why == "filtered out: year>=2005 (it has year=2002)"
    assert found.expected[0].filtered == ("year>=2005 (it has year=2002)",)
    either = explained(folder, BOTH, "boat", "boat.md", "year=2001 or year=2003")
    assert either.expected[0].filtered == ("year=2001 or year=2003",)
    assert fate(explained(folder, BOTH, "boat", "boat.md", "year=2002")).outcome == "found"


def test_demoted_by_a_reranker_and_cut(folder: Path) -> None:
    plain = explained(folder, BOTH, "boat anchor boat")
    first = plain.ranking.hits[0].passage
    stages = BOTH + "  - rerank: {use: backwards, top: 4}\n  - cut: {k: 3}\n"
    one = fate(explained(folder, stages, "boat anchor boat", first.document_id))
    assert one.outcome == "left out"
    assert one.why == (
        "at rank 4 until 'cut', which keeps 3; 'backwards' moved it down from 1 to 4"
    )
    assert one.moves[-1].rank is None


def test_not_looked_at_by_the_reranker(folder: Path) -> None:
    arm = "  - retrieve: {use: bm25, k: 4}\n"
    last = explained(folder, arm, "boat").ranking.hits[3]
    stages = arm + "  - rerank: {use: backwards, top: 2}\n  - cut: {k: 3}\n"
    one = fate(explained(folder, stages, "boat", last.passage.document_id))
    assert one.why == (
        "at rank 4 until 'cut', which keeps 3; below the 2 that 'backwards' looks at"
    )


def test_left_out_by_a_selector(folder: Path) -> None:
    plain = explained(folder, BOTH, "boat anchor boat").ranking
    second = plain.hits[1].passage
    stages = BOTH + "  - select: {use: odd}\n"
    one = fate(explained(folder, stages, "boat anchor boat", second.document_id))
    assert one.outcome == "left out"
    assert one.why.startswith("at rank 2 until 'select' ('odd'), which left it out")


def test_everything_is_plain_data(folder: Path) -> None:
    import json

    stages = "  - rewrite: {use: rewriting}\n" + BOTH + "  - cut: {k: 2}\n"
    found = explained(folder, stages, "boat", "*.md")
    shape = json.loads(json.dumps(found.as_dict()))
    assert [step["stage"] for step in shape["steps"]] == ["rewrite", "retrieve", "cut"]
    assert len(shape["steps"][1]["ranking"]) > 2 == len(shape["steps"][2]["ranking"])
    assert len(shape["expected"]) == len(WORDS)
    assert shape["hits"][0]["moves"][0]["name"] in {"bm25", "dense"}
    assert {one["by"] for one in shape["variants"]} == {"rewriting"}
    assert shape["examples"][0]["passage"].endswith(found.ranking.query.examples[0].passage.id)
