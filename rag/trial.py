"""Trials: pipelines side by side on a dataset, each on an index of its own."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import warnings
from collections.abc import Callable, Container, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Literal, TypeAlias

from rag.ablation import ablations
from rag.assembly import arm_names
from rag.config import Cut, Pipeline
from rag.corpus import WholeDocument, connector_of
from rag.encode.cache import CachedEncoder
from rag.errors import RequestError
from rag.evaluate.beir import BeirDataset, known_queries
from rag.evaluate.dataset import Dataset
from rag.evaluate.detection import read_dataset
from rag.evaluate.journal import Journal, Outcome
from rag.evaluate.questions import contrasts
from rag.evaluate.report import Report, comparisons
from rag.evaluate.result import PipelineResult
from rag.evaluate.runner import Together, judge, judge_run
from rag.evaluate.trec import Run, file_name, read_run, write_run
from rag.facade.crew import Crew
from rag.facade.warming import searches_vectors
from rag.facade.workers import default_workers
from rag.gathering import GatheringEncoder
from rag.indexing import IndexReport
from rag.protocols import Encoder
from rag.rag import Rag
from rag.types import Document, Item, Passage

# Passages to look at for a ranking of documents as deep as the deepest measure.
_DEPTH = 100
# In the folder of an index: how long it took to make.
_RECORD = "built.json"
# Documents held to restore passages from, when an evaluation goes on.
_DOCUMENTS_HELD = 1_000

Say = Callable[[str], None]
Units: TypeAlias = Literal["documents", "passages"]
"""What is indexed of a corpus whose documents are what is judged: each whole, or its passages."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What an evaluation does besides judging pipelines.

    With `compare_all` every pair of pipelines is compared on every measure, instead of each
    later one with the first on the dataset's own. With `ablate` the first pipeline is also
    judged with each of its parts taken away in turn. `runs` are files of runs to judge beside
    the pipelines, and the runs of pipelines are written to `save_runs`. With `fresh` indexes
    and vectors that were kept are not used.
    """

    compare_all: bool = False
    ablate: bool = False
    runs: Sequence[Path] = ()
    save_runs: Path | None = None
    fresh: bool = False


def evaluate(
    folder: Path,
    pipelines: Sequence[Pipeline],
    *,
    split: str = "test",
    units: Units = "documents",
    cache: Path | None = None,
    progress: Say | None = None,
    extent: Extent = Extent(),
) -> Report:
    """Measure each of `pipelines` on the dataset in `folder`: see `evaluate_each`."""
    (report,) = evaluate_each(
        [folder],
        pipelines,
        split=split,
        units=units,
        cache=cache,
        progress=progress,
        extent=extent,
    )
    return report


def evaluate_each(
    folders: Sequence[Path],
    pipelines: Sequence[Pipeline],
    *,
    split: str = "test",
    units: Units = "documents",
    cache: Path | None = None,
    progress: Say | None = None,
    extent: Extent = Extent(),
) -> list[Report]:
    """Measure each of `pipelines` on each of the datasets; the first pipeline is the baseline.

    A BEIR corpus is a list of texts that were cut to be retrieved: by default each is one
    passage, of which an encoder reads as much as it can, as published figures have it. With
    `units="passages"` the pipeline's chunker cuts them, and a document counts by its best
    passage. A folder of files is always cut.

    Indexes are kept in `cache` by dataset and index part, so that pipelines that share theirs
    share an index; without it they are temporary. Vectors are shared between all of them, so
    that no text is encoded twice. What has been found is kept there too until the whole is
    done, so that an evaluation that was stopped goes on where it was when it is run again.
    Documents that cannot be read are warned about, and the others go on.
    """
    _check_distinct(folders, pipelines)
    datasets = [read_dataset(folder, split) for folder in folders]
    _check_runs(datasets, extent)
    with kept(cache) as place, ExitStack() as journals:
        bench = _Bench(
            place, units, progress or (lambda _: None), extent, journals, len(datasets) > 1
        )
        return [bench.report(dataset, pipelines) for dataset in datasets]


def _check_distinct(folders: Sequence[Path], pipelines: Sequence[Pipeline]) -> None:
    places = [folder.resolve() for folder in folders]
    for n, folder in enumerate(folders):
        if places[n] in places[:n]:
            raise RequestError(f"dataset '{folder}' is named twice: name it once")
    for n, pipeline in enumerate(pipelines):
        if pipeline in pipelines[:n]:
            raise RequestError(f"pipeline '{pipeline.name}' is named twice: name it once")


def _check_runs(datasets: Sequence[Dataset], extent: Extent) -> None:
    if extent.runs and len(datasets) > 1:
        raise RequestError("a run belongs to one dataset: evaluate the others without it")
    for dataset in datasets:
        if extent.runs and not isinstance(dataset, BeirDataset):
            raise RequestError(
                f"{dataset.folder}: runs are judged on datasets in BEIR format, "
                f"and this is one of {dataset.format}"
            )


@dataclass(slots=True)
class _Bench:
    """Where pipelines are tried, and what their trials share."""

    place: Path
    units: Units
    say: Say
    extent: Extent
    journals: ExitStack
    several: bool
    made: set[Path] = field(default_factory=set)

    def report(self, dataset: Dataset, pipelines: Sequence[Pipeline]) -> Report:
        runs = _read_runs(dataset, self.extent.runs)
        chosen = [*self._with_ablations(dataset, pipelines), *pipelines[1:]]
        named = _distinct([*(one.name for one in chosen), *(run.tag for run in runs)])
        results = [
            self._try(dataset, pipeline, name)
            for pipeline, name in zip(chosen, named[: len(chosen)], strict=True)
        ]
        for run, name in zip(runs, named[len(chosen) :], strict=True):
            results.append(judge_run(dataset, replace(run, tag=name)))
        measure = dataset.compared
        both = len(results) > 1
        return Report(
            dataset=dataset.name,
            format=dataset.format,
            questions=len(dataset.queries),
            compared=measure,
            pipelines=tuple(results),
            comparisons=comparisons(results, measure, all_pairs=self.extent.compare_all),
            contrasts=contrasts(results[1], results[0], measure, dataset.queries) if both else None,
        )

    def _with_ablations(self, dataset: Dataset, pipelines: Sequence[Pipeline]) -> list[Pipeline]:
        whole = pipelines[:1]
        if not self.extent.ablate:
            return list(whole)
        variants = ablations(whole[0], cut=not is_whole(dataset, self.units))
        if not variants:
            raise RequestError(f"pipeline '{whole[0].name}' has no part that could be taken away")
        return [*whole, *variants]

    def _try(self, dataset: Dataset, pipeline: Pipeline, name: str) -> PipelineResult:
        folder = index_place(dataset, pipeline, self.place, self.units)
        if self.extent.fresh and folder not in self.made:
            shutil.rmtree(folder, ignore_errors=True)
        self.made.add(folder)
        cache = None if self.extent.fresh else self.place
        with closing(_opened(dataset, pipeline, folder, cache, self.units)) as rag:
            self.say(f"{name}: indexing {dataset.name}")
            indexed = rag.index(
                connector_of(dataset),
                progress=lambda p: self.say(f"{name}: {p.encoded} passages encoded"),
            )
            for failure in indexed.failed:
                warnings.warn(f"not measured: {failure.source}: {failure.error}", stacklevel=2)
            return self._judge(dataset, pipeline, name, rag, indexed)

    def _judge(
        self, dataset: Dataset, pipeline: Pipeline, name: str, rag: Rag, indexed: IndexReport
    ) -> PipelineResult:
        journal = self.journals.enter_context(_journal(rag, pipeline))
        todo = [text for query, text in dataset.queries.items() if query not in journal]
        if todo:
            # Models load outside of the timing. A vector that is remembered would cost nothing.
            rag.search(f"{todo[0]} ?")
        questions = len(dataset.queries)
        # The answer is what the pipeline would give, its last cut included.
        with ExitStack() as opened:
            asked = opened.enter_context(closing(_asked(rag, pipeline)))
            bold = _bold(pipeline, asked)
            return judge(
                dataset,
                name,
                rag.search,
                ask=asked.ask,
                bold=opened.enter_context(closing(bold)).ask if bold is not None else None,
                cut=rag.passages(),
                arms=arm_names(pipeline),
                journal=journal,
                save=partial(write_run, *self._run_file(dataset, name))
                if self.extent.save_runs
                else None,
                index_seconds=_seconds_to_build(rag.folder, indexed),
                documents=indexed.documents,
                passages=indexed.passages,
                progress=lambda done: self.say(f"{name}: question {done:,} of {questions:,}"),
                together=_together(dataset, asked, opened.enter_context(closing(_searched(asked)))),
            )

    def _run_file(self, dataset: Dataset, name: str) -> tuple[Path, str]:
        assert self.extent.save_runs is not None
        tag = file_name(name)
        folder = self.extent.save_runs / (file_name(dataset.name) if self.several else "")
        return folder / f"{tag}.run", tag


def _asked(rag: Rag, pipeline: Pipeline) -> Rag:
    """Answers from the index of `rag`; sentences that several questions meet are encoded once."""
    encoder = None if rag.encoder is None else GatheringEncoder(rag.encoder)
    return Rag(rag.folder, pipeline, encoder, sharing=rag)


def _searched(asked: Rag) -> Rag:
    """Rankings as deep as measures look, for threads: what they encode is encoded together."""
    return Rag(asked.folder, uncut(asked.pipeline), asked.encoder, sharing=asked)


def _together(dataset: Dataset, asked: Rag, searched: Rag) -> Together:
    """Questions several at once; what is abandoned encodes no more."""
    workers = default_workers(asked.pipeline, answering=dataset.asks)

    def run(work: Callable[[str], Outcome], questions: Iterable[str]) -> Generator[Outcome]:
        encoder = asked.encoder
        if not isinstance(encoder, GatheringEncoder):
            return Crew(work, workers).results(questions)
        if searches_vectors(asked.pipeline):
            # In one order, and remembered: the last digits of a vector depend on its batch, which
            # is else made of what threads happen to ask for.
            encoder.encode_queries(list(dataset.queries.values()))
        return Crew(work, workers, encoder.close).results(questions)

    return Together(searched.search, run)


def _bold(pipeline: Pipeline, asked: Rag) -> Rag | None:
    """The same index under the pipeline without a threshold; None where it has none."""
    bold = thresholded(pipeline, 0.0)
    if bold is None or bold == pipeline:
        return None
    return Rag(asked.folder, bold, asked.encoder, sharing=asked)


def _journal(rag: Rag, pipeline: Pipeline) -> Journal:
    """The journal of a pipeline on an index as it is now; it lies in the index's folder."""
    plain = pipeline.as_dict()
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]
    state = rag.status()["generation"]
    key = {"pipeline": plain, "generation": state, "ragline": version("ragline")}

    @lru_cache(maxsize=_DOCUMENTS_HELD)
    def document(name: str) -> Document:
        return rag.inspect(name)[0]

    def restore(name: str, start: int, end: int) -> Passage:
        found = document(name)
        return Passage(
            name, start, end, found.text[start:end], source=found.source, title=found.title
        )

    return Journal(rag.folder / f"trial-{digest}.jsonl", key, restore)


