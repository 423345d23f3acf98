"""SciFact as the benchmarks use it: whole, a part of it, or as text files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from platformdirs import user_cache_path

from rag.evaluate.beir import BeirDataset, read_beir

_QUICK_QUERIES = 30
_QUICK_DOCUMENTS = 300


@contextmanager
def judged(folder: Path, split: str, *, quick: bool) -> Iterator[tuple[Path, Path]]:
    """A BEIR folder to measure on, and a folder for its indexes.

    That is `folder` itself with a cache that stays, or a small part of it, for a quick run,
    with a cache that goes.
    """
    if not quick:
        yield folder, user_cache_path("ragline", appauthor=False) / "benchmarks"
        return
    with TemporaryDirectory(prefix="ragline-") as place:
        _write_part(read_beir(folder, split), Path(place) / folder.name, split)
        yield Path(place) / folder.name, Path(place) / "cache"


def write_files(source: Path, folder: Path, count: int | None) -> list[Path]:
    """The first `count` documents of a BEIR folder, or all, as text files."""
    folder.mkdir()
    paths = []
    for record in islice(documents(source), count):
        path = folder / f"{record['_id']}.txt"
        path.write_text(f"{record['title']}\n{record['text']}", encoding="utf-8")
        paths.append(path)
    return paths


def _write_part(dataset: BeirDataset, folder: Path, split: str) -> None:
    """The first queries, the documents judged for them, and some more documents."""
    (folder / "qrels").mkdir(parents=True)
    queries = dict(islice(dataset.queries.items(), _QUICK_QUERIES))
    wanted = {document for query in queries for document in dataset.qrels[query]}
    corpus = list(documents(dataset.folder))
    kept = [record for record in corpus if record["_id"] in wanted]
    kept += [record for record in corpus if record["_id"] not in wanted][:_QUICK_DOCUMENTS]
    _write_lines(folder / "corpus.jsonl", [json.dumps(record) for record in kept])
    lines = [json.dumps({"_id": query, "text": text}) for query, text in queries.items()]
    _write_lines(folder / "queries.jsonl", lines)
    judgements = [
        f"{query}\t{document}\t{grade}"
        for query in queries
        for document, grade in dataset.qrels[query].items()
    ]
    header = "query-id\tcorpus-id\tscore"
    _write_lines(folder / "qrels" / f"{split}.tsv", [header, *judgements])


def documents(folder: Path) -> Iterator[Mapping[str, str]]:
    """The records of a BEIR folder's documents."""
    with (folder / "corpus.jsonl").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
