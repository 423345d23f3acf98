"""Sentences weighed as answers: which of them answers best, and how likely it does.

A sentence is as good as three signals say, summed with weights: how near its words are to those
of the question, what share of the question's words it repeats, and whether it holds the kind of
answer that is asked for. How likely the best one answers is told by those and by what speaks
against it: a word of the question that nothing in it comes near to, a number or a name that it
lacks, another sentence that is nearly as good. All weights are fitted on the questions of
`benchmarks/dev` by `python -m benchmarks.fitting`: one set for encoders that give vectors of
tokens, one for other encoders, one without.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

import numpy as np

from rag.answer.alignment import aligned
from rag.answer.asked_words import asked_words
from rag.answer.candidates import Candidate, candidates
from rag.answer.coverage import coverage
from rag.answer.expected import Expected
from rag.errors import RequestError
from rag.protocols import Encoder, TokenEncoder, Vectors, View
from rag.types import Hit

Means: TypeAlias = Literal["tokens", "vectors", "words"]

# Sentences that are held against the question with the encoder: those that promise most. On
# benchmarks/dev 64 of them find what all 200 of 20 passages find, but for one question in 80.
LOOKED_AT = 64
# What the kind of answer weighs beside a whole share of words in choosing those.
_PROMISE = 0.05
_NUMBER = re.compile(r"\b\w*\d\w*\b")
_NAME = re.compile(r"(?<=\w)\W+([^\W\d_a-zß-öø-ÿ][\w-]+)")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Candidates with what tells of each; all arrays are `(candidates,)`.

    `closeness` is how near the question's words are, or with plain vectors their cosine, `fit`
    whether the kind of answer is there (-1 to 1), and `weakest` how near the word is that is met
    worst. `means` says what could be measured.
    """

    question: str
    found: Sequence[Candidate]
    means: Means
    closeness: Vectors
    coverage: Vectors
    fit: Vectors
    weakest: Vectors
    words: int

    def scores(self, weights: Weights | None = None) -> Vectors:
        """How well each candidate answers, by the weights that ship; only the order counts."""
        ranking = (weights or fitted()[self.means]).ranking
        summed: Vectors = sum(
            (weight * getattr(self, name) for name, weight in ranking.items()),
            start=np.zeros(len(self.found), np.float32),
        )
        return summed

    def signs(self, scores: Vectors) -> Mapping[str, float]:
        """What speaks for the best candidate, and against it; "constant" speaks alike for all."""
        best = int(scores.argmax())
        others = np.delete(scores, best)
        read = self.found[best].context.casefold()
        return {
            "closeness": float(self.closeness[best]),
            "coverage": float(self.coverage[best]),
            "fit": float(self.fit[best]),
            "weakest": float(self.weakest[best]),
            "margin": float(scores[best] - others.max()) if len(others) else 0.0,
            "numbers": math.ceil(_lacking(_NUMBER.findall(self.question), read)),
            "names": _lacking(_NAME.findall(self.question), read),
            "words": float(self.words),
            "constant": 1.0,
        }

    def confidence(self, scores: Vectors, weights: Weights | None = None) -> float:
        """How likely the best candidate answers, from 0 to 1."""
        confidence = (weights or fitted()[self.means]).confidence
        signs = self.signs(scores)
        return 1 / (1 + math.exp(-sum(weight * signs[name] for name, weight in confidence.items())))


@dataclass(frozen=True, slots=True)
class Weights:
    """What each signal counts for the order of candidates, and each sign for the best one."""

    ranking: Mapping[str, float]
    confidence: Mapping[str, float]


@cache
def fitted() -> Mapping[Means, Weights]:
    """The weights that ship, by what can be measured."""
    text = files("rag.answer").joinpath("weights.json").read_text("utf-8")
    return {means: Weights(**one) for means, one in json.loads(text)["weights"].items()}


def evidence(question: str, hits: Sequence[Hit], view: View) -> Evidence:
    """The sentences and rows of `hits` that promise to answer `question`, weighed."""
    found = _distinct(candidates([hit.passage for hit in hits], view))
    expected = Expected(question)
    shares = coverage(question, [one.context for one in found], view)
    fits = np.array([expected.fit(one.shown) for one in found], np.float32)
    if len(found) > LOOKED_AT and view.encoder is not None:
        promise = shares + _PROMISE * fits + _passages(question, found, hits, view)
        chosen = np.sort(np.argsort(-promise, kind="stable")[:LOOKED_AT])
        found = [found[position] for position in chosen]
        shares, fits = shares[chosen], fits[chosen]
    return _measured(question, found, shares, fits, view)


def _measured(
    question: str, found: Sequence[Candidate], shares: Vectors, fits: Vectors, view: View
) -> Evidence:
    texts = [one.context for one in found]
    held = frozenset(term for text in texts for term in view.terms(text))
    words = asked_words(question, held, view)
    none = np.zeros(len(found), np.float32)

    def made(means: Means, closeness: Vectors, weakest: Vectors) -> Evidence:
        return Evidence(question, found, means, closeness, shares, fits, weakest, len(words))

    encoder = view.encoder
    if encoder is None or not found:
        return made("words", none, none)
    if isinstance(encoder, TokenEncoder):
        try:
            alignment = aligned(question, words, texts, encoder)
        except RequestError:  # its model pools in another way than by the mean of tokens
            pass
        else:
            return made("tokens", alignment.mean, alignment.weakest)
    return made("vectors", _cosines(question, texts, encoder), none)


def _cosines(question: str, texts: Sequence[str], encoder: Encoder) -> Vectors:
    cosines: Vectors = encoder.encode_passages(texts) @ encoder.encode_queries([question])[0]
    return cosines


def _passages(
    question: str, found: Sequence[Candidate], hits: Sequence[Hit], view: View
) -> Vectors:
    """The cosine of the passage that each candidate stands in."""
    assert view.encoder is not None
    stored = [hit.found[0] if hit.found else hit.passage for hit in hits]
    cosines = view.vectors(stored) @ view.encoder.encode_queries([question])[0]
    by_passage = {hit.passage.id: cosine for hit, cosine in zip(hits, cosines, strict=True)}
    return np.array([by_passage[one.passage.id] for one in found], np.float32)


def _distinct(found: Sequence[Candidate]) -> list[Candidate]:
    """Each place once, though passages overlap: as the best passage has it."""
    places: dict[tuple[str, int, int], Candidate] = {}
    for one in found:
        places.setdefault((one.passage.document_id, one.start, one.end), one)
    return list(places.values())


def _lacking(sought: Sequence[str], read: str) -> float:
    """The share of `sought` that is not in `read`, which is casefolded."""
    lacking = sum(one.casefold() not in read for one in sought)
    return lacking / len(sought) if sought else 0.0
