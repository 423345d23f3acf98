"""After any history of edits an index answers as a fresh build does, to the last bit."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from embedded import Embedded

from rag.store.rank_bm25 import RankBm25Engine
from rag.store.tantivy import TantivyEngine
from rag.types import Condition, Document, Passage, Variant

_WORDS = [f"w{n}" for n in range(60)]
_ZIPF = [1 / (n + 1) for n in range(60)]
_EARLY = Condition("year", "<", 2003)


def drawn(chance: random.Random, name: int) -> Document:
    """A document of up to six lines of very different lengths."""
    lengths = [chance.choice((1, 5, 12, 50, 300)) for _ in range(chance.randint(1, 6))]
    lines = [" ".join(chance.choices(_WORDS, _ZIPF, k=length)) for length in lengths]
    year = chance.randint(2000, 2009)
    return Document(f"d{name}", f"d{name}.txt", "\n".join(lines), "", (), {"year": year})


def cut(document: Document) -> tuple[Document, Sequence[Passage]]:
    """A passage for each line."""
    passages, start = [], 0
    for line in document.text.split("\n"):
        end = start + len(line)
        passages.append(Passage(document.id, start, end, line, document.source))
        start = end + 1
    return document, passages


def edited(store: Embedded, chance: random.Random, commits: int, names: int) -> dict[str, Document]:
    """Add, change and remove documents in many small commits; what the index then holds."""
    held: dict[str, Document] = {}
    for step in range(commits):
        # A history that only grows, then one that mostly shrinks, then both.
        few = chance.random() < (0.1, 0.6, 0.35)[step * 3 // commits]
        added = {d.id: d for d in (drawn(chance, chance.randrange(names)) for _ in range(4))}
        gone = chance.sample(sorted(held), min(len(held), 5 if few else 0))
        gone = [name for name in gone if name not in added]
        store.commit([cut(document) for document in added.values()], gone)
        for name in gone:
            del held[name]
        held |= added
    return held


def answers(store: Embedded, chance: random.Random, count: int) -> list[object]:
    """Both arms' passages and scores for questions, weighted, filtered, and for several k."""
    found: list[object] = []
    with store.view() as view:
        for _ in range(count):
            words = chance.choices(_WORDS, _ZIPF, k=chance.randint(1, 6))
            weights = [Variant(words[0], 0.37), Variant(_WORDS[chance.randrange(60)], 2.5)]
            texts = [Variant(" ".join(words)), *weights[: chance.randint(0, 2)]]
            vector = store.encoder.encode_queries([" ".join(words)])[0]
            for k in (1, 10, 100):
                for filters in ((), (_EARLY,)):
                    found.append(view.lexical(texts, k, filters))
                    found.append(view.dense(vector, k, filters))
        found.append([view.idf(word) for word in _WORDS])
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("engine", [TantivyEngine, RankBm25Engine])
def test_history_leaves_no_trace(
    tmp_path: Path, engine: type[TantivyEngine] | type[RankBm25Engine], seed: int
) -> None:
    old = Embedded(tmp_path / "old", engine=engine(language="en"))
    held = edited(old, random.Random(seed), 40, 50)
    fresh = Embedded(tmp_path / "fresh", engine=engine(language="en"))
    names = sorted(held)
    random.Random(seed).shuffle(names)
    fresh.commit([cut(held[name]) for name in names])
    asked = 12 if engine is TantivyEngine else 3
    before = answers(old, random.Random(seed), asked)
    assert any(before)
    assert before == answers(fresh, random.Random(seed), asked)
    assert old.problems() == []
    old.close()
    fresh.close()


def test_lengths_that_changed_much(tmp_path: Path) -> None:
    """tantivy's average is far from the true one: what it ranks low may be the best."""
    chance = random.Random(5)
    engine = TantivyEngine(language="en")
    long = [(n, n, chance.choices(_WORDS, _ZIPF, k=900)) for n in range(1, 200)]
    short = [(n, n, chance.choices(_WORDS, _ZIPF, k=n % 17 + 1)) for n in range(200, 900)]
    none = np.empty(0, np.int64)
    engine.update(None, tmp_path / "1", none, [*long, *short])
    gone = np.arange(3, 200)
    engine.update(tmp_path / "1", tmp_path / "2", gone, [])
    engine.update(None, tmp_path / "fresh", none, [*long[:2], *short])
    old, fresh = engine.open(tmp_path / "2"), engine.open(tmp_path / "fresh")
    for _ in range(60):
        terms = dict.fromkeys(chance.choices(_WORDS, _ZIPF, k=3), 1.0)
        for asked in (terms, {term: -weight for term, weight in terms.items()}):
            expected = sorted(fresh.search(asked, 20))
            assert sorted(old.search(asked, 20)) == expected
    assert [old.idf(word) for word in _WORDS] == [fresh.idf(word) for word in _WORDS]
