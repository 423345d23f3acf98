"""Why hits stand where they do, for people: a few lines below each, and the stages above all."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rag.cli.cut import screen_width, shortened
from rag.cli.output import console, one_line
from rag.cli.search import hit_shape

if TYPE_CHECKING:
    from rag.explaining import Explanation, Move, Origin, Reasons
    from rag.types import Hit, Query, Step

INDENT = 5
# What is listed of things that may be many; --json has them all.
_TERMS, _TEXTS, _NOTES = 8, 5, 5
_QUOTED = 40
_UP, _DOWN = r"\(\+\d+\)", r"\(-\d+\)"


def as_dict(told: Explanation) -> dict[str, Any]:
    """The JSON shape of an explanation."""
    shape = told.as_dict()
    places = enumerate(zip(told.ranking.hits, shape["hits"], strict=True), 1)
    hits = [{**hit_shape(rank, hit), **reasoned} for rank, (hit, reasoned) in places]
    return {"query": told.ranking.query.text, **shape, "hits": hits}


def say_question(told: Explanation) -> None:
    """Print the question, what was added to it, and what each stage took."""
    say_way(told.ranking.query, told.pipeline.name, told.ranking.steps)


def say_way(query: Query, pipeline: str, steps: Sequence[Step]) -> None:
    """The same of any question that went through the steps of a pipeline."""
    _say_named("question:", query.text)
    if query.standalone:
        _say_named("alone:", query.standalone)
    for name, text in _additions(query):
        _say_named(name, text)
    _say_named("pipeline:", pipeline)
    say_steps(steps)


def say_steps(steps: Sequence[Step]) -> None:
    """Print the stages with their components, times, hits and notes."""
    rows = [(one.stage, ", ".join(one.uses), one) for one in steps]
    first = max((len(stage) for stage, _, _ in rows), default=0)
    second = min(max((len(uses) for _, uses, _ in rows), default=0), 30)
    for stage, uses, step in rows:
        left = "citations" if stage == "answer" else "hits"
        hits = "" if stage == "rewrite" else f"  {step.hits:>6,} {left}"
        time = f"{step.seconds * 1000:>9,.1f} ms"
        _print(f"{'':2}{stage:<{first}}  {shortened(uses, 30):<{second}}  {time}{hits}", "dim")
        for note in step.notes[:_NOTES]:
            say_wrapped(f"note: {note}", first + 4, "yellow")
        if len(step.notes) > _NOTES:
            say_wrapped(_more(len(step.notes) - _NOTES, "note"), first + 4, "dim")


def say_reasons(hit: Hit, reasons: Reasons, arms: Sequence[str]) -> None:
    """Print below a hit where each stage put it, and why; `arms` are the retrievers."""
    say_wrapped(way(reasons.moves, arms))
    if reasons.terms:
        say_wrapped(f"terms: {_terms(reasons)}", style="dim")
    for line in _origins(reasons.origins):
        say_wrapped(line, style="dim")
    if len(hit.found) > 1:
        spans = ", ".join(f"{one.start}-{one.end}" for one in hit.found)
        say_wrapped(f"made of {len(hit.found)} passages: {spans}")


def way(moves: Sequence[Move], arms: Sequence[str]) -> str:
    """Ranks and scores in order, such as "bm25 #3 8.1234, dense none → convex #1 0.9876 (+2)"."""
    given = {one.name: _move(one) for one in moves if one.name in arms}
    retrieved = ", ".join(given.get(name, f"{name} none") for name in arms)
    return " → ".join([retrieved, *(_move(one) for one in moves if one.name not in arms)])


def say_wrapped(text: str, indent: int = INDENT, style: str = "") -> None:
    """Print `text` within the screen, its further lines a little more indented."""
    lines = textwrap.wrap(
        one_line(text),
        screen_width(),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines:
        _print(line, style)


def _print(line: str, style: str = "") -> None:
    from rich.text import Text

    shown = Text(line, style)
    shown.highlight_regex(_UP, "green")
    shown.highlight_regex(_DOWN, "red")
    console().print(shown, soft_wrap=True)


def _say_named(name: str, text: str) -> None:
    _print(f"{name:<11}{shortened(text, max(20, screen_width() - 11))}")


def _additions(query: Query) -> Iterator[tuple[str, str]]:
    """Names and texts of what rewriters added; a list of terms on one line."""
    terms = [one for one in query.variants if one.is_term]
    texts = [one for one in query.variants if not one.is_term]
    yield from _folded("variant:", [_weighed(one.text, one.weight, one.by) for one in texts])
    for by in dict.fromkeys(one.by for one in terms):
        some = [one for one in terms if one.by == by]
        some.sort(key=lambda one: (-one.weight, one.text))
        listed = [f"{one.text} {one.weight:.2g}" for one in some[:_TERMS]]
        more = f" … and {len(some) - _TERMS} more" if len(some) > _TERMS else ""
        yield "terms:", f"{f'({by}) ' if by else ''}{', '.join(listed)}{more}"
    told = [_weighed(one.text, one.weight, one.by) for one in query.hypotheses]
    yield from _folded("supposed:", told)
    told = [_weighed(one.passage.id, one.weight, one.by) for one in query.examples]
    yield from _folded("example:", told)


def _folded(name: str, told: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from ((name, one) for one in told[:_TEXTS])
    if len(told) > _TEXTS:
        yield "", _more(len(told) - _TEXTS)


def _weighed(text: str, weight: float, by: str) -> str:
    told = f"({weight:.2g}{f', {by}' if by else ''})"
    return f"{told} {one_line(text)}"


def _more(number: int, noun: str = "") -> str:
    return f"… and {number:,} more {noun + 's' if noun else ''}".rstrip() + "; --json has them all"


def _move(one: Move) -> str:
    if one.rank is None:
        return f"left out by {one.name}"
    score = "" if one.score is None else f" {one.score:.4f}"
    moved = f" ({one.moved:+d})" if one.moved else ""
    return f"{one.name} #{one.rank}{score}{moved}"


def _terms(reasons: Reasons) -> str:
    """What adds up to the BM25 score, for example "notice 3.21 + period 2.02 = 5.23"."""
    terms = reasons.terms
    told = [f"{one.word} {one.score:.2f}" for one in terms[:_TERMS]]
    if len(terms) > _TERMS:
        rest = sum(one.score for one in terms[_TERMS:])
        told.append(f"{len(terms) - _TERMS} more {rest:.2f}")
    total = f" = {sum(one.score for one in terms):.2f}" if len(terms) > 1 else ""
    return " + ".join(told) + total


def _origins(origins: Sequence[Origin]) -> Iterator[str]:
    """Which texts found it, each with the arms that did; nothing where there is only one text."""
    texts: dict[tuple[str, str, str], list[Origin]] = {}
    for one in origins:
        texts.setdefault((one.kind, one.text, one.by), []).append(one)
    if len(texts) < 2:
        return
    found = {text: _ranks(some) for text, some in texts.items()}
    named = [f"{_name(*text)}: {ranks}" for text, ranks in found.items() if ranks]
    if not named:
        yield "found by all texts together; none finds it alone"
        return
    for line in named[:_TEXTS]:
        yield f"found by {line}"
    if len(named) > _TEXTS:
        yield f"found by {len(named) - _TEXTS} more; --json has them all"
    if missing := len(found) - len(named):
        yield f"not found by {missing} other text{'s' if missing > 1 else ''} alone"


def _ranks(origins: Sequence[Origin]) -> str:
    return ", ".join(f"{one.arm} #{one.rank}" for one in origins if one.rank is not None)


def _name(kind: str, text: str, by: str) -> str:
    quoted = f'"{shortened(text, _QUOTED)}"'
    names: Mapping[str, str] = {
        "question": "the question",
        "standalone": f"the question made to stand alone {quoted}",
        "variant": f"{by or 'variant'} {quoted}",
        "terms": f"the terms of {by or 'a rewriter'}",
        "hypothesis": f"{by or 'hypothesis'} {quoted}",
        "examples": f"the examples of {by or 'a rewriter'}",
    }
    return names[kind]
