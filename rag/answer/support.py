"""Whether a sentence is supported by passages, and by which of their sentences.

After sub-sentence attribution: a sentence is split into claims where that is cheap, each claim is
linked to the sentence or table row that it fits best, and the weakest claim decides. Closeness
alone lets through what matters most, a wrong number or another name in the same words, so
figures, names and negation have to agree, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np

from rag.answer.candidates import Candidate, candidates
from rag.answer.claims import bare, claims
from rag.answer.coverage import coverage
from rag.answer.figures import Figure, figures, lacking, share, without
from rag.answer.names import names, unnamed
from rag.answer.negation import contradiction
from rag.answer.verbatim import verbatim
from rag.answer.words import content, words
from rag.languages import detect
from rag.protocols import Vectors, View
from rag.types import Passage

# Under this a sentence is not taken for supported, with an encoder and without: set on
# benchmarks/dev/support.jsonl.
MIN_SUPPORT = 0.45
# The share of the cosine in a claim's score.
_MEANING = 0.5
# Evidence that is looked at for what the best lacks, and how many of it may be added.
_OTHERS, _ADDED = 8, 2
# Words of the sentence that such evidence has to have, weighted by rarity.
_ABOUT = 0.4

ELSEWHERE = "the evidence is in another passage than the one that is cited"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was made of a sentence.

    `score` is from 0 to 1, and under the verifier's threshold where the sentence is not
    `supported`. `evidence` are the sentences and rows that it was held against, the best first;
    `why` says in a few words what is wrong, or that the evidence is not where it was cited.
    """

    supported: bool
    score: float
    evidence: tuple[Candidate, ...] = ()
    why: str = ""


