"""The SQuAD format: paragraphs, and questions whose answers are spans of them.

A JSON file with `data[].paragraphs[]`, each a `context` and `qas[]` with `id`, `question` and
`answers[]` of `text` and `answer_start`: version 1.1 (Rajpurkar et al., 2016, "SQuAD: 100,000+
Questions for Machine Comprehension of Text") and version 2.0 (Rajpurkar et al., 2018, "Know
What You Don't Know"), whose questions may be `is_impossible`. XQuAD and MLQA are kept so too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rag.errors import RequestError, SourceError
from rag.evaluate import match
from rag.evaluate.dataset import Dataset, PerQuery
from rag.evaluate.ranges import TextEvidence, answer_in_top
from rag.evaluate.squad_file import Paragraph, is_squad_file, read_file
from rag.types import Answer, Block, Document, Hit, Passage

_CUTS = (1, 5, 10)
_COMPARED = 5
_ONLY_SPLIT = "test"


@dataclass(frozen=True, slots=True)
class SquadDataset(Dataset):
    """Questions whose right answers are spans of paragraphs, or that have none.

    `folder` is the file. Each paragraph is a document, cut by the pipeline's chunker where it
    is too long. `texts` is what a right answer says, by question, and empty where there is no
    answer; `evidence` has where answers stand, of the questions that have one.
    """

    evidence: Mapping[str, TextEvidence]
    texts: Mapping[str, tuple[str, ...]]

    @property
    def compared(self) -> str:
        """The measure by which pipelines are compared."""
        return f"answer-in-top-{_COMPARED}"

    @property
    def cut(self) -> bool:
        """An answer is to be found in a passage, whatever the length of its paragraph."""
        return True

    @property
    def asks(self) -> bool:
        """Answers are judged too."""
        return True

    def measure(self, found: Mapping[str, Sequence[Hit]]) -> PerQuery:
        """`answer-in-top-k` of the questions that have an answer, by where it stands."""
        return answer_in_top(self.evidence, found, _CUTS)

    def relevant(self, query: str, passage: Passage) -> bool:
        """Whether it holds an answer wholly."""
        evidence = self.evidence.get(query)
        return evidence is not None and evidence.is_in(
            passage.document_id, passage.start, passage.end
        )

    def measure_answers(self, answers: Mapping[str, Answer]) -> PerQuery:
        """Exact match and F1 as SQuAD has them, and what suits answers that quote sentences.

        `answer-contained` asks whether a citation contains a right span where it stands, of the
        questions that have one; `abstains` whether there was no answer to those that have none.
        An abstention is an empty answer, which is the right one where there is none.
        """
        said = {query: "" if one.abstained else one.text for query, one in answers.items()}
        values: dict[str, Mapping[str, float]] = {
            "exact-match": {
                query: match.exact(said[query], right) for query, right in self.texts.items()
            },
            "F1": {query: match.f1(said[query], right) for query, right in self.texts.items()},
            "answer-contained": {
                query: float(any(self.right(query, answers[query]))) for query in self.evidence
            },
        }
        without = [query for query in self.texts if not self.answerable(query)]
        if without:
            values["abstains"] = {query: float(answers[query].abstained) for query in without}
        return values

    def answerable(self, query: str) -> bool:
        """Whether it has an answer."""
        return query in self.evidence

    def right(self, query: str, answer: Answer) -> tuple[bool, ...]:
        """Which citations contain a right span where it stands."""
        evidence = self.evidence.get(query)
        return tuple(
            evidence is not None and evidence.is_in(one.document_id, one.start, one.end)
            for one in answer.citations
        )


def is_squad(path: Path) -> bool:
    """Whether `path` is a file in SQuAD format, or a folder that holds one."""
    return bool(_files(path))


def read_squad(path: Path, split: str = _ONLY_SPLIT) -> SquadDataset:
    """The dataset in a file, or in the one file of a folder, checked as a whole.

    Paragraphs with the same text are one document. Raises SourceError for what is missing,
    broken or contradictory, with its place, and RequestError for several files in a folder, of
    which one must be named, and for a split, which this format does not have.
    """
    if split != _ONLY_SPLIT:
        raise RequestError(f"{path}: the SQuAD format has no splits; leave out '{split}'")
    file = _one_file(path)
    read = read_file(file)
    documents = {one.text: f"{file.name}#{one.position}" for one in reversed(read)}
    asked = [(documents[one.text], one, question) for one in read for question in one.questions]
    if not any(question.answers for _, _, question in asked):
        raise SourceError(f"{file}: there is no question that has an answer")
    return SquadDataset(
        name=file.name.removesuffix(".json"),
        format="squad",
        folder=file,
        documents=partial(_documents, read, file.name),
        queries={question.id: question.text for _, _, question in asked},
        evidence={
            question.id: TextEvidence(document, question.answers)
            for document, _, question in asked
            if question.answers
        },
        texts={
            question.id: tuple(paragraph.text[start:end] for start, end in question.answers)
            for _, paragraph, question in asked
        },
    )


def _files(path: Path) -> list[Path]:
    there = sorted(path.glob("*.json")) if path.is_dir() else [path]
    return [file for file in there if is_squad_file(file)]


def _one_file(path: Path) -> Path:
    """`path` itself, whatever it holds, or the one SQuAD file in it."""
    if not path.is_dir():
        return path
    files = _files(path)
    if len(files) != 1:
        names = ", ".join(file.name for file in files) or "none"
        raise RequestError(
            f"{path}: there must be one SQuAD file (there: {names}); name the one to measure"
        )
    return files[0]


def _documents(paragraphs: Sequence[Paragraph], file: str) -> Iterator[Document]:
    seen: set[str] = set()
    for one in paragraphs:
        if one.text not in seen:
            seen.add(one.text)
            name = f"{file}#{one.position}"
            blocks = (Block(0, len(one.text), headings=(one.title,) if one.title else ()),)
            yield Document(name, name, one.text, one.title, blocks)
