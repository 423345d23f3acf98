"""Models whose first layers alone may be run: 2D Matryoshka embeddings (Li et al. 2024)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.errors import RequestError

TEXTS = ["the lamp", "oil and light on the island", "ferry storm"]


@pytest.fixture
def declared(encoder_folder: Path, tmp_path: Path) -> Path:
    """A model that says that it may be read after its first layer."""
    folder = tmp_path / "declared"
    shutil.copytree(encoder_folder, folder)
    path = folder / "config_sentence_transformers.json"
    settings = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**settings, "matryoshka_layers": [1]}))
    return folder


def encoder(folder: Path, layers: int | None = None) -> SentenceTransformersEncoder:
    return SentenceTransformersEncoder(
        model=str(folder), device="cpu", runtime="torch", dtype="float32", layers=layers
    )


def test_a_model_that_does_not_declare_it_is_refused() -> None:
    made = SentenceTransformersEncoder(device="cpu", layers=4)
    with pytest.raises(RequestError, match=r"layers is 4, .*'all-MiniLM-L6-v2' .* leave it out"):
        made.encode_queries(["who keeps the light?"])


def test_another_depth_is_refused(declared: Path) -> None:
    with pytest.raises(RequestError, match=r"layers is 2, .* \(declared: 1\)"):
        _ = encoder(declared, 2).fingerprint


def test_the_first_layers_alone_are_run(declared: Path) -> None:
    one, whole = encoder(declared, 1), encoder(declared)
    assert one.fingerprint != whole.fingerprint
    loaded = whole._backend._model  # type: ignore[attr-defined]
    assert not np.allclose(one.encode_passages(TEXTS), whole.encode_passages(TEXTS), atol=1e-3)
    inner = loaded[0].auto_model
    assert len(inner.encoder.layer) == 2
    del inner.encoder.layer[1:]
    np.testing.assert_allclose(one.encode_passages(TEXTS), whole.encode_passages(TEXTS), atol=1e-5)
