from __future__ import annotations

from pathlib import Path

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import RR, R, nDCG

from rag.errors import RequestError, SourceError
from rag.evaluate.beir import BeirDataset
from rag.evaluate.runner import judge_run
from rag.evaluate.trec import Run, file_name, ranked, read_run, write_run
from rag.types import Hit, Passage

QRELS = {"q1": {"a": 2, "b c": 1}, "q2": {"d": 1}}
DOCUMENTS = {"a", "b c", "d", "e", "100%"}
DATASET = BeirDataset("tiny", "beir", Path("tiny"), None, {"q1": "tides", "q2": "salt"}, QRELS)


def written(folder: Path, text: str) -> Path:
    path = folder / "some.run"
    path.write_text(text)
    return path


def order(run: Run) -> dict[str, list[str]]:
    return {query: [hit.passage.document_id for hit in hits] for query, hits in run.found.items()}


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "made" / "a.run"
    ranking = [("b c", 3.5), ("a", 3.5), ("100%", -1.0), ("e", 0.25)]
    write_run(path, "mine", [("q1", ranking), ("q2", [])])
    assert path.read_text().splitlines()[0] == "q1 Q0 b%20c 1 3.5 mine"
    run = read_run(path, QRELS, DOCUMENTS)
    assert run.tag == "mine"
    assert order(run) == {"q1": ["b c", "a", "100%", "e"]}


scores = st.floats(allow_nan=False, allow_infinity=False, width=32)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(scores, max_size=8), min_size=1, max_size=3))
def test_the_order_survives_any_scores(
    tmp_path_factory: pytest.TempPathFactory, lists: list[list[float]]
) -> None:
    path = tmp_path_factory.mktemp("runs") / "x.run"
    names = [f"d{n}" for n in range(8)]
    rankings = {f"q{n}": list(zip(names, values, strict=False)) for n, values in enumerate(lists)}
    rankings["q"] = [("d0", 1.0)]
    write_run(path, "x", rankings.items())
    assert order(read_run(path, rankings, names)) == {
        query: [name for name, _ in ranking] for query, ranking in rankings.items() if ranking
    }


def test_measures_of_a_run_are_those_of_ir_measures(tmp_path: Path) -> None:
    """Ties, and ranks that contradict scores: the file means what trec_eval makes of it."""
    lines = ["q1 Q0 e 1 2.0 t", "q1 Q0 a 2 2.0 t", "q1 Q0 d 3 5.0 t", "q2 Q0 a 1 0.1 t"]
    lines += ["q2 Q0 d 9 0.1 t", "q2 Q0 e 3 0.10000000001 t"]
    path = written(tmp_path, "\n".join(lines) + "\n")
    found = judge_run(DATASET, read_run(path, QRELS, DOCUMENTS))
    names = {nDCG @ 10: "nDCG@10", R @ 10: "R@10", R @ 100: "R@100", RR: "RR@10"}
    qrels = {query: dict(grades) for query, grades in QRELS.items()}
    theirs = list(ir_measures.iter_calc(list(names), qrels, ir_measures.read_trec_run(str(path))))
    assert len(theirs) == 8
    for metric in theirs:
        assert found.per_query[names[metric.measure]][metric.query_id] == pytest.approx(
            metric.value
        )
    assert found.tops == {"q1": "d", "q2": "e"}
    assert (found.name, found.index_seconds, found.query_ms) == ("t", None, None)


def test_queries_that_a_run_lacks_count_nothing(tmp_path: Path) -> None:
    run = read_run(written(tmp_path, "q2 Q0 d 1 1 t\n"), QRELS, DOCUMENTS)
    assert judge_run(DATASET, run).per_query["RR@10"] == {"q1": 0.0, "q2": 1.0}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q1 Q0 a 1 0.5", r"some\.run:2: 5 columns where there must be 6"),
        ("q1 Q0 b c 2 0.5 t", r"some\.run:2: 7 columns where there must be 6"),
        ("q1 Q0 a first 0.5 t", r"some\.run:2: the rank 'first' is not a whole number"),
        ("q1 Q0 a 1 high t", r"some\.run:2: the score 'high' is not a number"),
        ("q1 Q0 a 1 nan t", r"some\.run:2: the score 'nan' is not a number"),
        ("q1 Q0 a 1 1e999 t", r"some\.run:2: the score '1e999' is not a number"),
        ("q1 Q0 a 1 1 u", r"some\.run:2: the tag 'u' follows 't': one run to a file"),
        ("q2 Q0 d 2 1 t", r"some\.run:2: query 'q2' has document 'd' again; it was on line 1"),
        ("q9 Q0 a 1 1 t", r"some\.run: no query of the dataset: 'q9' \(line 2\)"),
        ("q1 Q0 zz 1 1 t", r"some\.run: no document of the dataset: 'zz' \(line 2\)"),
    ],
)
def test_lines_that_do_not_fit_are_named(tmp_path: Path, line: str, message: str) -> None:
    path = written(tmp_path, f"q2 Q0 d 1 1 t\n{line}\n")
    with pytest.raises(SourceError, match=message):
        read_run(path, QRELS, DOCUMENTS)


def test_some_of_many_unknown_ids_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, "".join(f"q1 Q0 x{n} 1 1 t\n" for n in range(9)))
    with pytest.raises(SourceError, match=r"'x0' \(line 1\), .*'x4' \(line 5\) and 4 more"):
        read_run(path, QRELS, DOCUMENTS)
    with pytest.raises(SourceError, match="the run is empty"):
        read_run(written(tmp_path, "\n"), QRELS, DOCUMENTS)


def test_ids_with_spaces_must_stay_apart(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="query 'q1': two ids differ only in how spaces"):
        write_run(tmp_path / "a.run", "t", [("q1", [("b c", 2.0), ("b%20c", 1.0)])])


def test_documents_are_ranked_where_they_are_judged() -> None:
    hits = [Hit(Passage(n, at, at + 1, "x"), 3.0 - at) for at, n in enumerate(["b", "a", "b"])]
    assert ranked(DATASET, hits) == [("b", 3.0), ("a", 2.0)]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("hybrid without dense", "hybrid-without-dense"),
        ("../../etc", "etc"),
        ("é/…", "é"),
        ("", "run"),
    ],
)
def test_names_of_files(name: str, file: str) -> None:
    assert file_name(name) == file
