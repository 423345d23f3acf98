"""HyDE and multi-query rewriting on the founding papers' titles and abstracts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest
from embedded import Embedded, whole
from founding import SEEDS, encoder, titles_and_abstracts
from scripted import Scripted, failing

from rag.fuse.rrf import RrfFuser
from rag.pipeline import run
from rag.protocols import Rewriter
from rag.retrieve.bm25 import Bm25Retriever
from rag.retrieve.dense import DenseRetriever
from rag.rewrite.conversation import ConversationRewriter
from rag.rewrite.hyde import HydeRewriter
from rag.rewrite.multi_query import MultiQueryRewriter
from rag.stages.retrieve import RetrieveStage
from rag.stages.rewrite import RewriteStage
from rag.stages.stage import Stage
from rag.types import Query, Turn

if TYPE_CHECKING:
    from rag.store.view import StoreView

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1_200),  # the abstracts are encoded first
    pytest.mark.skipif(not SEEDS, reason="the founding abstracts are not here"),
]
ARMS: Sequence[tuple[str, Stage]] = (
    ("bm25", RetrieveStage([("bm25", Bm25Retriever())], None)),
    ("dense", RetrieveStage([("dense", DenseRetriever())], None)),
    (
        "fused",
        RetrieveStage(
            [("bm25", Bm25Retriever()), ("dense", DenseRetriever())], ("rrf", RrfFuser())
        ),
    ),
)
HISTORY = (
    Turn("user", "What is MUVERA?"),
    Turn("assistant", "MUVERA reduces multi-vector retrieval to single-vector similarity search."),
)
FOLLOW_UP = Query("And how much lower is its latency?", history=HISTORY)
REWRITES = (
    "How much lower is the latency of MUVERA multi-vector retrieval?",
    "MUVERA fixed dimensional encodings latency reduction compared to prior work",
)


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreView]:
    store = Embedded(tmp_path_factory.mktemp("founding") / "index", encoder())
    papers = titles_and_abstracts()
    store.put(*(whole(f"{number:03}", text) for number, (_, text) in enumerate(papers, 1)))
    encoder().encode_passages([beginning(text) for _, text in papers])
    with store.view() as opened:
        yield opened
    store.close()


def beginning(text: str) -> str:
    """The first two sentences."""
    return " ".join(re.split(r"(?<=[.!?])\s+", text)[:2])


def ranks(view: StoreView, query: Query, name: str, rewriter: Rewriter | None = None) -> list[str]:
    """Documents as found, best first."""
    stages: list[Stage] = [] if rewriter is None else [RewriteStage("rewriter", rewriter)]
    ranking = run([*stages, dict(ARMS)[name]], query, view)
    return [hit.passage.document_id for hit in ranking.hits]


def reciprocal(view: StoreView, rewriter: Rewriter | None = None) -> float:
    """MRR@10 of the dense arm, every title a question."""
    total = 0.0
    for number, (title, _) in enumerate(titles_and_abstracts(), 1):
        first = ranks(view, Query(title), "dense", rewriter)[:10]
        total += 1 / (1 + first.index(f"{number:03}")) if f"{number:03}" in first else 0
    return total / len(titles_and_abstracts())


def invented(message: str) -> str:
    """The beginning of the abstract whose title the message asks about."""
    found = re.search(r"<question>(.*)</question>", message)
    assert found is not None
    return beginning(dict(titles_and_abstracts())[found[1]])


def test_an_invented_passage_finds_the_real_one(view: StoreView) -> None:
    assert reciprocal(view) == pytest.approx(0.862, abs=0.002)
    assert reciprocal(view, HydeRewriter(chat=Scripted(invented))) >= 0.97


def test_the_invented_passage_is_the_query(view: StoreView) -> None:
    constant = Scripted("The ferry leaves the island at nine.")
    assert reciprocal(view, HydeRewriter(chat=constant, query_weight=0.0)) < 0.05


def test_a_model_that_fails_costs_nothing(view: StoreView) -> None:
    rewriter = HydeRewriter(chat=Scripted(failing), query_weight=0.0, retries=0)
    with pytest.warns(UserWarning, match="rewriter 'rewriter' failed"):
        assert reciprocal(view, rewriter) == pytest.approx(0.862, abs=0.002)


def test_the_lexical_arm_keeps_the_question(view: StoreView) -> None:
    rewriter = HydeRewriter(chat=Scripted(invented), query_weight=0.0)
    for title, _ in titles_and_abstracts()[:20]:
        query = Query(title)
        assert ranks(view, query, "bm25", rewriter) == ranks(view, query, "bm25")


def test_the_raw_follow_up_is_not_enough(view: StoreView) -> None:
    places = {name: ranks(view, FOLLOW_UP, name).index("083") + 1 for name, _ in ARMS}
    assert places["bm25"] == 1 and places["dense"] == 98 and places["fused"] > 10


@pytest.mark.parametrize("name", [name for name, _ in ARMS])
def test_rewrites_find_what_the_history_was_about(view: StoreView, name: str) -> None:
    both = MultiQueryRewriter(chat=Scripted("\n".join(REWRITES)), n=2, shares=[0.6, 0.4])
    found = ranks(view, FOLLOW_UP, name, both)
    assert found[0] == "083" and len(set(found)) == len(found)
    for rewrite in REWRITES:
        for alone in (
            MultiQueryRewriter(chat=Scripted(rewrite), query_weight=0.0),
            ConversationRewriter(chat=Scripted(rewrite), query_weight=0.0),
        ):
            assert ranks(view, FOLLOW_UP, name, alone)[0] == "083"


@pytest.mark.parametrize("name", [name for name, _ in ARMS])
def test_a_rewrite_equal_to_the_question_changes_nothing(view: StoreView, name: str) -> None:
    for query_weight in (1.0, 0.0):
        echo = MultiQueryRewriter(
            chat=Scripted(FOLLOW_UP.text.upper()), n=2, query_weight=query_weight
        )
        assert ranks(view, FOLLOW_UP, name, echo) == ranks(view, FOLLOW_UP, name)
    without = MultiQueryRewriter(chat=Scripted("\n".join(REWRITES)))
    with_it = MultiQueryRewriter(chat=Scripted("\n".join([*REWRITES, FOLLOW_UP.text])))
    assert ranks(view, FOLLOW_UP, name, with_it) == ranks(view, FOLLOW_UP, name, without)
