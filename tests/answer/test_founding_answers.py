"""The founding papers answer what they are about, and nothing else, at the default threshold."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from founding import SEEDS, encoder, titles_and_abstracts

from rag.config import load_pipeline
from rag.corpus import WholeDocument
from rag.evaluate.intervals import bootstrap_mean
from rag.rag import Rag
from rag.types import Document, Item

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1_200),  # the abstracts are encoded first
    pytest.mark.skipif(not SEEDS, reason="no abstracts in ../shared/seeds"),
]


class Papers:
    """Every abstract as a document; its id is its title."""

    def items(self) -> Iterator[Item]:
        for title, abstract in titles_and_abstracts():
            found = Document(title, title, abstract, title)
            yield Item(title, title, found.content_hash, partial(self._same, found))

    def covers(self, source: str) -> bool:
        return True

    @staticmethod
    def _same(document: Document) -> Document:
        return document


@pytest.fixture(scope="module", params=["dense", "hybrid"])
def rag(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rag]:
    pipeline = load_pipeline(request.param)
    assert pipeline.answer.changed() == {}
    folder = tmp_path_factory.mktemp("founding") / "index"
    with Rag(folder, pipeline, encoder(), WholeDocument(), workers=0) as opened:
        opened.index(Papers())
        yield opened


def test_what_no_paper_is_about_is_not_answered(rag: Rag) -> None:
    answer = rag.ask("banana bread recipe")
    assert (answer.abstained, answer.citations) == (True, ())
    assert answer.hits


def test_what_a_paper_is_about_is_answered_from_it(rag: Rag) -> None:
    answer = rag.ask("how is late chunking done")
    assert not answer.abstained
    assert answer.hits[0].passage.document_id.startswith("Late Chunking: ")
    assert answer.citations[0].document_id == answer.hits[0].passage.document_id


def test_the_share_of_titles_that_find_their_abstract_has_an_interval() -> None:
    titles, abstracts = zip(*titles_and_abstracts(), strict=True)
    cosines = encoder().encode_queries(titles) @ encoder().encode_passages(abstracts).T
    first = (cosines.argmax(axis=1) == np.arange(len(titles))).astype(np.float64)
    found = bootstrap_mean(first)
    # Another program measured 0.791 [0.728, 0.848].
    assert found.low < 0.791 < found.high
    assert found.high - found.low < 0.15
    assert found == bootstrap_mean(first)