def _seconds_to_build(folder: Path, indexed: IndexReport) -> float:
    """How long the index took to make: what earlier trials spent on it counts too."""
    record = folder / _RECORD
    spent = json.loads(record.read_text())["seconds"] if record.is_file() else 0.0
    if indexed.added or indexed.changed or indexed.removed or not record.is_file():
        spent += indexed.seconds
        draft = record.with_suffix(".new")
        draft.write_text(json.dumps({"seconds": spent}))
        draft.replace(record)
    return float(spent)


def _read_runs(dataset: Dataset, paths: Sequence[Path]) -> list[Run]:
    if not paths:
        return []
    queries = known_queries(dataset.folder)
    documents = _document_ids(dataset)
    return [read_run(path, queries, documents) for path in paths]


def _document_ids(dataset: Dataset) -> Container[str]:
    return {item.id for item in connector_of(dataset).items() if isinstance(item, Item)}


def _distinct(names: Sequence[str]) -> list[str]:
    """`names`, the second of a kind and those after it numbered."""
    distinct: list[str] = []
    for name in names:
        free = (one for n in count(2) if (one := f"{name} ({n})") not in distinct)
        distinct.append(next(free) if name in distinct else name)
    return distinct


def open_trial(
    dataset: Dataset, pipeline: Pipeline, place: Path, units: Units = "documents"
) -> Rag:
    """The index in `place` of a dataset under a pipeline, to be brought up to date."""
    return _opened(dataset, pipeline, index_place(dataset, pipeline, place, units), place, units)


