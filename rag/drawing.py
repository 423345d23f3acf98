"""A pipeline drawn: as text for a terminal, and as a flowchart for Mermaid."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag import registry
from rag.config import Component, Cut, Pipeline, Rerank, Retrieve, Stage

_QUESTION, _ANSWER = "question", "answer"
# A flowchart's labels stand in quotes; these marks mean something there, or begin a comment.
_MARKS = re.compile(r"[\"#<>&`%{}\[\]|\\;]")
# A long value, such as a prompt, is told by its beginning.
_LONGEST = 48


@dataclass(frozen=True, slots=True)
class Box:
    """A stage or a retriever: what it is, and the options that differ from their defaults.

    `reads` is the part of the index that a retriever needs.
    """

    title: str
    options: tuple[str, ...] = ()
    reads: str = ""

    @property
    def label(self) -> str:
        """On one line."""
        return f"{self.title} ({', '.join(self.options)})" if self.options else self.title


Row = tuple[Box, ...]
"""Boxes side by side; what follows takes what all of them give."""


def drawn(pipeline: Pipeline) -> str:
    """The pipeline as lines of text: what becomes of documents, and of a question."""
    lines = [pipeline.name, ""]
    lines += _column("documents", index_rows(pipeline), "index")
    lines += ["", *_column(_QUESTION, query_rows(pipeline), _ANSWER)]
    return "\n".join(lines)


def mermaid(pipeline: Pipeline) -> str:
    """The pipeline as a flowchart that Mermaid draws. Names and options are escaped."""
    lines = ["flowchart TD"]
    parts = _Chart("i")
    lines += [
        '  subgraph indexing["index"]',
        *parts.chain("documents", index_rows(pipeline), None),
        "  end",
    ]
    query = _Chart("q")
    lines += query.chain(_QUESTION, query_rows(pipeline), _ANSWER)
    made = {box.title.split(":")[0]: name for name, box in parts.named.items()}
    for name, box in query.named.items():
        if box.reads in made:
            lines.append(f"  {made[box.reads]} -.-> {name}")
    return "\n".join(lines)


def index_rows(pipeline: Pipeline) -> list[Row]:
    """What documents go through; the parts that are searched stand side by side."""
    rows: list[Row] = [(_box("chunk", pipeline.chunk),)]
    rows += [(_box("prune", one.component, one.amounts()),) for one in pipeline.prune]
    parts = (("encode", pipeline.encode), ("lexical", pipeline.lexical))
    searched = tuple(_box(name, component) for name, component in parts if component is not None)
    return [*rows, searched] if searched else rows


def query_rows(pipeline: Pipeline) -> list[Row]:
    """What a question goes through; retrievers stand side by side."""
    rows = [row for stage in pipeline.stages for row in _rows(stage)]
    cache = [] if pipeline.cache is None else [(_box("cache", pipeline.cache),)]
    return [*cache, *rows, (_box("answer", pipeline.answer),)]


def _rows(stage: Stage) -> Iterator[Row]:
    match stage:
        case Retrieve(arms, fuse):
            yield tuple(_box("retrieve", arm) for arm in arms)
            if fuse is not None:
                yield (_box("fuse", fuse),)
        case Cut(k):
            yield (Box(f"cut to {k}"),)
        case Rerank(component):
            shape = stage.as_dict()["rerank"]
            assert isinstance(shape, dict)
            own = {key: value for key, value in shape.items() if key not in component.as_dict()}
            yield (_box("rerank", component, own),)
        case _:
            yield (_box(next(iter(stage.as_dict())), stage.component),)


def _box(stage: str, component: Component, more: Mapping[str, object] | None = None) -> Box:
    told = {**component.changed(), **(more or {})}
    options = tuple(f"{name}: {_value(value)}" for name, value in told.items())
    reads = getattr(registry.load(component.kind, component.use), "needs", "")
    return Box(f"{stage}: {component.use}", options, reads if stage == "retrieve" else "")


def _value(value: object) -> str:
    """An option as a reader wants it: components by name, long text by its beginning."""
    if isinstance(value, dict) and "use" in value:
        inner = ", ".join(f"{key}: {_value(one)}" for key, one in value.items() if key != "use")
        text = f"{value['use']} ({inner})" if inner else str(value["use"])
    elif isinstance(value, dict):
        text = ", ".join(f"{key} {_value(one)}" for key, one in value.items())
    elif isinstance(value, list):
        text = " + ".join(map(_value, value))
    else:
        text = value if isinstance(value, str) else json.dumps(value)
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1].rstrip() + "…"


def _column(start: str, rows: Sequence[Row], end: str) -> Iterator[str]:
    """Rows below one another with arrows between them."""
    yield f"  {start}"
    for row in rows:
        if len(row) == 1:
            yield "     ↓"
            yield f"  {row[0].label}"
        else:
            yield "     ↓"
            marks = [*("├" for _ in row[1:]), "└"]
            yield from (f"     {mark}─ {box.label}" for mark, box in zip(marks, row, strict=True))
    yield "     ↓"
    yield f"  {end}"


class _Chart:
    """The nodes and arrows of a flowchart; names begin with `prefix`."""

    def __init__(self, prefix: str) -> None:
        self.named: dict[str, Box] = {}
        self._prefix = prefix

    def chain(self, start: str, rows: Sequence[Row], end: str | None) -> Iterator[str]:
        """Lines for rows that follow one another."""
        before = [f"{self._prefix}0"]
        yield f'  {before[0]}(["{_escaped(start)}"])'
        for row in rows:
            after = []
            for box in row:
                after.append(f"{self._prefix}{len(self.named) + 1}")
                self.named[after[-1]] = box
                yield f'  {after[-1]}["{"<br/>".join(map(_escaped, (box.title, *box.options)))}"]'
            yield f"  {' & '.join(before)} --> {' & '.join(after)}"
            before = after
        if end is not None:
            yield f'  {self._prefix}end(["{_escaped(end)}"])'
            yield f"  {' & '.join(before)} --> {self._prefix}end"


def _escaped(text: str) -> str:
    """`text` as Mermaid takes it inside quotes: marks by their numbers."""
    return _MARKS.sub(lambda mark: f"#{ord(mark[0])};", text)
