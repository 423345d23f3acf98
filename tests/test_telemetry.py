"""Telemetry: questions as OpenTelemetry spans, sent only where that is asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag import Rag
from rag.errors import MissingExtraError, RequestError
from rag.protocols import View
from rag.stages.retrieve import RetrieveStage
from rag.testing import HashingEncoder
from rag.tracing import note
from rag.types import Passage, Query

trace = pytest.importorskip("opentelemetry.trace")
sdk = pytest.importorskip("opentelemetry.sdk.trace")

PIPELINE = """\
name: sent
index:
  chunk: {use: fixed, max_tokens: 64, context: none}
  lexical: {use: bm25, language: en}
query:
  - retrieve: {use: bm25, k: 4}
  - cut: {k: 2}
answer: {use: extractive, min_score: 0}
"""


class Telling:
    """A retriever that has something to tell."""

    def retrieve(self, query: Query, view: View) -> list[tuple[Passage, float]]:
        note("nothing was looked at")
        return []


@pytest.fixture
def rag(tmp_path: Path) -> Iterator[Rag]:
    (tmp_path / "a.txt").write_text("The ferry leaves at nine.\n")
    (tmp_path / "sent.yaml").write_text(PIPELINE)
    made = Rag.open(
        tmp_path / ".rag", pipeline=str(tmp_path / "sent.yaml"), encoder=HashingEncoder(),
        workers=0, telemetry=True,
    )  # fmt: skip
    made.index(tmp_path / "a.txt")
    yield made
    made.close()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """What a program's provider exports, which may be set only once in a process."""
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    yield exporter
    provider.shutdown()


def test_a_question_and_its_stages(spans, rag: Rag) -> None:  # type: ignore[no-untyped-def]
    found = rag.search("when does the ferry leave", 'title!="x"')
    *stages, whole = spans.get_finished_spans()
    assert whole.name == "rag.search"
    assert whole.attributes["rag.question"] == "when does the ferry leave"
    assert whole.attributes["rag.pipeline"] == "sent"
    assert whole.attributes["rag.filters"] == ('title!="x"',)
    assert whole.attributes["rag.hits"] == 1
    assert whole.attributes["rag.passages"] == (found.hits[0].passage.id,)
    assert [one.name for one in stages] == ["rag.stage.retrieve", "rag.stage.cut"]
    for span, step in zip(stages, found.steps, strict=True):
        assert span.parent.span_id == whole.context.span_id
        assert span.start_time == int(step.started * 1e9)
        assert span.end_time - span.start_time == int(step.seconds * 1e9)
        assert span.attributes["rag.uses"] == step.uses
    assert whole.start_time <= stages[0].start_time + 1e6
    assert stages[-1].end_time <= whole.end_time + 1e6


def test_answers_and_explanations(spans, rag: Rag) -> None:  # type: ignore[no-untyped-def]
    rag.ask("when does the ferry leave")
    names = [one.name for one in spans.get_finished_spans()]
    assert names == ["rag.stage.retrieve", "rag.stage.cut", "rag.stage.answer", "rag.ask"]
    spans.clear()
    rag.explain("when does the ferry leave", "a.txt")
    assert spans.get_finished_spans()[-1].name == "rag.explain"


def test_notes_are_events(spans, rag: Rag) -> None:  # type: ignore[no-untyped-def]
    rag.__dict__["_stages"] = [RetrieveStage([("telling", Telling())], None)]
    rag.search("ferry")
    stage, _ = spans.get_finished_spans()
    (event,) = stage.events
    assert (event.name, event.attributes["rag.note"]) == ("note", "nothing was looked at")
    assert event.timestamp == stage.end_time


def test_errors_are_recorded(spans, rag: Rag) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(RequestError):
        rag.search("ferry", "nothing=1")
    (whole,) = spans.get_finished_spans()
    assert not whole.status.is_ok
    assert whole.events[0].name == "exception"


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ragline\[otel\]'"):
        Rag.open(tmp_path / ".rag", telemetry=True)


def test_not_imported_unless_asked_for(rag: Rag) -> None:
    code = (
        "import sys; from rag import Rag; rag = Rag.open(sys.argv[1]); rag.search('ferry');"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(rag.folder)], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_steps_have_their_start(rag: Rag) -> None:
    found = rag.search("ferry")
    first, last = found.steps
    assert 1.6e9 < first.started <= last.started
    assert replace(first, started=0.0).started == 0.0
