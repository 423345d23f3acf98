"""The span format: texts, and questions with the stretches of text that are relevant to them.

A folder holds pairs `NAME.md` (or `NAME.txt`) and `NAME.questions.jsonl`, whose records have a
`question` and `references`, a list of `{content, start_index, end_index}`: what stands in the
file from one character to another. The format is that of Chroma's chunking evaluation (Smith
and Troynikov, 2024, "Evaluating Chunking Strategies for Retrieval").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rag.errors import RequestError, SourceError
from rag.evaluate.dataset import Dataset, PerQuery
from rag.evaluate.jsonl import question_field, records, text_field
from rag.evaluate.overlap import Overlap, Spans
from rag.evaluate.ranges import Range, TextEvidence, answer_in_top
from rag.evaluate.texts import SUFFIXES, document, read_text
from rag.types import Document, Hit, Passage

QUESTIONS = ".questions.jsonl"
_CUT = 5
_CUTS = (1, 5)
_ONLY_SPLIT = "test"
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class SpansDataset(Dataset):
    """Questions whose right answers are stretches of text.

    `queries`, `references` and `answers` have the same keys: `NAME:LINE`, the text's name and
    the question's line. All texts are one index, as in Chroma's evaluation. `answers` are the
    references without the space around them, which no passage has at its edges.
    """

    references: Mapping[str, TextEvidence]
    answers: Mapping[str, TextEvidence]

    @property
    def compared(self) -> str:
        """The measure by which pipelines are compared."""
        return f"token-recall@{_CUT}"

    @property
    def cut(self) -> bool:
        """How the texts are cut is what is measured."""
        return True

    def measure(self, found: Mapping[str, Sequence[Hit]]) -> PerQuery:
        """Recall, precision and IoU of the first 5 passages, and whether they hold an answer.

        `answer-in-top-k` asks for one whole reference in one passage. A question without hits
        counts 0.
        """
        overlaps = {
            query: Overlap.of(references, [hit.passage for hit in found.get(query, ())][:_CUT])
            for query, references in self.references.items()
        }
        return {
            f"token-recall@{_CUT}": {query: one.recall for query, one in overlaps.items()},
            f"token-precision@{_CUT}": {query: one.precision for query, one in overlaps.items()},
            f"IoU@{_CUT}": {query: one.iou for query, one in overlaps.items()},
            **answer_in_top(self.answers, found, _CUTS),
        }

    def relevant(self, query: str, passage: Passage) -> bool:
        """Whether it holds one whole reference."""
        return self.answers[query].is_in(passage.document_id, passage.start, passage.end)

    def measure_index(self, passages: Iterable[Passage]) -> PerQuery:
        """`precision-omega`: the precision of retrieving just what meets a reference."""
        places: dict[str, list[Range]] = defaultdict(list)
        for passage in passages:
            places[passage.document_id].append((passage.start, passage.end))
        spans = {one.document: Spans(places[one.document]) for one in self.references.values()}
        return {
            "precision-omega": {
                query: spans[one.document].precision_omega(one.ranges)
                for query, one in self.references.items()
            }
        }


def is_spans(folder: Path) -> bool:
    """Whether `folder` is a dataset in span format, or was meant to be one."""
    return any(folder.glob(f"*{QUESTIONS}"))


def read_spans(folder: Path, split: str = _ONLY_SPLIT) -> SpansDataset:
    """The dataset in a folder of span format, checked as a whole.

    Raises SourceError for what is missing, broken or contradictory, with file and line, and
    RequestError for a split, which this format does not have.
    """
    if split != _ONLY_SPLIT:
        raise RequestError(f"{folder}: the span format has no splits; leave out '{split}'")
    texts: list[Path] = []
    queries: dict[str, str] = {}
    references: dict[str, TextEvidence] = {}
    answers: dict[str, TextEvidence] = {}
    for path in sorted(folder.glob(f"*{QUESTIONS}")):
        asked = _Asked(path)
        texts.append(asked.file)
        for query, question, ranges in asked.questions():
            queries[query] = question
            references[query] = TextEvidence(asked.file.name, tuple(ranges))
            trimmed = (_trimmed(asked.text, *one) for one in ranges)
            answers[query] = TextEvidence(asked.file.name, tuple(trimmed))
    return SpansDataset(
        name=folder.resolve().name,
        format="spans",
        folder=folder,
        documents=partial(_documents, texts),
        queries=queries,
        references=references,
        answers=answers,
    )


def _documents(paths: Iterable[Path]) -> Iterator[Document]:
    return map(document, paths)


class _Asked:
    """One file of questions, and the text that they are about."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = path.name.removesuffix(QUESTIONS)
        self.file = self._text_file()
        self.text = read_text(self.file)

    def questions(self) -> Iterator[tuple[str, str, list[Range]]]:
        """`(id, question, references)` of every line."""
        lines: dict[str, str] = {}
        for place, record in records(self._path):
            line = place.rpartition(":")[2]
            question = question_field(record, "question", place)
            if question in lines:
                raise SourceError(f"{place}: the same question as on line {lines[question]}")
            lines[question] = line
            yield f"{self._name}:{line}", question, self._references(record, place)
        if not lines:
            raise SourceError(f"{self._path}: there is no question")

    def _text_file(self) -> Path:
        named = [self._path.with_name(self._name + suffix) for suffix in SUFFIXES]
        there = [path for path in named if path.is_file()]
        if len(there) == 1:
            return there[0]
        names = [path.name for path in there or named]
        if there:
            raise SourceError(f"{self._path}: {' and '.join(names)} are both there; keep one")
        raise SourceError(f"{self._path}: the text is missing: there is no {' or '.join(names)}")

    def _references(self, record: Mapping[str, Any], place: str) -> list[Range]:
        references = record.get("references")
        if not isinstance(references, list) or not references:
            raise SourceError(f"{place}: the field 'references' must be a list of references")
        return [
            self._reference(reference, f"{place}: reference {number}")
            for number, reference in enumerate(references, start=1)
        ]

    def _reference(self, reference: object, place: str) -> Range:
        if not isinstance(reference, dict):
            raise SourceError(f"{place}: must be an object, such as {{...}}")
        content = text_field(reference, "content", place)
        start, end = (_offset(reference, key, place) for key in ("start_index", "end_index"))
        if not content.strip() or start >= end:
            raise SourceError(f"{place}: is empty")
        if end > len(self.text):
            raise SourceError(
                f"{place}: ends at {end}, but {self.file.name} has {len(self.text)} characters"
            )
        if self.text[start:end] != content:
            raise SourceError(self._mismatch(place, content, start, end))
        return start, end

    def _mismatch(self, place: str, content: str, start: int, end: int) -> str:
        """What stands there, and where the content is, as `str.find` has it."""
        elsewhere = self.text.find(content)
        hint = "" if elsewhere < 0 else f"; the content stands at {elsewhere}"
        return (
            f"{place}: {self.file.name} has {_cut(self.text[start:end])} from {start} to {end}, "
            f"not {_cut(content)}{hint}"
        )


def _offset(reference: Mapping[str, Any], key: str, place: str) -> int:
    value = reference.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise SourceError(f"{place}: the field '{key}' must be a whole number from 0")
    return value


def _cut(text: str) -> str:
    """`text` as one short line, for a message."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _trimmed(text: str, start: int, end: int) -> Range:
    body = text[start:end]
    return start + len(body) - len(body.lstrip()), end - len(body) + len(body.rstrip())
