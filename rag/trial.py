"""Trials: pipelines side by side on a dataset, each on an index of its own."""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

from rag.config import Cut, Pipeline
from rag.encode.cache import CachedEncoder
from rag.evaluate.dataset import Dataset
from rag.evaluate.detection import read_dataset
from rag.evaluate.report import PipelineResult, Report, report
from rag.evaluate.runner import judge
from rag.protocols import Connector, Encoder, Tokenizer
from rag.rag import Rag
from rag.registry import load
from rag.types import Document, Failure, Hit, Item, Passage

# Passages to look at for a ranking of documents as deep as the deepest measure.
_DEPTH = 100

Say = Callable[[str], None]
Units: TypeAlias = Literal["documents", "passages"]
"""What is indexed of a corpus whose documents are what is judged: each whole, or its passages."""


def evaluate(
    folder: Path,
    pipelines: Sequence[Pipeline],
    *,
    split: str = "test",
    units: Units = "documents",
    cache: Path | None = None,
    progress: Say | None = None,
) -> Report:
    """Measure each of `pipelines` on the dataset in `folder`; the first is the baseline.

    A BEIR corpus is a list of texts that were cut to be retrieved: by default each is one
    passage, of which an encoder reads as much as it can, as published figures have it. With
    `units="passages"` the pipeline's chunker cuts them, and a document counts by its best
    passage. A folder of files is always cut.

    Indexes are kept in `cache` by dataset and index part, so that pipelines that share theirs
    share an index; without it they are temporary. Vectors are shared between all of them, so
    that no text is encoded twice. Documents that cannot be read are warned about, and the
    others go on.
    """
    say = progress or (lambda _: None)
    dataset = read_dataset(folder, split)
    with _kept(cache) as place:
        results = [_try(dataset, pipeline, place, units, say) for pipeline in pipelines]
    return report(dataset.name, dataset.format, results, dataset.compared)


def _try(
    dataset: Dataset, pipeline: Pipeline, place: Path, units: Units, say: Say
) -> PipelineResult:
    with closing(open_trial(dataset, pipeline, place, units)) as rag:
        say(f"{pipeline.name}: indexing {dataset.name}")
        indexed = rag.index(
            _connector(dataset),
            progress=lambda p: say(f"{pipeline.name}: {p.encoded} passages encoded"),
        )
        for failure in indexed.failed:
            warnings.warn(f"not measured: {failure.source}: {failure.error}", stacklevel=2)
        questions = list(dataset.queries.values())
        rag.search(questions[0])  # models load outside of the timing

        def search(question: str) -> Sequence[Hit]:
            return rag.search(question).hits

        say(f"{pipeline.name}: {len(questions)} questions")
        return judge(
            dataset,
            pipeline.name,
            search,
            index_seconds=indexed.seconds,
            documents=indexed.documents,
            passages=indexed.passages,
        )


def open_trial(
    dataset: Dataset, pipeline: Pipeline, place: Path, units: Units = "documents"
) -> Rag:
    """The index in `place` of a dataset under a pipeline, to be brought up to date."""
    whole = units == "documents" and dataset.documents is not None
    record = [str(dataset.folder.resolve()), pipeline.index_part(), whole]
    name = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:16]
    encoder: Encoder | None = None
    if pipeline.encode is not None:
        encoder = CachedEncoder(pipeline.encode.build(), place)
    return Rag(place / name, _uncut(pipeline), encoder, WholeDocument() if whole else None)


def _uncut(pipeline: Pipeline) -> Pipeline:
    """The pipeline without its last cut: measures look deeper than answers do."""
    stages = list(pipeline.stages)
    if isinstance(stages[-1], Cut) and stages[-1].k < _DEPTH:
        stages.pop()
    return replace(pipeline, stages=tuple(stages))


def _connector(dataset: Dataset) -> Connector:
    if dataset.documents is not None:
        return DatasetConnector(dataset)
    connector: Connector = load("connector", "files")(
        paths=[dataset.files], base=dataset.files.resolve()
    )
    return connector


class WholeDocument:
    """A chunker for texts that are passages already. It may give more than an encoder reads."""

    def chunk(self, document: Document, tokenizer: Tokenizer) -> Iterator[Passage]:
        """The document's text as one passage."""
        text = document.text.strip()
        start = document.text.find(text)
        if text:
            yield Passage(
                document_id=document.id,
                start=start,
                end=start + len(text),
                text=text,
                source=document.source,
                title=document.title,
                metadata=document.metadata,
            )


class DatasetConnector:
    """The documents that a dataset carries itself: see `rag.protocols.Connector`."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def items(self) -> Iterator[Item | Failure]:
        """Every document of the dataset, in its order."""
        assert self._dataset.documents is not None
        for document in self._dataset.documents():
            yield Item(document.id, document.source, document.content_hash, _loader(document))

    def covers(self, source: str) -> bool:
        """An index of a trial holds nothing else."""
        return True


def _loader(document: Document) -> Callable[[], Document]:
    return lambda: document


@contextmanager
def _kept(cache: Path | None) -> Iterator[Path]:
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
        yield cache
        return
    with tempfile.TemporaryDirectory(prefix="ragline-") as folder:
        yield Path(folder)
