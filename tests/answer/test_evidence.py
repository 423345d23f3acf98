"""Sentences weighed as answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from answering import LexicalView, document, hits
from embedded import Embedded, whole

from rag.answer.alignment import aligned
from rag.answer.asked_words import asked_words
from rag.answer.evidence import LOOKED_AT, evidence, fitted
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.testing import DOCUMENTS
from rag.testing.memory import MemoryView
from rag.types import Hit

MILL = document(
    ("The mill opened on 3 May 1871.", "paragraph", 1, ("Mill",)),
    ("The mill opened to all who came.", "paragraph", 1, ("Mill",)),
    ("Ada Brook ran it for twelve years.", "paragraph", 1, ("Mill",)),
    name="mill",
)


@pytest.fixture(scope="module")
def encoder(encoder_folder: Path) -> SentenceTransformersEncoder:
    return SentenceTransformersEncoder(model=str(encoder_folder), device="cpu")


def test_what_can_be_measured_decides_the_weights(encoder: SentenceTransformersEncoder) -> None:
    views = {
        "tokens": MemoryView([*DOCUMENTS, MILL], encoder),
        "vectors": MemoryView([*DOCUMENTS, MILL]),
        "words": LexicalView([*DOCUMENTS, MILL]),
    }
    for means, view in views.items():
        found = evidence("When did the mill open?", hits([MILL]), view)
        scores = found.scores()
        assert found.means == means
        assert found.found[int(scores.argmax())].quote == "The mill opened on 3 May 1871."
        assert 0 < found.confidence(scores) < 1


def test_what_the_best_lacks_lowers_the_confidence() -> None:
    view = LexicalView([*DOCUMENTS, MILL])

    def sure(question: str) -> float:
        found = evidence(question, hits([MILL]), view)
        return found.confidence(found.scores())

    assert sure("When did the mill open to all?") > sure("When did the mill open in 1890?")
    assert sure("Did the mill open?") > sure("Did the mill of Harold Crane open?")


def test_weights_speak_in_one_direction() -> None:
    for weights in fitted().values():
        assert all(weight > 0 for weight in weights.ranking.values())
        for name, weight in weights.confidence.items():
            if name in {"numbers", "names"}:
                assert weight < 0
            elif name != "constant":
                assert weight >= 0


def test_the_most_promising_are_looked_at() -> None:
    lines = [(f"Row {n} of the ledger.", "paragraph", 1, ()) for n in range(2 * LOOKED_AT)]
    last = ("The mill opened on 3 May 1871.", "paragraph", 1, ())
    ledger = document(*lines, last, name="ledger")  # type: ignore[arg-type]
    view = MemoryView([*DOCUMENTS, ledger])
    listed = [Hit(one, 1.0) for one in view.passages if one.document_id == "ledger"]
    found = evidence("When did the mill open?", listed, view)
    assert len(found.found) == LOOKED_AT
    assert found.found[int(found.scores().argmax())].quote == "The mill opened on 3 May 1871."


def test_a_word_is_as_near_as_the_nearest_token(encoder: SentenceTransformersEncoder) -> None:
    question = "the lamp"
    view = MemoryView([*DOCUMENTS, MILL], encoder)
    words = asked_words(question, set(), view)
    same = aligned(question, words, [question, "a ferry at noon"], encoder)
    assert same.mean[0] == pytest.approx(1, abs=1e-5)
    assert same.mean[1] < same.mean[0]
    assert np.all(same.weakest <= same.mean + 1e-6)
    assert same.weights.sum() == pytest.approx(1)


def test_overlapping_passages_show_a_sentence_once(tmp_path: Path) -> None:
    store = Embedded(tmp_path / "index")
    store.put(whole("mill", "The mill opened in 1871. Ada Brook ran it."))
    with store.view() as view:
        found = [hit for hit in hits([MILL]) for _ in range(2)]
        texts = [one.quote for one in evidence("When did it open?", found, view).found]
    store.close()
    assert len(texts) == len(set(texts))
