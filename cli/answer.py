"""An answer as people and programs read it: its text, its sources, what they do not support."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rag.cli.output import complain, one_line, say
from rag.cli.place import place

if TYPE_CHECKING:
    from rag.rag import Rag
    from rag.types import Answer, Citation, Statement


def as_dict(answer: Answer) -> dict[str, Any]:
    """The JSON shape of an answer."""
    return {
        "question": answer.question,
        "answer": answer.text,
        "abstained": answer.abstained,
        "citations": [_citation(citation) for citation in answer.citations],
        "statements": [_statement(one) for one in answer.statements],
        "seconds": answer.seconds,
    }


def _citation(citation: Citation) -> dict[str, Any]:
    return {
        "source": citation.source,
        "document": citation.document_id,
        "start": citation.start,
        "end": citation.end,
        "page": citation.page,
        "place": citation.place,
        "headings": list(citation.headings),
        "stale": bool(citation.stale),
        "stale_because": citation.stale,
        "quote": citation.quote,
    }


def _statement(statement: Statement) -> dict[str, Any]:
    return {
        "start": statement.start,
        "end": statement.end,
        "citations": list(statement.citations),
        "support": statement.support,
        "supported": statement.supported,
        "why": statement.why,
    }


def sources(answer: Answer, *, quotes: bool = True) -> list[str]:
    """A line for each citation, numbered as the answer's text has them."""
    lines = []
    for number, citation in enumerate(answer.citations, 1):
        where = place(citation, stale=citation.stale)
        quote = f': "{one_line(citation.quote)}"' if quotes else ""
        lines.append(f"[{number}] {where}{quote}")
    return lines


def unsupported(answer: Answer) -> list[str]:
    """A line for each statement that the sources do not support."""
    return [
        f'Not supported: "{one_line(answer.text[one.start : one.end])}"'
        + (f" ({one_line(one.why)})" if one.why else "")
        for one in answer.statements
        if not one.supported
    ]


def say_evidence(answer: Answer, *, quotes: bool = True) -> None:
    """Print below an answer's text where it stands, and what of it stands nowhere."""
    lines = [*sources(answer, quotes=quotes), *unsupported(answer)]
    if lines:
        say()
    for line in lines:
        say(line)


def warn_about(answer: Answer, rag: Rag) -> None:
    """Tell what failed while the answer was made, and where there was nothing to look at.

    Stages before the answer warn by themselves.
    """
    if answer.abstained and not answer.hits and not rag.status()["documents"]:
        complain(f"the index in '{rag.folder}' holds no documents yet: run 'rag index FOLDER'")
    for step in answer.steps:
        if step.failed and step.stage == "answer":
            for note in step.notes:
                complain(f"warning: {', '.join(step.uses)}: {one_line(note)}")
