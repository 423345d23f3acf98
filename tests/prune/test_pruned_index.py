"""An index of the founding abstracts among boilerplate, pruned by centrality."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from founding import SEEDS, boilerplate, encoder, titles_and_abstracts

from rag.config import Prune, load_pipeline
from rag.config.component import Component
from rag.config.pipeline import Pipeline
from rag.corpus import DatasetConnector, WholeDocument
from rag.evaluate.beir import read_beir
from rag.rag import Rag

pytestmark = pytest.mark.skipif(not SEEDS, reason="the founding abstracts are not here")
CENTRALITY = Component("pruner", "centrality", {"neighbours": None})


def written(folder: Path) -> Path:
    """Titles as questions, abstracts and boilerplate as documents."""
    papers = titles_and_abstracts()
    (folder / "qrels").mkdir(parents=True)
    documents = [{"_id": f"a{n:03}", "text": text} for n, (_, text) in enumerate(papers)]
    documents += [{"_id": f"line{n:03}", "text": text} for n, text in enumerate(boilerplate())]
    questions = [{"_id": f"q{n:03}", "text": title} for n, (title, _) in enumerate(papers)]
    for name, records in (("corpus", documents), ("queries", questions)):
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (folder / f"{name}.jsonl").write_text(lines)
    judged = "".join(f"q{n:03}\ta{n:03}\t1\n" for n in range(len(papers)))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(1_200)  # the abstracts are encoded first
def test_boilerplate_is_pruned_and_no_abstract(tmp_path: Path) -> None:
    dataset = read_beir(written(tmp_path / "founding"))

    def indexed(name: str, *prune: Prune) -> tuple[list[str], list[str], float]:
        """Ids of what is indexed and of what was pruned, and MRR@10."""
        dense = load_pipeline("dense", ["query.cut=null", "query.retrieve.k=10"])
        pipeline = Pipeline(
            name, dense.chunk, dense.stages, dense.answer, prune=prune, encode=dense.encode
        )
        with closing(Rag(tmp_path / name, pipeline, encoder(), WholeDocument(), workers=0)) as rag:
            rag.index(DatasetConnector(dataset))
            found = {query: rag.search(text).hits for query, text in dataset.queries.items()}
            values = dataset.measure(found)["RR@10"].values()
            dropped = list(rag.pruned())
            assert all(one.reason.startswith("centrality: mean cosine") for one in dropped)
            kept = [one.document_id for one in rag.passages()]
            return kept, [one.passage.document_id for one in dropped], sum(values) / len(values)

    everything, nothing, before = indexed("whole")
    assert (len(everything), nothing) == (158 + 58, [])
    kept, dropped, after = indexed("pruned", Prune(CENTRALITY, keep=0.75))
    assert len(dropped) == 54
    assert sum(name.startswith("line") for name in dropped) >= 50
    assert len([name for name in kept if name.startswith("a")]) == 158, "an abstract was lost"
    assert sorted([*kept, *dropped]) == sorted(everything)
    assert after >= before > 0.85
    assert indexed("kept", Prune(CENTRALITY, keep=1.0)) == (everything, [], before)
