"""BM25 after many updates against rank-bm25 built afresh on the same analysed terms.

BM25Okapi is run with k1 1.2 and b 0.75, as our engine has them, and its idf is replaced by
Lucene's `ln(1 + (N - n + .5) / (n + .5))`: the package's own is negative for common terms and
then raised to a floor, which ranks such terms by another rule. Everything else is the package's.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from rag.protocols import Ids
from rag.store.analysis import analyse
from rag.store.tantivy import TantivyEngine

SCIFACT = Path(__file__).parents[2] / "shared" / "data" / "scifact"


class Reference:
    """rank-bm25 over `rows`, with an idf that is never negative."""

    def __init__(self, rows: Mapping[int, Sequence[str]]) -> None:
        from rank_bm25 import BM25Okapi

        self.rows = list(rows)
        self.bm25 = BM25Okapi([list(terms) for terms in rows.values()], k1=1.2, b=0.75)
        counts: dict[str, int] = {}
        for terms in rows.values():
            for term in set(terms):
                counts[term] = counts.get(term, 0) + 1
        size = len(rows)
        self.bm25.idf = {
            term: math.log1p((size - n + 0.5) / (n + 0.5)) for term, n in counts.items()
        }

    def top(self, terms: Sequence[str], k: int) -> dict[int, float]:
        """The `k` best rows with their scores."""
        scores = self.bm25.get_scores(list(terms))
        order = np.argsort(-scores, kind="stable")[:k]
        return {self.rows[i]: float(scores[i]) for i in order if scores[i] > 0}

    def overlap(self, terms: Sequence[str], found: Sequence[tuple[int, float]], k: int) -> float:
        """Share of our top `k` that the reference ranks as high; its ties are all right."""
        best = self.top(terms, k)
        if not best:
            return float(not found)
        scores = dict(zip(self.rows, self.bm25.get_scores(list(terms)), strict=True))
        least = min(best.values()) - 1e-6
        kept: int = sum(scores[row] >= least for row, _ in found[:k])
        return kept / len(best)


def weights(terms: Sequence[str]) -> dict[str, float]:
    return {term: float(terms.count(term)) for term in terms}


def ids(rows: Sequence[int]) -> Ids:
    return np.array(rows, np.int64)


def updated(
    folder: Path, texts: Mapping[int, list[str]], chance: random.Random, rounds: int
) -> tuple[TantivyEngine, Path, dict[int, list[str]]]:
    """An index made of many updates: rows added, deleted, and put back under new numbers."""
    engine = TantivyEngine(language="en")
    held: dict[int, list[str]] = {}
    waiting = list(texts)
    chance.shuffle(waiting)
    share = -(-len(waiting) // rounds)
    number = max(texts) + 1
    old: Path | None = None
    for step in range(rounds):
        batch, waiting = waiting[:share], waiting[share:]
        added = {row: texts[row] for row in batch}
        gone = chance.sample(sorted(held), len(held) // 6)
        # Two thirds of what is deleted comes back, as a changed document would.
        for row in gone[: len(gone) * 2 // 3]:
            added[number] = held[row]
            number += 1
        for row in gone:
            del held[row]
        new = folder / str(step)
        engine.update(old, new, ids(gone), [(row, row, terms) for row, terms in added.items()])
        held |= added
        old = new
    assert old is not None
    return engine, old, held


def test_after_random_updates(tmp_path: Path) -> None:
    chance = random.Random(4)
    vocabulary = [f"w{n}" for n in range(400)]
    zipf = [1 / (n + 1) for n in range(400)]
    texts = {
        row: chance.choices(vocabulary, zipf, k=chance.randint(3, 40)) for row in range(1, 401)
    }
    engine, folder, held = updated(tmp_path, texts, chance, 12)
    index, reference = engine.open(folder), Reference(held)
    assert index.rows().tolist() == sorted(held)
    overlaps = []
    for _ in range(100):
        terms = chance.choices(vocabulary, zipf, k=chance.randint(1, 6))
        overlaps.append(reference.overlap(terms, index.search(weights(terms), 10), 10))
    assert np.mean(overlaps) >= 0.95


def test_scores_without_deletions_are_the_reference_s(tmp_path: Path) -> None:
    """Scores agree up to rounding: these lengths fit the byte that they are kept in."""
    chance = random.Random(8)
    texts = {row: chance.choices([f"w{n}" for n in range(40)], k=16) for row in range(1, 200)}
    engine = TantivyEngine(language="en")
    engine.update(None, tmp_path / "0", ids([]), [(row, row, t) for row, t in texts.items()])
    index, reference = engine.open(tmp_path / "0"), Reference(texts)
    for terms in (["w1"], ["w2", "w3"], ["w4", "w4", "w5"]):
        expected = reference.top(terms, 200)
        for row, score in index.search(weights(terms), 200):
            assert score == pytest.approx(expected[row], rel=1e-4)


@pytest.mark.slow
@pytest.mark.skipif(not SCIFACT.is_dir(), reason="the SciFact data set is not here")
def test_scifact(tmp_path: Path) -> None:
    corpus: dict[int, str] = {}
    texts: dict[int, list[str]] = {}
    for line in (SCIFACT / "corpus.jsonl").read_text().splitlines():
        record = json.loads(line)
        row = len(corpus) + 1
        corpus[row] = str(record["_id"])
        texts[row] = analyse(f"{record['title']} {record['text']}", "en")
    qrels: dict[str, dict[str, int]] = {}
    for line in (SCIFACT / "qrels" / "test.tsv").read_text().splitlines()[1:]:
        question, document, grade = line.split("\t")
        qrels.setdefault(question, {})[document] = int(grade)
    identity = {id(terms): corpus[row] for row, terms in texts.items()}
    engine, folder, held = updated(tmp_path, texts, random.Random(2), 6)
    index, reference = engine.open(folder), Reference(held)
    documents = {row: identity[id(terms)] for row, terms in held.items()}
    overlaps, ours, theirs = [], [], []
    for line in (SCIFACT / "queries.jsonl").read_text().splitlines():
        record = json.loads(line)
        wanted = qrels.get(str(record["_id"]))
        if wanted is None:
            continue
        terms = analyse(record["text"], "en")
        found = index.search(weights(terms), 10)[:10]
        overlaps.append(reference.overlap(terms, found, 10))
        ours.append(ndcg([documents[row] for row, _ in found], wanted))
        theirs.append(ndcg([documents[row] for row in reference.top(terms, 10)], wanted))
    assert len(overlaps) == 300
    assert np.mean(overlaps) >= 0.95
    assert abs(np.mean(ours) - np.mean(theirs)) <= 0.006


def ndcg(ranked: Sequence[str], wanted: Mapping[str, int]) -> float:
    def gain(grades: Sequence[int]) -> float:
        return sum(grade / math.log2(rank + 2) for rank, grade in enumerate(grades[:10]))

    return gain([wanted.get(name, 0) for name in ranked]) / gain(
        sorted(wanted.values(), reverse=True)
    )
