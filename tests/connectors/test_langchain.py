"""Loaders of LangChain, from Python."""

from __future__ import annotations

import datetime
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document as LangchainDocument

from rag.connectors.langchain import LangchainConnector
from rag.errors import RequestError, SourceError
from rag.protocols import Connector
from rag.sources import open_sources
from rag.testing import ConnectorSuite
from rag.types import Document, Failure, Item


class Loader(BaseLoader):
    """Yields documents, and fails after them where it is told to."""

    def __init__(self, *documents: Any, fails: bool = False) -> None:
        self.documents = documents
        self.fails = fails

    def lazy_load(self) -> Iterator[LangchainDocument]:
        yield from self.documents
        if self.fails:
            raise ConnectionError("server went\naway")


def one(text: str, own: str | None = None, **metadata: object) -> LangchainDocument:
    return LangchainDocument(page_content=text, id=own, metadata=metadata)


def documents(connector: Connector) -> list[Document]:
    return [step.load() for step in connector.items() if isinstance(step, Item)]


class TestLangchainConnector(ConnectorSuite):
    def make(self, folder: Path) -> Connector:
        texts = [one("a", "1"), one("b", "2"), one("c", "2"), one("d\n\ne", source="x"), one("")]
        return LangchainConnector(loader=Loader(*texts), name="notes")


class TestLangchainConnectorList(ConnectorSuite):
    def make(self, folder: Path) -> Connector:
        return LangchainConnector(loader=[one("a"), one("b"), "no document"], name="list")


def test_a_document_is_kept_with_its_metadata() -> None:
    found = one(
        "Lamp\r\n\r\noil\x00", "k", title="Port\nfees", page=3, when=datetime.date(2026, 1, 2),
        odd=object(), none=None, deep={"a": 1}, source="s.pdf",
    )  # fmt: skip
    (document,) = documents(LangchainConnector(loader=[found], name="n"))
    assert (document.id, document.title) == ("langchain:n#k", "Port fees")
    assert document.text == "Lamp\n\noil"
    assert [document.text[b.start : b.end] for b in document.blocks] == ["Lamp", "oil"]
    assert document.metadata == {"page": 3, "when": "2026-01-02", "deep.a": 1, "source": "s.pdf"}


def test_ids_without_ids_agree_from_run_to_run() -> None:
    texts = [one("a", source="x"), one("b", source="y"), one("c", source="x"), one("d"), one("d")]
    first, second = (
        [step.source for step in LangchainConnector(loader=Loader(*texts), name="n").items()]
        for _ in range(2)
    )
    assert first == second and len(set(first)) == 5
    assert first[:3] == ["langchain:n#x#1", "langchain:n#y#1", "langchain:n#x#2"]


def test_an_id_that_looks_like_a_counted_one_is_a_failure() -> None:
    steps = list(LangchainConnector(loader=[one("a", source="x"), one("b", "x#1")]).items())
    assert isinstance(steps[1], Failure) and "same id 'x#1'" in steps[1].error


def test_versions_follow_content_and_metadata() -> None:
    def version(found: LangchainDocument) -> str:
        (item,) = LangchainConnector(loader=[found], name="n").items()
        assert isinstance(item, Item)
        return item.version

    assert version(one("a", "1")) == version(one("a", "1"))
    assert len({version(one("a", "1")), version(one("b", "1")), version(one("a", "1", k=1))}) == 3


def test_a_loader_that_raises_in_the_middle_removes_nothing() -> None:
    connector = LangchainConnector(loader=Loader(one("a", "1"), fails=True), name="n")
    first, last = connector.items()
    assert isinstance(first, Item) and isinstance(last, Failure)
    assert (
        last.error
        == "the loader failed after 1 documents: ConnectionError: server went away; run again"
    )
    assert connector.covers(first.source) and not connector.covers("langchain:n#2")


def test_loading_is_lazy() -> None:
    def endless() -> Iterator[LangchainDocument]:
        number = 0
        while True:
            number += 1
            yield one(f"text {number}", str(number))

    class Endless(BaseLoader):
        def lazy_load(self) -> Iterator[LangchainDocument]:
            return endless()

    listed = LangchainConnector(loader=Endless()).items()
    assert [next(listed).source for _ in range(3)][-1] == "langchain:Endless#3"


def test_without_a_name_nothing_is_ever_removed() -> None:
    connector = LangchainConnector(loader=Loader(one("a", "1")))
    assert [document.id for document in documents(connector)] == ["langchain:Loader#1"]
    assert not connector.covers("langchain:Loader#1")
    named = LangchainConnector(loader=Loader(one("a", "1")), name="Loader")
    assert documents(named) and named.covers("langchain:Loader#2")
    assert not named.covers("langchain:Loader2#2")


def test_a_generator_is_listed_once() -> None:
    connector = LangchainConnector(loader=(one(text) for text in "ab"), name="n")
    assert len(documents(connector)) == 2
    with pytest.raises(SourceError, match="read already"):
        list(connector.items())
    assert not connector.covers("langchain:n#1")


def test_what_is_no_loader_is_refused() -> None:
    with pytest.raises(SourceError, match="'int' is no loader"):
        LangchainConnector(loader=5)


def test_it_cannot_be_written_out() -> None:
    for text in ("{use: langchain}", "{use: langchain, name: n}"):
        with pytest.raises(RequestError, match=r"given from Python.*LangchainConnector\(loader="):
            open_sources([text])
    assert isinstance(open_sources([LangchainConnector(loader=[])]), LangchainConnector)


def test_langchain_itself_is_not_needed() -> None:
    code = "import sys, rag.connectors.langchain as c; assert 'langchain_core' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
