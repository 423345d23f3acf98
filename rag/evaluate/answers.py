"""The answers format: a folder of documents, and questions with answers and evidence.

`questions.jsonl` has an object a line: `_id` or `id`, `text` or `question`, `answer`, the
`documents` that answer it, and where they are given `evidence`, the sentences or table rows that
do, and `kind`. A question without an answer has an empty `answer` and names no documents.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import RequestError, SourceError
from rag.evaluate import match
from rag.evaluate.dataset import Dataset, PerQuery
from rag.evaluate.jsonl import id_field, question_field, records, text_field
from rag.evaluate.rightness import is_right
from rag.types import Answer, Hit, Passage

QUESTIONS = "questions.jsonl"
DOCUMENTS = "documents"
_CUTS = (1, 5, 10)
_ONLY_SPLIT = "test"
# Words of a reference answer up to which an answer's own words are compared with it.
_SHORT = 5


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of a question: `answer` is "" where the documents have none."""

    answer: str
    documents: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class AnswersDataset(Dataset):
    """Questions whose answers are known. `queries` and `references` have the same keys.

    The documents are the files in `files`, less the file of the questions, `asked_in`.
    """

    references: Mapping[str, Reference]
    asked_in: str

    @property
    def files(self) -> Path:
        """The folder `documents`, or without it the folder of the questions."""
        inner = self.folder / DOCUMENTS
        return inner if inner.is_dir() else self.folder

    @property
    def left_out(self) -> Set[str]:
        """The questions, which tell their own answers."""
        return frozenset() if self.files != self.folder else frozenset([self.asked_in])

    @property
    def compared(self) -> str:
        """The measure by which pipelines are compared."""
        return "right"

    @property
    def asks(self) -> bool:
        """Answers are judged."""
        return True

    def answerable(self, query: str) -> bool:
        """Whether it has an answer."""
        return bool(self.references[query].answer)

    def kind(self, query: str) -> str:
        """The kind that the question is of."""
        return self.references[query].kind

    def right(self, query: str, answer: Answer) -> tuple[bool, ...]:
        """Which citations quote the answer or its evidence: see `rag.evaluate.rightness`."""
        known = self.references[query]
        return tuple(is_right(one.quote, known.answer, known.evidence) for one in answer.citations)

    def relevant(self, query: str, passage: Passage) -> bool:
        """Whether it is of a document that answers."""
        return passage.document_id in self.references[query].documents

    def measure(self, found: Mapping[str, Sequence[Hit]]) -> PerQuery:
        """`document-hit@k`: whether one of the first k passages is of a document that answers.

        Of the questions that have an answer; one without hits counts 0.
        """
        return {
            f"document-hit@{k}": {
                query: float(any(self.relevant(query, hit.passage) for hit in found[query][:k]))
                for query in self._answerable
            }
            for k in _CUTS
        }

    def measure_answers(self, answers: Mapping[str, Answer]) -> PerQuery:
        """What the answers are worth; an abstention is right where there is no answer alone.

        `first-right` and `right` ask of the questions with an answer whether the first citation
        is right, and whether any is; `abstains` whether there was no answer to the others.
        `exact-match` and `F1` compare words, of the questions whose answer is short.
        """
        right = {query: self.right(query, answers[query]) for query in self._answerable}
        said = {query: "" if one.abstained else one.text for query, one in answers.items()}
        short = {
            query: (self.references[query].answer,)
            for query in self._answerable
            if len(match.words(self.references[query].answer)) <= _SHORT
        }
        values = {
            "first-right": {query: float(any(found[:1])) for query, found in right.items()},
            "right": {query: float(any(found)) for query, found in right.items()},
            "abstains": {
                query: float(answers[query].abstained)
                for query in self.queries
                if not self.answerable(query)
            },
            "exact-match": {q: match.exact(said[q], wanted) for q, wanted in short.items()},
            "F1": {q: match.f1(said[q], wanted) for q, wanted in short.items()},
        }
        return {name: found for name, found in values.items() if found}

    @property
    def _answerable(self) -> list[str]:
        return [query for query in self.queries if self.answerable(query)]


def is_answers(path: Path) -> bool:
    """Whether `path` is a file of questions with answers, or a folder that holds one."""
    file = path / QUESTIONS if path.is_dir() else path
    if not file.is_file() or file.suffix.lower() != ".jsonl":
        return False
    try:
        first = next((record for _, record in itertools.islice(records(file), 1)), None)
    except SourceError:
        return False
    return first is not None and {"answer", "documents"} <= first.keys()


def read_answers(path: Path, split: str = _ONLY_SPLIT) -> AnswersDataset:
    """The dataset in a folder, or of a file of questions, checked as a whole.

    Raises SourceError for what is missing, broken or contradictory, with file and line, and
    RequestError for a split, which this format does not have.
    """
    if split != _ONLY_SPLIT:
        raise RequestError(f"{path}: the answers format has no splits; leave out '{split}'")
    file = path / QUESTIONS if path.is_dir() else path
    folder = file.parent
    queries: dict[str, str] = {}
    references: dict[str, Reference] = {}
    for place, record in records(file):
        query = id_field(record, place, "_id" if "_id" in record else "id")
        if query in queries:
            raise SourceError(f"{place}: a second question with the id '{query}'")
        queries[query] = question_field(record, "text" if "text" in record else "question", place)
        references[query] = _reference(record, place)
    if not any(known.answer for known in references.values()):
        raise SourceError(f"{file}: there is no question that has an answer")
    name = folder.resolve().name
    dataset = AnswersDataset(name, "answers", folder, None, queries, references, file.name)
    _check_there(dataset, file)
    return dataset


def _reference(record: Mapping[str, Any], place: str) -> Reference:
    known = Reference(
        answer=text_field(record, "answer", place).strip(),
        documents=_texts(record, "documents", place),
        evidence=_texts(record, "evidence", place),
        kind=text_field(record, "kind", place, default=""),
    )
    if known.answer and not known.documents:
        raise SourceError(f"{place}: has an answer, and names no document that holds it")
    if not known.answer and (known.documents or known.evidence):
        raise SourceError(f"{place}: has no answer, and yet names documents or evidence")
    return known


def _texts(record: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    values = record.get(key, [])
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise SourceError(f"{place}: the field '{key}' must be a list of strings")
    return tuple(values)


def _check_there(dataset: AnswersDataset, file: Path) -> None:
    for query, known in dataset.references.items():
        for name in known.documents:
            if not (dataset.files / name).is_file():
                raise SourceError(
                    f"{file}: question '{query}' names a document that is not in "
                    f"{dataset.files}: '{name}'"
                )
