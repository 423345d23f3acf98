"""How often kept answers are given to other wordings, and how often they are wrong.

Simulated traffic with the real encoder: made-up places, each with facts that people ask for in
several wordings, some asked much more often than others. Many facts are near misses of others:
the same question of another place, of another year, or of a neighbouring fact (opening and closing
time, founder and director). What is right is known, so that every answer can be judged.

`vectorq` learns from comparing answers alone, without feedback. A static threshold gives the answer
of the nearest kept question where the cosine is at least so much; it is run with the rules that
tell questions apart (numbers, names, negation, kind) and without. The threshold that would have
been best in hindsight, at no more than the bound, is what no one can know beforehand.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.arguments import arguments
from benchmarks.record import Record
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.protocols import Asked, Vectors
from rag.semantic_cache.sameness import difference, wording
from rag.semantic_cache.vectorq import VectorQCache
from rag.types import Answer, Citation

_MAX_ERROR = 0.02
_STATIC = (0.80, 0.85, 0.90, 0.95)
_SEEDS = (1, 2, 3)
_REQUESTS, _QUICK = 4_000, 800
_FIRST = ("Ash", "Birch", "Clay", "Dun", "Elm", "Fox", "Gold", "Hart", "Ivy", "Kings", "Lin", "Mar")
_LAST = ("bury", "combe", "field", "ford", "mouth", "wick")
_FACTS: tuple[tuple[str, ...], ...] = (
    ("When does {} museum open?", "Opening time of {} museum", "What time does {} museum open?",
     "From when can I visit {} museum?", "At what hour do the doors of {} museum open?"),
    ("When does {} museum close?", "Closing time of {} museum", "What time does {} museum close?",
     "Until when can I visit {} museum?", "At what hour are the doors of {} museum shut?"),
    ("What does a ticket to {} museum cost?", "Price of a ticket for {} museum",
     "How much is admission to {} museum?", "What is the entrance fee of {} museum?",
     "How much do I pay to get into {} museum?"),
    ("What does a family ticket to {} museum cost?", "Price of a family ticket for {} museum",
     "How much is admission to {} museum for a family?",
     "What is the entrance fee of {} museum for families?"),
    ("Who founded the {} museum?", "Founder of {} museum", "Who set up the museum in {}?",
     "By whom was {} museum founded?"),
    ("Who directs the {} museum?", "Director of {} museum", "Who is in charge of the museum in {}?",
     "By whom is {} museum run?"),
    ("What was the revenue of {} harbour in 2021?", "{} harbour revenue 2021",
     "How much did {} harbour earn in 2021?", "What did {} harbour take in during 2021?"),
    ("What was the revenue of {} harbour in 2019?", "{} harbour revenue 2019",
     "How much did {} harbour earn in 2019?", "What did {} harbour take in during 2019?"),
    ("What were the costs of {} harbour in 2021?", "{} harbour costs 2021",
     "How much did {} harbour spend in 2021?", "What did {} harbour pay out during 2021?"),
    ("Are dogs allowed on {} beach?", "May I bring my dog to {} beach?", "Dogs on {} beach",
     "Can I take a dog to the beach at {}?"),
    ("Are dogs not allowed on {} beach in summer?", "Is it forbidden to bring dogs to {} beach?"),
    ("How do I get a parking permit in {}?", "Parking permit {}", "Where do I apply to park in {}?",
     "What do I need to park my car in {}?"),
    ("How do I get a fishing permit in {}?", "Fishing permit {}", "Where do I apply to fish in {}?",
     "What do I need to go fishing in {}?"),
)  # fmt: skip


_BEFORE = ("", "", "", "Hi, ", "Hello! ", "Please tell me: ", "Quick question: ", "Excuse me. ")
_AFTER = ("", "", "", " Thanks!", " Thank you.", " Please answer briefly.", " I could not find it.")


@dataclass(frozen=True, slots=True)
class Request:
    """A question of the traffic, and the fact that it asks for."""

    text: str
    fact: int


@dataclass(slots=True)
class Tally:
    """What became of requests: True and False for answers given that are right and wrong."""

    given: list[bool | None]

    @property
    def hits(self) -> float:
        """The share of requests that was given a kept answer."""
        return sum(one is not None for one in self.given) / len(self.given)

    @property
    def errors(self) -> float:
        """The share of the answers given that is wrong."""
        told = [one for one in self.given if one is not None]
        return told.count(False) / len(told) if told else 0.0


def traffic(count: int, seed: int) -> list[Request]:
    """Requests whose facts follow Zipf's law."""
    chance = np.random.default_rng(seed)
    places = [first + last for first in _FIRST for last in _LAST][: max(6, count // 60)]
    facts = [(place, wordings) for place in places for wordings in _FACTS]
    weights = 1 / (1 + chance.permutation(len(facts)))
    drawn = chance.choice(len(facts), count, p=weights / weights.sum())
    return [Request(_worded(*facts[fact], chance), int(fact)) for fact in drawn]


def _worded(place: str, wordings: Sequence[str], chance: np.random.Generator) -> str:
    """A wording as people type it: with or without a greeting and thanks."""
    text = str(chance.choice(wordings)).format(place)
    return f"{chance.choice(_BEFORE)}{text}{chance.choice(_AFTER)}"


def learned(requests: Sequence[Request], vectors: dict[str, Vectors]) -> tuple[Tally, list[float]]:
    """What `vectorq` gives, and the milliseconds that each look took."""
    given: list[bool | None] = []
    took: list[float] = []
    with TemporaryDirectory() as folder:
        cache = VectorQCache(folder=Path(folder), max_error=_MAX_ERROR)
        for one in requests:
            asked = Asked(one.text, "", "space", "scope", vectors.__getitem__)
            started = time.perf_counter()
            looked = cache.look(asked)
            took.append(1_000 * (time.perf_counter() - started))
            if looked.answer is None:
                cache.keep(asked, looked, _answer(one))
                given.append(None)
            else:
                given.append(looked.answer.text == _answer(one).text)
    return Tally(given), took


def static(
    requests: Sequence[Request],
    vectors: dict[str, Vectors],
    threshold: float,
    different: Callable[[str, str], bool],
) -> Tally:
    """What a threshold gives: the nearest of the kept questions that are not `different`."""
    given: list[bool | None] = []
    kept: list[Request] = []
    rows = np.empty((len(requests), len(vectors[requests[0].text])), np.float32)
    for one in requests:
        cosines = rows[: len(kept)] @ vectors[one.text]
        near = [place for place in np.argsort(-cosines)[:16] if cosines[place] >= threshold]
        found = next((kept[i] for i in near if not different(one.text, kept[i].text)), None)
        given.append(None if found is None else found.fact == one.fact)
        if found is None:
            rows[len(kept)] = vectors[one.text]
            kept.append(one)
    return Tally(given)


def _answer(one: Request) -> Answer:
    text = f"fact {one.fact}"
    return Answer("", text, False, (Citation("facts", "facts.md", one.fact, one.fact + 1, text),))


def _encoded(texts: Sequence[str]) -> dict[str, Vectors]:
    encoder = SentenceTransformersEncoder(device="cpu")
    return dict(zip(texts, encoder.encode_queries(texts), strict=True))


def _new(requests: Sequence[Request], tally: Tally) -> Tally:
    """What became of wordings when they were first asked, of facts that were asked before."""
    wordings: set[str] = set()
    facts: set[int] = set()
    given = []
    for one, told in zip(requests, tally.given, strict=True):
        if one.text not in wordings and one.fact in facts:
            given.append(told)
        wordings.add(one.text)
        facts.add(one.fact)
    return Tally(given)


def _told(tallies: Sequence[Tally]) -> str:
    hits, errors = (np.mean([getattr(one, it) for one in tallies]) for it in ("hits", "errors"))
    return f"{hits:.1%} given, {errors:.2%} of them wrong"


def main() -> None:
    """Run the traffic through each way of deciding."""
    given = arguments(__doc__)
    seeds, count = (_SEEDS[:1], _QUICK) if given.quick else (_SEEDS, _REQUESTS)
    record = Record("semantic_cache", "Kept answers given to other wordings", given.quick)
    streams = [traffic(count, seed) for seed in seeds]
    vectors = _encoded(sorted({one.text for stream in streams for one in stream}))
    known: dict[tuple[str, str], bool] = {}

    def rules(one: str, other: str) -> bool:
        if (one, other) not in known:
            known[one, other] = bool(difference(wording(one), wording(other)))
        return known[one, other]

    tallies, took = zip(*(learned(stream, vectors) for stream in streams), strict=True)
    worst = max(one.errors for one in tallies)
    record.add(
        f"vectorq, max_error {_MAX_ERROR:g}: {len(seeds)} streams of {count:,} questions",
        _told(tallies),
        f"at most {_MAX_ERROR:.0%} wrong in each",
        worst <= _MAX_ERROR,
    )
    halves = [Tally(one.given[part]) for one in tallies for part in (slice(0, count // 2),)]
    later = [Tally(one.given[count // 2 :]) for one in tallies]
    record.add("vectorq, first half", _told(halves))
    record.add("vectorq, second half", _told(later))
    new = [_new(*pair) for pair in zip(streams, tallies, strict=True)]
    record.add("vectorq, new wordings of facts asked before", _told(new))
    record.add("vectorq, one look, median", f"{median(chain.from_iterable(took)):.1f} ms")
    grid = (*_STATIC, *(round(0.5 + 0.025 * step, 3) for step in range(20)))
    for name, different in (("with the rules", rules), ("cosine alone", lambda *_: False)):
        runs = {
            at: [static(one, vectors, at, different) for one in streams] for at in sorted(set(grid))
        }
        for at in _STATIC:
            record.add(f"threshold {at:.2f}, {name}", _told(runs[at]))
        held = [at for at in runs if max(one.errors for one in runs[at]) <= _MAX_ERROR]
        best = max(held, key=lambda at: np.mean([one.hits for one in runs[at]]), default=None)
        told = "none holds the bound" if best is None else f"{best:g}: {_told(runs[best])}"
        record.add(f"best threshold in hindsight at {_MAX_ERROR:.0%}, {name}", told)
        if best is not None:
            new = [_new(*pair) for pair in zip(streams, runs[best], strict=True)]
            record.add(f"the same threshold, {name}, new wordings", _told(new))
        record.figures[name] = {
            str(at): [{"hits": one.hits, "errors": one.errors} for one in made]
            for at, made in runs.items()
        }
    record.figures["vectorq"] = [{"hits": one.hits, "errors": one.errors} for one in tallies]
    record.write()


if __name__ == "__main__":
    main()
