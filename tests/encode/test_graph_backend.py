"""OpenVINO gives what the sentence-transformers library gives, or torch runs the model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.encode.backend import ModelSpec
from rag.encode.conversion import EncoderConversion
from rag.encode.graph_backend import GraphBackend
from rag.encode.reading import Padding, Reader
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.encode.torch_backend import TorchBackend
from rag.errors import ModelError
from rag.protocols import Vectors
from rag.runtime.cache import graphs_folder
from rag.runtime.record import records

_TEXTS = (
    "The ferry leaves at nine, and dogs travel free.",
    "",
    "oil",
    "Zwölf Laternen — «für 3,50 €» — brennen am Kai. 灯台の光 ☂ naïve façade\tx\n\n  end ",
    "A keeper climbs ninety-one steps every evening. " * 30,
    "supercalifragilisticexpialidocious" * 4,
)


def encoder(folder: Path | None = None, **options: Any) -> SentenceTransformersEncoder:
    given: dict[str, Any] = {} if folder is None else {"model": str(folder)}
    return SentenceTransformersEncoder(**given, device="cpu", **options)


def backend(made: SentenceTransformersEncoder) -> Any:
    return made._backend


def cosines(mine: Vectors, theirs: Vectors) -> Vectors:
    lengths = np.linalg.norm(mine, axis=1) * np.linalg.norm(theirs, axis=1)
    found: Vectors = (mine * theirs).sum(axis=1) / lengths
    return found


@pytest.fixture(scope="module")
def library() -> Any:
    from sentence_transformers import SentenceTransformer

    folder = encoder().files.folder
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def test_vectors_are_those_of_the_library(library: Any) -> None:
    made = encoder()
    assert isinstance(backend(made), GraphBackend)
    if made.precision == "float32":
        theirs = library.encode(list(_TEXTS), show_progress_bar=False)
        assert cosines(made.encode_passages(_TEXTS), theirs).min() >= 0.99999
        assert cosines(made.encode_queries(_TEXTS), theirs).min() >= 0.99999
    assert made.encode_passages([]).shape == (0, 384)


def test_tokens_are_those_of_the_library(library: Any) -> None:
    made = encoder()
    whole = made.tokenizer.whole
    for prompt in ("", "query: "):
        rows = list(Reader(whole, library.max_seq_length, prompt).read(_TEXTS))
        theirs = library.preprocess([prompt + text for text in _TEXTS])
        length = theirs["input_ids"].shape[1]
        mine = Padding.of(made.files.folder, whole).batch(rows, length)
        for name in ("input_ids", "attention_mask", "token_type_ids"):
            np.testing.assert_array_equal(mine[name], theirs[name].numpy())


@pytest.mark.parametrize("dtype", ["auto", "int8"])
def test_company_and_order_do_not_change_a_bit(encoder_folder: Path, dtype: str) -> None:
    made = encoder(encoder_folder, dtype=dtype)
    texts = [" ".join(["lamp oil storm"] * n) for n in (1, 3, 40, 7, 1, 12, 5, 21)] + list(_TEXTS)
    together = made.encode_passages(texts)
    np.testing.assert_array_equal(made.encode_passages(texts[::-1])[::-1], together)
    alone = np.concatenate([made.encode_passages([text]) for text in texts])
    np.testing.assert_array_equal(alone, together)


def test_mini_lm_too() -> None:
    made = encoder()
    together = made.encode_passages(_TEXTS)
    alone = np.concatenate([made.encode_passages([text]) for text in _TEXTS])
    np.testing.assert_array_equal(alone, together)


def test_int8_is_near(library: Any) -> None:
    made = encoder(dtype="int8")
    assert made.precision == "int8"
    theirs = library.encode(list(_TEXTS), show_progress_bar=False)
    assert cosines(made.encode_passages(_TEXTS), theirs).min() >= 0.99
    assert made.fingerprint != encoder().fingerprint


def test_the_fingerprint_is_of_what_is_declared(encoder_folder: Path) -> None:
    plain = encoder(encoder_folder)
    assert plain.fingerprint == encoder(encoder_folder, runtime="torch").fingerprint
    prints = {encoder(encoder_folder, dtype=one).fingerprint for one in ("float32", "bfloat16")}
    assert len(prints | {plain.fingerprint}) == 3


def test_what_the_processor_lacks_is_computed_in_float32(
    encoder_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_PROCESSOR", "plain")
    for dtype in ("auto", "bfloat16", "float16"):
        assert encoder(encoder_folder, dtype=dtype).precision == "float32"


def test_other_poolings_run_too(encoder_folder: Path, tmp_path: Path) -> None:
    for mode in ("cls", "max"):
        folder = shutil.copytree(encoder_folder, tmp_path / mode)
        settings = folder / "1_Pooling" / "config.json"
        told = json.loads(settings.read_text())
        settings.write_text(json.dumps({**told, "pooling_mode": mode}))
        made = encoder(folder, dtype="float32")
        assert isinstance(backend(made), GraphBackend)
        theirs = encoder(folder, runtime="torch").encode_passages(_TEXTS)
        np.testing.assert_allclose(made.encode_passages(_TEXTS), theirs, atol=1e-5)


def test_what_cannot_be_converted_torch_runs_with_one_warning(
    encoder_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(encoder_folder, tmp_path / "odd")
    (folder / "note.json").write_text('"equal models share a graph"')
    monkeypatch.setattr(EncoderConversion, "agreement", lambda *_: 0.25)
    with pytest.warns(
        UserWarning, match="is run by torch, which is slower here: its graph"
    ) as told:
        made = encoder(folder)
        first = made.encode_passages(_TEXTS)
        made.encode_queries(_TEXTS)
    assert len(told) == 1
    assert isinstance(backend(made), TorchBackend)
    # It is not tried again by the next process.
    monkeypatch.setattr(EncoderConversion, "export", None)
    with pytest.warns(UserWarning, match=r"agrees with torch by 0\.2500"):
        np.testing.assert_array_equal(encoder(folder).encode_passages(_TEXTS), first)
    assert "agrees with torch by 0.2500" in "".join(
        one.failure for one in records(graphs_folder()) if one.model == str(folder)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder(folder, runtime="torch").encode_passages(["oil"])
    for options in ({"runtime": "openvino"}, {"runtime": "openvino", "dtype": "float32"}):
        with pytest.raises(ModelError, match="cannot be run by OpenVINO: its graph in float32"):
            encoder(folder, **options).encode_passages(["oil"])


def test_options_that_do_not_go_together() -> None:
    faults = SentenceTransformersEncoder.faults
    plain = {"runtime": "auto", "dtype": "auto", "device": "auto"}
    assert list(faults(plain)) == []
    wrong: list[tuple[dict[str, str], str]] = [
        ({"runtime": "openvino", "device": "cuda"}, "runtime"),
        ({"dtype": "int8", "runtime": "torch"}, "dtype"),
        ({"dtype": "int8", "device": "cuda"}, "dtype"),
    ]
    for change, key in wrong:
        assert [at for at, _ in faults(plain | change)] == [key]


def test_a_question_loads_no_torch(encoder_folder: Path) -> None:
    encoder(encoder_folder).encode_queries(["oil"])
    program = """
import sys
from rag.encode.sentence_transformers import SentenceTransformersEncoder
encoder = SentenceTransformersEncoder(model=sys.argv[1])
assert encoder.encode_queries(["oil"]).shape == (1, 16)
list(encoder.encode_query_tokens(["oil"])), encoder.fingerprint
heavy = {"torch", "transformers", "sentence_transformers", "scipy", "onnx"}
raise SystemExit(heavy.intersection(sys.modules) or 0)
"""
    given = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = [sys.executable, "-c", program, str(encoder_folder)]
    subprocess.run(done, check=True, env=given)


def test_a_spec_counts_special_tokens(encoder_folder: Path) -> None:
    made = encoder(encoder_folder)
    spec = ModelSpec("tiny", encoder_folder, 64, {"query": "", "document": ""}, made.tokenizer)
    rows = list(Reader(made.tokenizer.whole, 64, "").read(["oil", "the ferry"]))
    assert spec.lengths(["oil", "the ferry"]) == [len(row) for row in rows]
