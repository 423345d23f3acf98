"""An index of company reports and a pipeline that keeps answers, for tests of the cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from rag import Answer, Citation, Hit, Query, Rag, registry
from rag.answer.words import words
from rag.protocols import Encoder, View
from rag.types import Statement, Step

COMPANIES = (
    *("Globex", "Acme", "Initech", "Umbrella", "Hooli", "Stark", "Wayne", "Tyrell", "Cyberdyne"),
    *("Soylent", "Wonka", "Vandelay", "Oscorp", "Aperture"),
)
YEARS = (2019, 2020, 2021)
PIPELINE = """\
name: kept
index:
  chunk: {use: fixed}
  encode: {use: sentence-transformers}
  lexical: {use: bm25}
query:
  - retrieve: {of: [{use: bm25, k: 10}, {use: dense, k: 10}]}
  - cut: {k: 3}
answer: {use: best}
cache: {use: vectorq, max_error: 0.05}
"""


class BestAnswerer:
    """Quotes the hit with most of the question's names and numbers; abstains without any."""

    asked = 0

    def answer(self, query: Query, hits: Sequence[Hit], view: View) -> Answer:
        BestAnswerer.asked += 1
        wanted = {one.key for one in words(query.text) if one.is_capitalised or one.text.isdigit()}
        ranked = sorted(hits, key=lambda hit: -len(wanted & _keys(hit)))
        if not ranked or not wanted & _keys(ranked[0]):
            return Answer(query.text, "", abstained=True)
        one = ranked[0].passage
        cited = Citation(one.document_id, one.source, one.start, one.end, one.text)
        statement = Statement(0, len(one.text), (0,))
        return Answer(query.text, one.text, False, (cited,), (statement,), score=0.1 + 0.2)


def _keys(hit: Hit) -> set[str]:
    return {one.key for one in words(hit.passage.text)}


def revenue(company: str, year: int) -> str:
    """A sentence of the index."""
    return f"{company} had revenue of {len(company) * year % 977} million euros in {year}."


def write_reports(folder: Path, companies: Sequence[str] = COMPANIES) -> Path:
    """A file for each company and year."""
    folder.mkdir(exist_ok=True)
    for company in companies:
        for year in YEARS:
            (folder / f"{company}-{year}.txt").write_text(revenue(company, year))
    return folder


@pytest.fixture
def best(monkeypatch: pytest.MonkeyPatch) -> None:
    """`answer: {use: best}`."""
    known = registry._registered

    def registered(kind: str) -> Mapping[str, EntryPoint]:
        if kind != "answerer":
            return known(kind)
        point = EntryPoint("best", f"{__name__}:BestAnswerer", registry.GROUPS[kind])
        return {**known(kind), "best": point}

    monkeypatch.setattr(registry, "_registered", registered)


@contextmanager
def opened(folder: Path, encoder: Encoder | None = None, pipeline: str = PIPELINE) -> Iterator[Rag]:
    """A Rag on the index in `folder`, with that pipeline."""
    file = folder.parent / "kept.yaml"
    file.write_text(pipeline)
    with Rag.open(folder, pipeline=str(file), encoder=encoder, workers=0) as made:
        yield made


def outcome(answer: Answer) -> str:
    """Whether an answer was a hit, explored or a miss."""
    return step(answer).notes[0].split(":")[0]


def step(answer: Answer) -> Step:
    """The step of the cache."""
    first = answer.steps[0]
    assert first.stage == "cache"
    return first
