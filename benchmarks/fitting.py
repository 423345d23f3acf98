"""The weights of the extractive answerer, fitted on the questions of `benchmarks/dev`.

Which sentence answers best is fitted by a softmax over the sentences of a question, so that the
right ones get most of it; how likely the best one answers by logistic regression on the best
sentence of each question. There, answering what the documents don't answer is the fault that
counts whole; another sentence than the right one, where there is a right one, counts 0.3 of it.
Nothing is answered by questions that are written so, and by every other question once its
documents are filtered away, as if they were missing.
Both are fitted three times: with vectors of tokens, with vectors of texts, and with words alone.

Figures are of five-fold cross-validation, folds by document, so that no sentence of a document
is fitted on where its questions are asked. A whole run replaces the weights that ship.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.arguments import CHECKOUT, Arguments, arguments
from benchmarks.record import Record
from rag import Condition, Rag
from rag.answer import evidence as weighing
from rag.answer.evidence import Evidence, Means, Weights
from rag.config import load_pipeline
from rag.evaluate.jsonl import records
from rag.evaluate.rightness import is_right
from rag.gathering import GatheringEncoder
from rag.protocols import Encoder
from rag.registry import load
from rag.wrapping import WrappedEncoder

Array: TypeAlias = NDArray[np.float64]

_DEV = CHECKOUT / "benchmarks" / "dev"
_SHIPPED = CHECKOUT / "rag" / "answer" / "weights.json"
_MEANS: tuple[Means, ...] = ("tokens", "vectors", "words")
_RANKING: Mapping[Means, tuple[str, ...]] = {
    "tokens": ("closeness", "coverage", "fit"),
    "vectors": ("closeness", "coverage", "fit"),
    "words": ("coverage", "fit"),
}
_SIGNS = ("coverage", "fit", "margin", "numbers", "names", "words")
_CONFIDENCE: Mapping[Means, tuple[str, ...]] = {
    "tokens": ("closeness", "weakest", *_SIGNS),
    "vectors": ("closeness", *_SIGNS),
    "words": _SIGNS,
}
_AGAINST = frozenset({"numbers", "names"})
# What a wrong sentence counts where there is a right one, beside an answer where there is none.
_WRONG = 0.3
# What a question counts whose documents are missing: all of them as much as the unanswerable.
_MISSING = 0.3
# The share of answerable questions that the threshold lets through.
_ANSWERED = 0.9
_FOLDS = 5
_RIDGE_RANKING, _RIDGE_CONFIDENCE = 1.0, 3.0
_QUICK = 40


@dataclass(frozen=True, slots=True)
class Case:
    """A question with its evidence; `right` `(candidates,)` says which would answer it."""

    kind: str
    group: str
    answerable: bool
    evidence: Evidence
    right: NDArray[np.bool_]
    weight: float = 1.0


def measure(given: Arguments, *, write: bool = False) -> None:
    """Fit and judge; with `write` the weights that ship are replaced."""
    record = Record("fitting", "The extractive answerer's weights: benchmarks/dev", given.quick)
    questions = [fields for _, fields in records(_DEV / "questions.jsonl")]
    if given.quick:
        questions = questions[:_QUICK]
    made: dict[Means, Weights] = {}
    for means in _MEANS:
        with _indexed(means) as rag:
            cases = [_case(rag, fields) for fields in questions]
            cases += [_missing(rag, fields) for fields in questions if fields["documents"]]
        _judge(record, means, cases)
        made[means] = fit(cases, means)
    record.figures["weights"] = {
        means: {"ranking": one.ranking, "confidence": one.confidence} for means, one in made.items()
    }
    record.write()
    if write:
        told = {"fitted on": "benchmarks/dev", "weights": record.figures["weights"]}
        _SHIPPED.write_text(json.dumps(told, indent=2) + "\n", "utf-8")


@contextmanager
def _indexed(means: Means) -> Iterator[Rag]:
    pipeline = load_pipeline("bm25" if means == "words" else "hybrid")
    encoder: Encoder | None = None
    if pipeline.encode is not None:
        built: Encoder = pipeline.encode.build()
        # Sentences that several questions meet are encoded once.
        encoder = GatheringEncoder(WrappedEncoder(built) if means == "vectors" else built)
    with (
        TemporaryDirectory(prefix="ragline-") as place,
        Rag.open(Path(place) / "index", pipeline=pipeline, encoder=encoder) as rag,
    ):
        base = _DEV / "documents"
        rag.index(load("connector", "files")(paths=[base], base=base))
        yield rag


def _case(rag: Rag, fields: Mapping[str, object]) -> Case:
    documents = cast("list[str]", fields["documents"])
    found = _evidence(rag, str(fields["text"]))
    answer, told = str(fields["answer"]), cast("list[str]", fields["evidence"])
    right = [
        one.passage.source in documents and is_right(one.quote, answer, told) for one in found.found
    ]
    group = documents[0] if documents else str(fields["_id"])
    return Case(str(fields["kind"]), group, bool(documents), found, np.array(right, bool))


def _missing(rag: Rag, fields: Mapping[str, object]) -> Case:
    documents = cast("list[str]", fields["documents"])
    found = _evidence(rag, str(fields["text"]), documents)
    nothing = np.zeros(len(found.found), bool)
    return Case("missing", documents[0], False, found, nothing, _MISSING)


def _evidence(rag: Rag, question: str, without: Sequence[str] = ()) -> Evidence:
    hits = rag.search(question, [Condition("source", "!=", one) for one in without]).hits
    with rag._view() as view:
        return weighing.evidence(question, hits, view)


def fit(cases: Sequence[Case], means: Means) -> Weights:
    """Both sets of weights."""
    ranking = _fit_ranking(cases, _RANKING[means])
    return Weights(ranking, _fit_confidence(cases, ranking, _CONFIDENCE[means]))


def _fit_ranking(cases: Sequence[Case], names: Sequence[str]) -> dict[str, float]:
    known = [(_signals(one.evidence, names), one.right) for one in cases if one.right.any()]
    scale = np.concatenate([signals for signals, _ in known]).std(axis=0)

    def loss(weights: Array) -> tuple[float, Array]:
        total, slope = _RIDGE_RANKING * weights @ weights / 2, _RIDGE_RANKING * weights
        for signals, right in known:
            scaled = signals / scale
            shares = _softmax(scaled @ weights)
            held = max(float(shares[right].sum()), 1e-12)
            total -= np.log(held)
            slope = slope - (scaled[right].T @ shares[right] / held - scaled.T @ shares)
        return float(total), slope

    weights = _least(loss, len(names)) / scale
    return {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True)}


def _fit_confidence(
    cases: Sequence[Case], ranking: Mapping[str, float], names: Sequence[str]
) -> dict[str, float]:
    from scipy.special import expit

    cases = [one for one in cases if one.evidence.found]
    judged = [(_signs(one, ranking, names), _worth(one, ranking)) for one in cases]
    signs, worth = np.array([one for one, _ in judged]), np.array([one for _, one in judged])
    counts = np.array([one.weight for one in cases])
    middle, scale = signs.mean(axis=0), signs.std(axis=0) + 1e-9
    design = np.column_stack([np.ones(len(signs)), (signs - middle) / scale])
    ridge = np.array([0.0, *[_RIDGE_CONFIDENCE] * len(names)])

    def loss(weights: Array) -> tuple[float, Array]:
        logits = design @ weights
        total = counts @ (np.logaddexp(0, logits) - worth * logits) + ridge @ weights**2 / 2
        errors: Array = counts * (expit(logits) - worth)
        slope: Array = np.asarray(design.T @ errors + ridge * weights)
        return float(total), slope

    bounds = [(None, None), *(_bound(name) for name in names)]
    constant, *rest = _least(loss, len(names) + 1, bounds)
    slopes = np.array(rest) / scale
    found = {"constant": float(constant - slopes @ middle)}
    found.update((name, float(one)) for name, one in zip(names, slopes, strict=True))
    return {name: round(value, 4) for name, value in found.items()}


def _bound(name: str) -> tuple[float | None, float | None]:
    """What speaks against an answer may not come to speak for it by a chance of the questions."""
    return (None, 0.0) if name in _AGAINST else (0.0, None)


def _least(
    loss: Callable[[Array], tuple[float, Array]],
    size: int,
    bounds: Sequence[tuple[float | None, float | None]] | None = None,
) -> Array:
    from scipy.optimize import minimize

    start = np.zeros(size)
    found: Array = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found


def _signals(found: Evidence, names: Sequence[str]) -> Array:
    return np.column_stack([np.asarray(getattr(found, name), np.float64) for name in names])


def _scores(one: Case, ranking: Mapping[str, float]) -> Array:
    scores: Array = _signals(one.evidence, list(ranking)) @ np.array(list(ranking.values()))
    return scores


def _signs(one: Case, ranking: Mapping[str, float], names: Sequence[str]) -> list[float]:
    signs = one.evidence.signs(_scores(one, ranking).astype(np.float32))
    return [signs[name] for name in names]


def _worth(one: Case, ranking: Mapping[str, float]) -> float:
    if not one.answerable:
        return 0.0
    return 1.0 if one.right[_scores(one, ranking).argmax()] else 1 - _WRONG


def _softmax(values: Array) -> Array:
    raised: Array = np.exp(values - values.max())
    return raised / raised.sum()


def _judge(record: Record, means: Means, cases: Sequence[Case]) -> None:
    """Cross-validated figures: each question under weights fitted on other documents."""
    judged = [
        (one, *_verdict(one, weights)) for held, weights in _folds(cases, means) for one in held
    ]
    asked = [(right, sure) for one, right, sure in judged if one.answerable]
    first = float(np.mean([right for right, _ in asked]))
    threshold = float(np.quantile([sure for _, sure in asked], 1 - _ANSWERED))
    record.add(f"{means}: first quote is right", f"{first:.3f} of {len(asked)}")
    record.add(f"{means}: the score that {_ANSWERED} of the answerable reach", f"{threshold:.3f}")
    record.figures[means] = {"first": first, "threshold": round(threshold, 4)}
    for kind in ("unanswerable", "missing"):
        silent = [sure < threshold for one, _, sure in judged if one.kind == kind]
        share = float(np.mean(silent)) if silent else float("nan")
        record.add(f"{means}: under it, {kind}", f"{share:.3f} of {len(silent)}")
        record.figures[means][kind] = share


def _verdict(one: Case, weights: Weights) -> tuple[bool, float]:
    """Whether the best sentence is a right one, and how likely it is said to be."""
    if not one.evidence.found:
        return False, 0.0
    scores = one.evidence.scores(weights)
    return bool(one.right[scores.argmax()]), one.evidence.confidence(scores, weights)


def _folds(cases: Sequence[Case], means: Means) -> Iterator[tuple[Sequence[Case], Weights]]:
    groups = sorted({one.group for one in cases})
    np.random.default_rng(0).shuffle(groups)
    fold = {group: number % _FOLDS for number, group in enumerate(groups)}
    for number in range(_FOLDS):
        others = [one for one in cases if fold[one.group] != number]
        yield [one for one in cases if fold[one.group] == number], fit(others, means)


if __name__ == "__main__":
    given = arguments(__doc__)
    measure(given, write=not given.quick)
