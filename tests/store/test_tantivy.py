"""The tantivy engine where its size matters."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from embedded import Embedded, whole

from rag.errors import IndexDamagedError
from rag.store import tantivy
from rag.store.tantivy import TantivyEngine
from rag.types import Variant

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


def test_an_index_of_an_earlier_version(tmp_path: Path) -> None:
    """Its lexical index has no forward index, and its manifest lists none."""
    store = Embedded(tmp_path / ".rag")
    store.put(whole("lamp", "the keeper lights the lamp"))
    path = store.store.generations.path(int(store.store.meta("generation")))
    manifest = json.loads((path / "manifest.json").read_text())
    forward = (".codes", ".rows", "/forward.json", "lexical/deleted.npy")
    for name in [name for name in manifest["files"] if name.endswith(forward)]:
        del manifest["files"][name]
        (path / name).unlink()
    (path / "manifest.json").write_text(json.dumps(manifest))
    store.close()
    with pytest.raises(IndexDamagedError, match="run 'rag repair'"), store.view():
        pass
    with pytest.raises(IndexDamagedError, match="of an earlier version: run 'rag repair'"):
        store.put(whole("oil", "oil for the lamp is dear"))
    with store.store.writing() as writer:
        writer.repair()
    with store.view() as view:
        assert len(view.lexical([Variant("lamp")], 5)) == 1
    store.close()
