"""Answers held against the index and the files that it was made of, citation by citation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from rag.types import Answer, Citation, Passage, Statement

if TYPE_CHECKING:
    from rag.freshness import Freshness, State
    from rag.store.rows import Rows
    from rag.store.view import StoreView

Kind: TypeAlias = Literal["missing", "misquoted", "stale", "unsupported", "unchecked"]

_UNREAD = "an earlier version: it could not be read since"
_STATES: Mapping[State, str] = {
    "changed": "changed since it was indexed",
    "touched": "may have changed since it was indexed",
    "gone": "gone since it was indexed",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about an answer that does not hold, or could not be looked at.

    `line` tells it to people. `citation` and `statement` are positions in `Answer.citations` and
    `Answer.statements`, from 0. Kinds: `missing`, the document is not in the index; `misquoted`,
    it does not say what is quoted there; `stale`, its file is not what was indexed;
    `unsupported`, what is cited does not say what the answer says; `unchecked`, the source is no
    file that could be compared.
    """

    kind: Kind
    line: str
    citation: int | None = None
    statement: int | None = None


def audited(
    answer: Answer, view: StoreView, freshness: Freshness, min_support: float | None = None
) -> Iterator[Finding]:
    """What of `answer` does not hold; citations first, in order."""
    sound: list[int] = []
    unread = {one.source for one in view.rows.unread()}
    for number, citation in enumerate(answer.citations):
        if fault := _misplaced(citation, view):
            kind, told = fault
            yield Finding(kind, _line(number, citation, told), citation=number)
            continue
        sound.append(number)
        if fault := _outdated(citation, view.rows, freshness, unread):
            kind, told = fault
            yield Finding(kind, _line(number, citation, told), citation=number)
    yield from _unsupported(answer, sound, view, min_support)


def dated(answer: Answer, rows: Rows, freshness: Freshness) -> Answer:
    """`answer`, whose citations say where a document's source is not what was indexed.

    Files are looked at, and hardly ever opened: see `Freshness`.
    """
    unread = {hit.passage.document_id for hit in answer.hits if hit.passage.metadata.get("stale")}
    told: dict[str, str] = {}
    for citation in answer.citations:
        name = citation.document_id
        if name not in told:
            known = rows.known(name)
            state = "unchecked" if known is None else freshness.state(known, thorough=False)
            told[name] = _UNREAD if name in unread else _STATES.get(state, "")
    if not any(told.values()):
        return answer
    marked = (replace(one, stale=told[one.document_id]) for one in answer.citations)
    return replace(answer, citations=tuple(marked))


def _misplaced(citation: Citation, view: StoreView) -> tuple[Kind, str] | None:
    """What is wrong with a citation in the index itself."""
    document = view.document(citation.document_id)
    if document is None or document.id != citation.document_id:
        return "missing", "the document is not in the index"
    if document.source != citation.source:
        return "misquoted", f"the document is of another source, '{document.source}'"
    inside = 0 <= citation.start < citation.end <= len(document.text)
    if not inside or document.text[citation.start : citation.end] != citation.quote:
        return "misquoted", "the document does not say there what is quoted"
    return None


def _outdated(
    citation: Citation, rows: Rows, freshness: Freshness, unread: set[str]
) -> tuple[Kind, str] | None:
    """What became of a citation's source since."""
    known = rows.known(citation.document_id)
    if citation.source in unread:
        return "stale", f"{_UNREAD}: run 'rag index'"
    state = "unchecked" if known is None else freshness.state(known)
    if state == "unchecked":
        return "unchecked", "whether it changed since it was indexed could not be told from here"
    return ("stale", f"{_STATES[state]}: run 'rag index'") if state in _STATES else None


def _unsupported(
    answer: Answer, sound: Sequence[int], view: StoreView, min_support: float | None
) -> Iterator[Finding]:
    """The statements that those of the citations that are `sound` do not support."""
    from rag.answer.support import MIN_SUPPORT, Verifier

    if answer.abstained:
        return
    passages = [_quoted(answer.citations[number]) for number in sound]
    verifier = Verifier(passages, view, MIN_SUPPORT if min_support is None else min_support)
    for position, statement in enumerate(answer.statements or tuple(_lines(answer))):
        text = answer.text[statement.start : statement.end]
        cited = [sound.index(number) for number in statement.citations if number in sound]
        numbered = position if answer.statements else None
        if statement.citations and not cited:
            why = "what it cites does not stand in the index"
        else:
            verdict = verifier.check(text, cited)
            if verdict.supported and not verdict.why:
                continue
            why = verdict.why
        line = f'not supported: "{" ".join(text.split())}" ({why})'
        yield Finding("unsupported", line, statement=numbered)


def _quoted(citation: Citation) -> Passage:
    return Passage(
        citation.document_id,
        citation.start,
        citation.end,
        citation.quote,
        citation.source,
        citation.title,
        citation.page,
        citation.headings,
        place=citation.place,
    )


def _lines(answer: Answer) -> Iterator[Statement]:
    """The lines of an answer that does not tell its statements, each with all citations."""
    start = 0
    for line in answer.text.splitlines(keepends=True):
        if line.strip():
            yield Statement(start, start + len(line.rstrip()))
        start += len(line)


def _line(number: int, citation: Citation, told: str) -> str:
    return f"[{number + 1}] {citation.source}: {told}"
