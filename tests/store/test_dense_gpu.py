"""A flat index goes to a GPU where there is one, and says why where it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from rag.cores import Device
from rag.errors import MissingExtraError, RequestError
from rag.store.dense import DenseEngine, DenseEntries, DenseIndex
from rag.store.dense.exact import ExactDense
from rag.store.dense.gpu import on_gpu


def flat(count: int) -> faiss.Index:
    index = faiss.IndexScalarQuantizer(8, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    vectors = np.random.default_rng(1).standard_normal((count, 8)).astype(np.float32)
    index.add(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    return index


class OnProcessor:
    """FAISS's classes for GPUs, with the processor in the place of one with room for `room`."""

    def __init__(self, room: int) -> None:
        self.room = room

    def __call__(self, _: Any, dimension: int, metric: int, settings: Any) -> Any:
        assert settings.useFloat16
        made = faiss.IndexFlat(dimension, metric)
        add, room = made.add, self.room

        def limited(vectors: Any) -> None:
            if made.ntotal + len(vectors) > room:
                raise RuntimeError("Error in void* StandardGpuResources::alloc\nmore lines")
            add(vectors)

        made.add = limited
        return made


class Settings:
    useFloat16 = False  # noqa: N815


def pretend(monkeypatch: pytest.MonkeyPatch, devices: int = 1, room: int = 1_000) -> None:
    monkeypatch.setattr(faiss, "StandardGpuResources", object, raising=False)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: devices, raising=False)
    monkeypatch.setattr(faiss, "GpuIndexFlatConfig", Settings, raising=False)
    monkeypatch.setattr(faiss, "GpuIndexFlat", OnProcessor(room), raising=False)


def without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(faiss, "StandardGpuResources", raising=False)


def test_without_gpus_the_processor_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch)
    assert on_gpu(flat(10), "auto") is None
    assert on_gpu(flat(10), "cpu") is None
    with pytest.raises(MissingExtraError) as caught:
        on_gpu(flat(10), "cuda")
    assert str(caught.value) == (
        "index.dense.device: 'cuda' needs the extra 'gpu': pip install 'ragline[gpu]'"
    )


def test_a_build_for_gpus_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, devices=0)
    assert on_gpu(flat(10), "auto") is None
    with pytest.raises(RequestError, match="no CUDA device here; use 'auto' or 'cpu'"):
        on_gpu(flat(10), "cuda")


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_all_is_copied(device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    monkeypatch.setattr("rag.store.dense.gpu._BLOCK", 300)
    index = flat(1_000)
    copy = on_gpu(index, device)
    assert copy is not None
    query = index.reconstruct_n(17, 2)
    for mine, theirs in zip(copy.search(query, 20), index.search(query, 20), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
    assert on_gpu(index, "cpu") is None
    assert on_gpu(flat(0), "auto") is None


def test_a_gpu_that_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, room=99)
    told = r"100 vectors cannot be copied to the GPU: Error in void\* StandardGpuResources::alloc; "
    with pytest.warns(UserWarning, match=told + "they are searched by the processor$"):
        assert on_gpu(flat(100), "auto") is None
    with pytest.raises(RequestError, match=told + "use 'auto' or 'cpu'$"):
        on_gpu(flat(100), "cuda")


def test_a_gpu_finds_what_the_processor_finds() -> None:
    if not hasattr(faiss, "StandardGpuResources") or not faiss.get_num_gpus():
        pytest.skip("no faiss for GPUs, or no CUDA device")
    index = flat(5_000)
    copy = on_gpu(index, "cuda")
    assert copy is not None
    query = index.reconstruct_n(100, 8)
    (mine, here), (theirs, there) = copy.search(query, 5), index.search(query, 5)
    np.testing.assert_allclose(mine, theirs, atol=2e-3)
    assert (here[:, 0] == there[:, 0]).all()


def opened(folder: Path, device: Device, count: int) -> DenseIndex:
    engine = DenseEngine(ExactDense(device=device))
    rows = np.arange(1, count + 1)
    vectors = flat(count).reconstruct_n(0, count)
    engine.update(None, folder / "1", rows[:0], DenseEntries(rows, rows % 7, vectors))
    more = DenseEntries(rows[:0], rows[:0], vectors[:0])
    engine.update(folder / "1", folder / "2", rows[5:9], more)
    return engine.open(folder / "2")


def test_a_search_on_a_gpu_is_that_of_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch)
    (tmp_path / "cpu").mkdir()
    plain, gpu = opened(tmp_path / "cpu", "cpu", 900), opened(tmp_path, "cuda", 900)
    queries = flat(40).reconstruct_n(0, 40)
    for documents in (None, np.arange(5), np.array([3]), np.array([99])):
        for k in (1, 10, 800, 3_000):
            mine = gpu.search_many(queries, k, documents)
            assert mine == plain.search_many(queries, k, documents)
            assert mine[0] == gpu.search(queries[0], k, documents)
    searcher: Any = gpu._segments[0].searcher
    assert searcher._copy is not None


def test_a_gpu_that_is_insisted_on_is_missed_when_searching(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch)
    index = opened(tmp_path, "cuda", 20)
    with pytest.raises(MissingExtraError, match="needs the extra 'gpu'"):
        index.search(flat(1).reconstruct(0), 3)
