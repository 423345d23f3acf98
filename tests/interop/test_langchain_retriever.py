"""A pipeline as a retriever of LangChain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harbour
import pytest
from langchain_core.documents import Document
from langchain_core.runnables import ConfigurableField
from pydantic import ValidationError

from rag import Condition, Rag
from rag.errors import NoIndexError, RequestError
from rag.filters import Filters
from rag.interop.langchain import RagRetriever


@pytest.fixture(scope="module")
def rag(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rag]:
    with harbour.indexed(tmp_path_factory.mktemp("harbour")) as made:
        yield made


def sources(documents: list[Document]) -> list[str]:
    return [Path(one.metadata["source"]).name for one in documents]


def test_documents_are_the_hits_of_a_search(rag: Rag) -> None:
    found, hits = RagRetriever(rag=rag).invoke(harbour.ASKED), rag.search(harbour.ASKED).hits
    assert [one.page_content for one in found] == [hit.passage.text for hit in hits]
    assert [one.id for one in found] == [hit.passage.id for hit in hits]
    assert [one.metadata["score"] for one in found] == [hit.score for hit in hits]
    assert [one.metadata["rank"] for one in found] == list(range(1, len(hits) + 1))
    best = found[0].metadata
    assert best["headings"] == ["Ferry"] and best["year"] == 2024
    assert set(best["stages"]) >= {"bm25", "dense"}
    assert best["stages"]["bm25"].keys() == {"rank", "score"}


def test_k_and_filters_of_the_retriever_and_of_a_call(rag: Rag) -> None:
    retriever = RagRetriever(rag=rag, k=2)
    assert len(retriever.invoke(harbour.ASKED)) == 2
    assert len(retriever.invoke(harbour.ASKED, k=3)) == 3
    recent = RagRetriever(rag=rag, filters="year>=2024")
    assert sorted(sources(recent.invoke("ferry"))) == ["dogs.md", "ferry.md"]
    filters: Filters = Condition("year", "=", 2026)
    assert sources(recent.invoke("ferry", filters=filters)) == ["dogs.md"]


def test_what_no_call_could_be_made_with_is_refused_at_once(rag: Rag) -> None:
    with pytest.raises(RequestError, match=r"'k' is 9.*leaves 8.*overrides=\['query.cut\[0\].k=9'"):
        RagRetriever(rag=rag, k=9)
    with pytest.raises(RequestError, match="year>"):
        RagRetriever(rag=rag, filters="year>")
    with pytest.raises(ValidationError, match="k\n"):
        RagRetriever(rag=rag, k=0)
    with pytest.raises(ValidationError, match="top_k\n"):
        RagRetriever(rag=rag, top_k=3)  # type: ignore[call-arg]
    with pytest.raises(RequestError, match="'k' is 0"):
        RagRetriever(rag=rag).invoke("ferry", k=0)


def test_the_override_that_is_named_helps(rag: Rag) -> None:
    wider = harbour.opened(rag.folder.parent, "query.cut[0].k=9")
    assert len(RagRetriever(rag=wider, k=9).invoke("ferry")) == len(harbour.TEXTS)
    wider.close()


async def test_errors_are_those_of_a_search(rag: Rag, tmp_path: Path) -> None:
    retriever = RagRetriever(rag=rag)
    for asked, filters, told in ((" ", (), "is empty"), ("ferry", "colour=red", "colour")):
        with pytest.raises(RequestError, match=told):
            retriever.invoke(asked, filters=filters)
        with pytest.raises(RequestError, match=told):
            await retriever.ainvoke(asked, filters=filters)
    nowhere = harbour.opened(tmp_path)
    with pytest.raises(NoIndexError):
        (RagRetriever(rag=nowhere) | len).invoke("ferry")
    nowhere.close()


async def test_async_finds_the_same(rag: Rag) -> None:
    retriever = RagRetriever(rag=rag, k=3)
    questions = [harbour.ASKED, "Who lights the lamp?", "gulls"]
    expected = [retriever.invoke(question) for question in questions]
    assert [await retriever.ainvoke(question) for question in questions] == expected
    assert await retriever.abatch(questions) == expected
    assert retriever.batch(questions) == expected
    assert len(await retriever.ainvoke(questions[0], k=1)) == 1


async def test_many_threads_and_tasks_share_one(rag: Rag) -> None:
    retriever = RagRetriever(rag=rag, k=2)
    words = ["ferry", "lamp", "oil", "gulls", "dogs", "keeper", "harbour", "dusk"] * 8
    alone = {word: retriever.invoke(word) for word in set(words)}
    with ThreadPoolExecutor(64) as pool:
        assert list(pool.map(retriever.invoke, words)) == [alone[word] for word in words]
    together = await asyncio.gather(*(retriever.ainvoke(word) for word in words * 3))
    assert together == [alone[word] for word in words * 3]


def test_k_can_be_left_to_whoever_calls(rag: Rag) -> None:
    open_ended = RagRetriever(rag=rag, k=2).configurable_fields(k=ConfigurableField("passages"))
    assert len(open_ended.invoke("ferry")) == 2
    assert len(open_ended.with_config(configurable={"passages": 1}).invoke("ferry")) == 1


async def test_callbacks_are_told(rag: Rag) -> None:
    events = [event async for event in RagRetriever(rag=rag, k=1).astream_events("ferry")]
    assert [event["event"] for event in events][:1] == ["on_retriever_start"]
    (ended,) = [event for event in events if event["event"] == "on_retriever_end"]
    assert len(ended["data"]["output"]) == 1
