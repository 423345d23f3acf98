"""Rerankers as document compressors of LangChain."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import harbour
import pytest
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.runnables import RunnablePassthrough
from pydantic import ValidationError

from rag import Passage, Rag
from rag.errors import ChatError, ModelError, RequestError
from rag.interop.langchain import RagCompressor, RagRetriever
from rag.protocols import Reranker
from rag.testing import HashingEncoder

NOTES = [
    Document(page_content="Gulls nest in April.", id="b", metadata={"author": "Ann", "page": 4}),
    Document(page_content="The ferry leaves at nine. Tickets are sold on board."),
    Document(page_content="Dogs travel free.", id="a", metadata={"start": 5}),
]


class Lengths:
    """The longer, the better."""

    def score(self, question: str, passages: Sequence[Passage]) -> list[float]:
        return [len(one.text) // 10 for one in passages]


@pytest.fixture(scope="module")
def rag(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rag]:
    with harbour.indexed(tmp_path_factory.mktemp("harbour")) as made:
        yield made


def sentences(**options: Any) -> RagCompressor:
    return RagCompressor(reranker="sentences", encoder=HashingEncoder(), **options)


def test_documents_of_any_origin() -> None:
    found = sentences().compress_documents(NOTES, "The ferry leaves at nine.")
    assert found[0].page_content == NOTES[1].page_content
    scores = [one.metadata.pop("relevance_score") for one in found]
    assert scores[0] == pytest.approx(1) and scores == sorted(scores, reverse=True)
    assert sorted(found, key=NOTES.index) == NOTES, "nothing else has changed"
    assert all("relevance_score" not in one.metadata for one in NOTES)


def test_the_first_of_them_and_ties_in_their_order() -> None:
    built = RagCompressor(reranker=Lengths(), top_n=2)
    found = built.compress_documents([NOTES[2], NOTES[0], *NOTES[1:2]], "ferry")
    assert [one.metadata["relevance_score"] for one in found] == [5.0, 2.0]
    tied = [Document(page_content=text) for text in ("xxx", "yyy", "zzz")]
    told = RagCompressor(reranker=Lengths()).compress_documents(tied, "ferry")
    assert [one.page_content for one in told] == ["xxx", "yyy", "zzz"]
    assert built.compress_documents([], "ferry") == []


def test_the_same_as_in_a_pipeline(rag: Rag) -> None:
    stage = "query=[{retrieve: {use: bm25, k: 5}}, {rerank: {use: sentences, top: 5}}]"
    whole = harbour.opened(rag.folder.parent, stage)
    plain = harbour.opened(rag.folder.parent, "query=[{retrieve: {use: bm25, k: 5}}]")
    found = RagRetriever(rag=plain).invoke(harbour.ASKED)
    reranked = sentences().compress_documents(found, harbour.ASKED)
    hits = whole.search(harbour.ASKED).hits
    assert len(hits) > 2
    assert [one.id for one in reranked] == [hit.passage.id for hit in hits]
    assert [one.metadata["relevance_score"] for one in reranked] == [hit.score for hit in hits]
    assert reranked[0].metadata["stages"]["bm25"]["rank"] >= 1
    whole.close()
    plain.close()


def test_texts_that_nothing_can_write_are_read() -> None:
    odd = Document(page_content="ferry \ud800")
    (found,) = sentences().compress_documents([odd], "ferry \ud800")
    assert found.page_content == odd.page_content
    assert found.metadata["relevance_score"] == pytest.approx(1)


async def test_async_and_as_a_link(rag: Rag) -> None:
    compressor = sentences(top_n=2)
    expected = compressor.compress_documents(NOTES, "dogs")
    assert await compressor.acompress_documents(NOTES, "dogs") == expected
    link = RunnablePassthrough.assign(documents=compressor.as_runnable())
    asked = {"question": "dogs", "documents": NOTES}
    assert link.invoke(asked)["documents"] == expected
    assert (await link.ainvoke(asked))["documents"] == expected


def test_a_chat_model_of_langchain_judges() -> None:
    chat = FakeListChatModel(responses=["2", "9", "4"])
    compressor = RagCompressor(reranker="llm", options={"concurrency": 1}, chat=chat)
    found = compressor.compress_documents(NOTES, "ferry")
    assert len(found) == 3
    assert found[0].metadata["relevance_score"] > found[1].metadata["relevance_score"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"reranker": "sentense"}, "did you mean 'sentences'"),
        ({"reranker": "sentences", "options": {"bset": 2}}, "bset"),
        ({"reranker": "sentences", "options": {"best": 0}}, "best"),
        ({"reranker": 5}, "'int' is no reranker"),
        ({"reranker": Lengths(), "options": {"best": 2}}, "it is built"),
        ({"reranker": "llm", "chat": "gpt"}, "'str' is no chat model"),
    ],
)
def test_what_is_no_reranker_is_refused_at_once(given: dict[str, Any], told: str) -> None:
    with pytest.raises(RequestError, match=told):
        RagCompressor(**given)


def test_other_mistakes() -> None:
    with pytest.raises(ValidationError, match="top_n"):
        RagCompressor(reranker=Lengths(), top_n=0)
    with pytest.raises(ValidationError, match="topn"):
        RagCompressor(reranker=Lengths(), topn=1)  # type: ignore[call-arg]
    with pytest.raises(RequestError, match="is empty"):
        sentences().compress_documents(NOTES, " ")
    with pytest.raises(RequestError, match="needs an encoder"):
        RagCompressor(reranker="sentences").compress_documents(NOTES, "ferry")


class Failing:
    def __init__(self, score: float | Exception) -> None:
        self.given = score

    def score(self, question: str, passages: Sequence[Passage]) -> list[float]:
        if isinstance(self.given, Exception):
            raise self.given
        return [self.given] * len(passages)


async def test_failures_pass_through() -> None:
    gone = ChatError("gone", again=True)
    compressor = RagCompressor(reranker=Failing(gone))
    with pytest.raises(ChatError) as caught:
        await compressor.acompress_documents(NOTES, "ferry")
    assert caught.value is gone
    with pytest.raises(ModelError, match="'Failing' gave a score that is no number"):
        RagCompressor(reranker=Failing(math.nan)).compress_documents(NOTES, "ferry")


def test_ours_are_rerankers() -> None:
    assert isinstance(Lengths(), Reranker)
