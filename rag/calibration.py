"""Scores of a reranker made probabilities, on a dataset that has questions to learn from."""

from __future__ import annotations

import random
import warnings
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rag.config import Pipeline, Rerank
from rag.corpus import connector_of
from rag.errors import RequestError
from rag.evaluate.beir import BeirDataset
from rag.evaluate.calibration import Reliability, platt, probabilities, reliability
from rag.evaluate.detection import read_dataset
from rag.protocols import Scores
from rag.rag import Rag
from rag.trial import Say, Units, kept, open_trial
from rag.types import Ranking

_CHECKED = "test"


@dataclass(frozen=True, slots=True)
class Sample:
    """Passages that were reranked: their scores, and 1 for those that are relevant, else 0."""

    questions: int
    scores: Scores
    relevant: Scores


@dataclass(frozen=True, slots=True)
class Check:
    """How good probabilities are on questions that nothing was learnt from.

    `by` has them for the scores as they are, cut to 0..1 (`scores`); for the share of relevant
    passages among those that were learnt from, given to each (`share`); and for the curve.
    """

    split: str
    questions: int
    passages: int
    by: Mapping[str, Reliability]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The curve from the scores of the pipeline's last reranker to probabilities."""

    dataset: str
    split: str
    reranker: str
    questions: int
    passages: int
    relevant: int
    slope: float
    intercept: float
    check: Check | None

    def as_dict(self) -> dict[str, Any]:
        """The result as plain data."""
        return asdict(self)


def calibrate(
    folder: Path,
    pipeline: Pipeline,
    *,
    split: str = "train",
    questions: int | None = None,
    units: Units = "documents",
    cache: Path | None = None,
    progress: Say | None = None,
) -> Calibrated:
    """Fit the scores of the pipeline's last reranker to the judgements of a split.

    A passage is relevant where its document is, and of a document's passages the best counts;
    what nobody judged is not relevant. Where the dataset has a `test` split besides, the curve
    is checked on it. With `questions` so many of each split are asked, drawn by lot with a fixed
    seed. The index and vectors are kept in `cache`. Raises RequestError for a pipeline without
    reranker, a dataset without such judgements, and scores that say nothing.
    """
    stage = _last_reranker(pipeline)
    learnt = _dataset(folder, split)
    with kept(cache) as place, closing(open_trial(learnt, _raw(pipeline), place, units)) as rag:
        say = progress or (lambda _: None)
        say(f"indexing {learnt.name}")
        for failure in rag.index(connector_of(learnt)).failed:
            warnings.warn(f"not read: {failure.source}: {failure.error}", stacklevel=2)
        asker = _Asker(rag, questions, say)
        sample = asker.sample(learnt)
        if not len(sample.scores):
            raise RequestError(
                f"'{stage.component.use}' scored no passage for any question: warnings tell where "
                "it failed; otherwise nothing was found"
            )
        slope, intercept = platt(sample.scores, sample.relevant)
        return Calibrated(
            dataset=learnt.name,
            split=split,
            reranker=stage.component.use,
            questions=sample.questions,
            passages=len(sample.scores),
            relevant=int(sample.relevant.sum()),
            slope=_short(slope),
            intercept=_short(intercept),
            check=_check(asker, learnt, sample, slope, intercept) if split != _CHECKED else None,
        )


def _last_reranker(pipeline: Pipeline) -> Rerank:
    stages = [stage for stage in pipeline.stages if isinstance(stage, Rerank)]
    if not stages:
        raise RequestError(
            f"pipeline '{pipeline.name}' has no 'rerank' stage, whose scores could be made "
            "probabilities: add one"
        )
    return stages[-1]


def _raw(pipeline: Pipeline) -> Pipeline:
    """The pipeline up to its last reranker, which gives its scores as they are."""
    last = max(n for n, stage in enumerate(pipeline.stages) if isinstance(stage, Rerank))
    stage = pipeline.stages[last]
    assert isinstance(stage, Rerank)
    return replace(pipeline, stages=(*pipeline.stages[:last], replace(stage, probability=None)))


def _dataset(folder: Path, split: str) -> BeirDataset:
    # Other formats have no splits, and what is wrong with them here is not that.
    judged = (folder / "qrels").is_dir()
    dataset = read_dataset(folder, split) if judged else read_dataset(folder)
    if not isinstance(dataset, BeirDataset):
        raise RequestError(
            f"{folder}: scores are fitted to judgements of documents, which datasets in BEIR "
            f"format have, and this is one of {dataset.format}"
        )
    return dataset


@dataclass(frozen=True, slots=True)
class _Asker:
    """Asks questions of datasets, at most `most` of each."""

    rag: Rag
    most: int | None
    say: Say

    def sample(self, dataset: BeirDataset) -> Sample:
        """What the last stage scored for the questions of `dataset`."""
        scores: list[float] = []
        relevant: list[float] = []
        asked = self._drawn(sorted(dataset.queries))
        for number, query in enumerate(asked, 1):
            self.say(f"question {number:,} of {len(asked):,}")
            grades = dataset.qrels[query]
            for document, score in _reranked(self.rag.search(dataset.queries[query])).items():
                scores.append(score)
                relevant.append(float(grades.get(document, 0) > 0))
        return Sample(len(asked), np.array(scores), np.array(relevant))

    def _drawn(self, queries: list[str]) -> list[str]:
        if self.most is None or self.most >= len(queries):
            return queries
        return sorted(random.Random(0).sample(queries, self.most))


def _reranked(ranking: Ranking) -> dict[str, float]:
    """The best score that the last stage gave to a passage of each document that it scored."""
    (name,) = ranking.steps[-1].uses
    best: dict[str, float] = {}
    for hit in ranking.hits:
        if name in hit.stages:
            score = hit.stages[name].score
            document = hit.passage.document_id
            best[document] = max(score, best.get(document, score))
    return best


def _check(
    asker: _Asker, learnt: BeirDataset, sample: Sample, slope: float, intercept: float
) -> Check | None:
    """None where there is no such split, or none of its questions is new."""
    if not (learnt.folder / "qrels" / f"{_CHECKED}.tsv").is_file():
        return None
    other = _dataset(learnt.folder, _CHECKED)
    new = {query: text for query, text in other.queries.items() if query not in learnt.queries}
    held = asker.sample(replace(other, queries=new))
    if not len(held.scores):
        return None
    chances = {
        "scores": np.clip(held.scores, 0, 1),
        "share": np.full(len(held.scores), sample.relevant.mean()),
        "probability": probabilities(held.scores, slope, intercept),
    }
    by = {name: reliability(one, held.relevant) for name, one in chances.items()}
    return Check(_CHECKED, held.questions, len(held.scores), by)


def _short(number: float) -> float:
    """As many digits as a curve that was fitted deserves."""
    return float(f"{number:.5g}")
