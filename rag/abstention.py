"""The threshold under which a pipeline abstains, fitted to a dataset for a stated error rate."""

from __future__ import annotations

import json
import math
import random
import warnings
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rag.config import Pipeline
from rag.corpus import connector_of
from rag.errors import RequestError
from rag.evaluate.answering import Judged, judged, sample
from rag.evaluate.dataset import Dataset
from rag.evaluate.detection import read_dataset
from rag.evaluate.risk import aurc
from rag.evaluate.threshold import Threshold, fit
from rag.rag import Rag
from rag.trial import Say, kept, open_trial, thresholded


@dataclass(frozen=True, slots=True)
class Fitted:
    """A threshold for a pipeline, and the `line` that puts it into the pipeline's file."""

    dataset: str
    pipeline: str
    questions: int
    answerable: int
    aurc: float
    found: Threshold
    line: str

    def as_dict(self) -> dict[str, Any]:
        """The result as plain data; null stands for a threshold that cannot be shown."""
        shape = asdict(self)
        shape.update(shape.pop("found"))
        ends = shape["threshold"].items()
        shape["threshold"] = {key: end if math.isfinite(end) else None for key, end in ends}
        return shape


def fit_threshold(
    folder: Path,
    pipeline: Pipeline,
    *,
    error: float,
    level: float = 0.95,
    questions: int | None = None,
    cache: Path | None = None,
    progress: Say | None = None,
) -> Fitted:
    """Fit the answerer's `min_score` so that at most the share `error` of its answers is wrong.

    Every question is asked without a threshold and judged: see `rag.evaluate.threshold`. With
    `questions` so many are asked, drawn by lot with a fixed seed. The index and vectors are kept
    in `cache`. Raises RequestError for a dataset without answers, an answerer without such a
    threshold, and where the rate cannot be proven.
    """
    dataset = _dataset(folder)
    bold = thresholded(pipeline, 0.0)
    if bold is None:
        raise RequestError(
            f"the answerer '{pipeline.answer.use}' has no 'min_score' that could be fitted: name a "
            "pipeline with another, such as 'extractive'"
        )
    with kept(cache) as place:
        found = _asked(dataset, bold, place, _drawn(sorted(dataset.queries), questions), progress)
    answers = sample(found)
    threshold = fit(answers, error, level=level)
    return Fitted(
        dataset=dataset.name,
        pipeline=pipeline.name,
        questions=len(found),
        answerable=int(answers.answerable.sum()),
        aurc=aurc(answers),
        found=threshold,
        line=_line(pipeline, threshold.at.threshold),
    )


def _dataset(folder: Path) -> Dataset:
    dataset = read_dataset(folder)
    if not dataset.asks:
        raise RequestError(
            f"{folder}: a threshold is fitted to questions with answers, and this is a dataset of "
            f"{dataset.format}; name one in SQuAD format, or a questions.jsonl with answers"
        )
    return dataset


def _asked(
    dataset: Dataset, pipeline: Pipeline, place: Path, queries: Sequence[str], progress: Say | None
) -> list[Judged]:
    say = progress or (lambda _: None)
    found = []
    with closing(open_trial(dataset, pipeline, place)) as index:
        say(f"indexing {dataset.name}")
        for failure in index.index(connector_of(dataset)).failed:
            warnings.warn(f"not read: {failure.source}: {failure.error}", stacklevel=2)
        # The index as the pipeline itself searches it, its last cut included.
        with closing(Rag(index.folder, pipeline, index.encoder)) as rag:
            for number, query in enumerate(queries, 1):
                say(f"question {number:,} of {len(queries):,}")
                answer = replace(rag.ask(dataset.queries[query]), hits=())
                found.append(judged(dataset, query, answer, answer))
    return found


def _drawn(queries: list[str], most: int | None) -> list[str]:
    if most is None or most >= len(queries):
        return queries
    return sorted(random.Random(0).sample(queries, most))


def _line(pipeline: Pipeline, threshold: float) -> str:
    options = {**pipeline.answer.changed(), "min_score": threshold}
    told = ", ".join(f"{name}: {_yaml(value)}" for name, value in options.items())
    return f"answer: {{use: {pipeline.answer.use}, {told}}}"


def _yaml(value: object) -> str:
    # JSON is YAML, and stays on its line.
    return json.dumps(value)