def index_place(
    dataset: Dataset, pipeline: Pipeline, place: Path, units: Units = "documents"
) -> Path:
    """The folder in `place` of the index that pipelines with the same index part share."""
    whole = is_whole(dataset, units)
    record = [str(dataset.folder.resolve()), pipeline.index_part(), whole]
    return place / hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:16]


def is_whole(dataset: Dataset, units: Units) -> bool:
    """Whether each document is one passage."""
    return units == "documents" and not dataset.cut


def _opened(
    dataset: Dataset, pipeline: Pipeline, folder: Path, cache: Path | None, units: Units
) -> Rag:
    encoder: Encoder | None = None
    if pipeline.encode is not None:
        encoder = pipeline.encode.build()
        encoder = encoder if cache is None else CachedEncoder(encoder, cache)
    whole = WholeDocument() if is_whole(dataset, units) else None
    return Rag(folder, uncut(pipeline), encoder, whole)


def uncut(pipeline: Pipeline) -> Pipeline:
    """The pipeline without the cuts at its end: measures look deeper than answers do.

    A cut before another stage shapes what that stage makes, and stays.
    """
    stages = list(pipeline.stages)
    while isinstance(last := stages[-1], Cut) and last.k < _DEPTH:
        stages.pop()
    return replace(pipeline, stages=tuple(stages))


def thresholded(pipeline: Pipeline, min_score: float) -> Pipeline | None:
    """The pipeline with another threshold of its answerer; None where that has none."""
    if "min_score" not in pipeline.answer.options:
        return None
    options = {**pipeline.answer.options, "min_score": min_score}
    return replace(pipeline, answer=replace(pipeline.answer, options=options))


@contextmanager
def kept(cache: Path | None) -> Iterator[Path]:
    """The folder `cache`, made where it is missing; without it one that is removed again."""
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
        yield cache
        return
    with tempfile.TemporaryDirectory(prefix="ragline-") as folder:
        yield Path(folder)