class Verifier:
    """Holds sentences against `passages`, whose sentences are encoded once, when first needed.

    A claim's score is made of the cosine of its vector and its evidence's, and the share of its
    words (weighted by rarity) that the evidence, its headings and its table's header contain;
    without an encoder the words alone count. What is written in a passage word for word scores
    1. A sentence whose score is under `min_support` (0 to 1) is not supported, and neither is one
    with a number, date, code or name that its evidence does not have, or that denies what its
    evidence says. Marks such as [1] are no part of a sentence.
    """

    def __init__(
        self, passages: Sequence[Passage], view: View, min_support: float = MIN_SUPPORT
    ) -> None:
        self.passages = tuple(passages)
        self.view = view
        self.min_support = min_support
        self._found: list[list[Candidate]] = [candidates([one], view) for one in self.passages]
        self._read: dict[tuple[str, int, int], list[Figure]] = {}

    def check(self, sentence: str, cited: Sequence[int] = ()) -> Verdict:
        """Whether the passages at `cited`, or else any others, support `sentence`.

        Without `cited` all passages are looked at alike.
        """
        said = bare(sentence)
        if not words(said):
            return Verdict(True, 1.0)
        verdict = self._held(said, cited or range(len(self.passages)))
        if verdict.supported or not cited or len(set(cited)) == len(self.passages):
            return verdict
        anywhere = self._held(said, range(len(self.passages)))
        return replace(anywhere, why=ELSEWHERE) if anywhere.supported else verdict

    def _held(self, said: str, positions: Sequence[int]) -> Verdict:
        chosen = list(dict.fromkeys(positions))
        for position in chosen:
            if exact := verbatim(said, self.passages[position], self._found[position]):
                return Verdict(True, 1.0, exact)
        found = [one for position in chosen for one in self._found[position]]
        if not found:
            return Verdict(False, 0.0, (), "there is nothing to hold it against")
        parts = claims(said)
        texts = parts if len(parts) == 1 else [*parts, said]
        shares = np.stack([self._shares(text, found) for text in texts])
        scores = self._scores(texts, shares, found)
        # A short claim is told best together with the rest of its sentence.
        scores = np.maximum(scores, (scores + scores[-1]) / 2)[: len(parts)]
        best = [int(row.argmax()) for row in scores]
        score = float(scores.max(axis=1).min())
        linked = list(dict.fromkeys(best))
        faults, evidence = self._completed(said, found, linked, shares[-1], scores.max(axis=0))
        if not faults:
            pairs = zip(parts, best, strict=True)
            told = (contradiction(part, found[at].shown, self.view.terms) for part, at in pairs)
            faults = [why for why in told if why]
        return self._verdict(score, evidence, faults)

    def _verdict(
        self, score: float, evidence: Sequence[Candidate], faults: Sequence[str]
    ) -> Verdict:
        if faults:
            score = min(score, self.min_support) / 2
            return Verdict(False, score, tuple(evidence), "; ".join(dict.fromkeys(faults)))
        if score < self.min_support:
            return Verdict(False, score, tuple(evidence), "the passages do not say this")
        return Verdict(True, min(score, 1.0), tuple(evidence))

    def _shares(self, text: str, found: Sequence[Candidate]) -> Vectors:
        """Share of the words and figures of `text` that each candidate has: `(n,)`."""
        wanted = figures(text)
        rest = content(without(text, wanted))
        covered = coverage(rest, [_told(one) for one in found], self.view)
        if not wanted:
            return covered
        count = len(words(rest))
        held = np.array([share(wanted, self._figures(one)) for one in found], np.float32)
        shares = (count * covered + len(wanted) * held) / (count + len(wanted))
        return shares.astype(np.float32)

    def _figures(self, one: Candidate) -> list[Figure]:
        key = (one.passage.id, one.start, one.end)
        if key not in self._read:
            self._read[key] = figures(_told(one))
        return self._read[key]

    def _scores(self, parts: Sequence[str], shares: Vectors, found: Sequence[Candidate]) -> Vectors:
        """How well each claim fits each candidate: `(parts, n)`."""
        encoder = self.view.encoder
        if encoder is None:
            return shares
        rows = np.stack([self._vectors[one.passage.id, one.start, one.end] for one in found])
        cosines = encoder.encode_passages(list(parts)) @ rows.T
        scores: Vectors = _MEANING * np.clip(cosines, 0, 1) + (1 - _MEANING) * shares
        return scores

    @cached_property
    def _vectors(self) -> dict[tuple[str, int, int], Vectors]:
        """The vector of each candidate."""
        assert self.view.encoder is not None
        every = [one for found in self._found for one in found]
        made = self.view.encoder.encode_passages([one.context for one in every])
        keys = ((one.passage.id, one.start, one.end) for one in every)
        return dict(zip(keys, made, strict=True))

    def _completed(
        self,
        said: str,
        found: Sequence[Candidate],
        linked: Sequence[int],
        shares: Vectors,
        scores: Vectors,
    ) -> tuple[list[str], list[Candidate]]:
        """What the linked evidence lacks, and the evidence with what has it beside it."""
        evidence = [found[at] for at in linked]
        faults = self._faults(said, evidence)
        order = [at for at in np.argsort(-scores, kind="stable").tolist() if at not in linked]
        others = [at for at in order if shares[at] >= _ABOUT][:_OTHERS]
        for at in others:
            if not faults or len(evidence) == len(linked) + _ADDED:
                break
            fewer = self._faults(said, [*evidence, found[at]])
            if len(fewer) < len(faults):
                evidence.append(found[at])
                faults = fewer
        return faults, evidence

    def _faults(self, said: str, evidence: Sequence[Candidate]) -> list[str]:
        """The figures and names of a sentence that its evidence does not have, in words."""
        told = "\n".join(_told(one) for one in evidence)
        nouns = "de" in (detect(said), detect(evidence[0].passage.text))
        wanted, best = figures(said), evidence[0].shown
        missing = unnamed(
            without(said, wanted),
            best,
            told,
            nouns=nouns,
            known=frozenset() if nouns else self._known,
            stems=self.view.terms,
        )
        faults = lacking(wanted, figures(told))
        return [*faults, *(f"'{name}' is not in the evidence" for name in missing)]

    @cached_property
    def _known(self) -> frozenset[str]:
        """Names in any of the passages."""
        return names("\n".join(one.text for one in self.passages))


def _told(one: Candidate) -> str:
    """A candidate with all that says what it is about."""
    passage = one.passage
    stem = PurePosixPath(passage.source).stem.replace("_", " ")
    parts = (stem, passage.title, passage.context, *one.headings, one.context, one.quote)
    return "\n".join(dict.fromkeys(part for part in parts if part))
