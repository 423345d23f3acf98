"""The tantivy engine where its size matters."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from rag.store import tantivy
from rag.store.tantivy import TantivyEngine

_WORDS = ("lamp", "oil", "ferry", "harbour", "quay", "rope")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.95])
@pytest.mark.parametrize("k", [1, 10, 200])
def test_many_and_few_allowed_documents_find_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float, k: int
) -> None:
    drawn = random.Random(k)
    entries = [(row, row // 2, drawn.choices(_WORDS, k=drawn.randint(1, 9))) for row in range(600)]
    engine = TantivyEngine(language="en")
    engine.update(None, tmp_path / "index", np.empty(0, np.int64), entries)
    index = engine.open(tmp_path / "index")
    allowed = np.array([d for d in range(300) if drawn.random() < share], np.int64)
    terms = {"lamp": 1.0, "quay": 2.0}
    by_set = index.search(terms, k, allowed)
    monkeypatch.setattr(tantivy, "_SET", 0)
    by_depth = index.search(terms, k, allowed)
    assert sorted(by_depth) == sorted(by_set)
    assert [score for _, score in by_depth] == sorted((s for _, s in by_set), reverse=True)
    assert {row // 2 for row, _ in by_depth} <= set(allowed.tolist())


def test_no_document_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = TantivyEngine(language="en")
    engine.update(None, tmp_path / "index", np.empty(0, np.int64), [(1, 1, ["lamp"])])
    index = engine.open(tmp_path / "index")
    none = np.empty(0, np.int64)
    assert index.search({"lamp": 1.0}, 5, none) == []
    monkeypatch.setattr(tantivy, "_SET", -1)
    assert index.search({"lamp": 1.0}, 5, none) == []
