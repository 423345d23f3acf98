"""Cross-encoders on tiny random models, against the library's own `predict`."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rag_errors import one_line
from tiny_models import LONG, QUESTION, TEXTS, one_thread, passage, passages, save_pairs

from rag.errors import ModelError, RequestError
from rag.protocols import Reranker
from rag.rerank import pairs
from rag.rerank.cross_encoder import CrossEncoderReranker
from rag.rerank.first_token import only_first_token
from rag.stages.rerank import RerankStage
from rag.testing import RerankerSuite
from rag.testing.memory import MemoryView
from rag.types import Hit, Query, Ranking

IDENTITY: dict[str, Any] = {
    "sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}
}
ENTAILMENT = ("contradiction", "entailment", "neutral")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_pairs(tmp_path_factory.mktemp("pairs") / "tiny", **IDENTITY)


@pytest.fixture(scope="module")
def reranker(folder: Path) -> CrossEncoderReranker:
    return single(folder)


def single(folder: Path, **options: Any) -> CrossEncoderReranker:
    """One that computes as the library does, on processors with numbers of 16 bits too."""
    return CrossEncoderReranker(model=str(folder), dtype="float32", **options)


def predicted(folder: Path, texts: tuple[str, ...], batch: int = 32, **given: Any) -> list[float]:
    """What the library gives."""
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(str(folder), device="cpu", local_files_only=True)
    found = model.predict(
        [(QUESTION, text) for text in texts], batch_size=batch, show_progress_bar=False, **given
    )
    scores: list[float] = found.tolist()
    return scores


class TestCrossEncoder(RerankerSuite):
    tolerance = 1e-5

    @pytest.fixture(autouse=True)
    def _model(self, reranker: CrossEncoderReranker) -> None:
        self.reranker = reranker

    def make(self) -> Reranker:
        return self.reranker


@pytest.mark.parametrize("batch", [1, 32])
@pytest.mark.parametrize("tokens", [1, 60, 4_096])
def test_scores_are_those_of_predict(
    folder: Path,
    reranker: CrossEncoderReranker,
    batch: int,
    tokens: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pairs, "_BATCH_TOKENS", {"cpu": tokens, "cuda": tokens})
    expected = predicted(folder, TEXTS, batch)
    assert reranker.score(QUESTION, passages()) == pytest.approx(expected, abs=1e-5)
    assert max(expected) - min(expected) > 0.05, "the test could not fail"


def test_the_first_window_is_what_predict_reads(folder: Path) -> None:
    first = single(folder, windows="first")
    texts = (*TEXTS, LONG, LONG[60:])
    scores = first.score(QUESTION, passages(texts))
    assert scores == pytest.approx(predicted(folder, texts), abs=1e-5)
    assert scores[-2] != scores[-1]


def test_the_best_window_of_a_long_passage_counts(folder: Path) -> None:
    reranker = single(folder, overlap=8)
    text = "storm oil lamp . " * 15 + LONG
    # 64 tokens, less [CLS], [SEP] twice, and the question.
    room = 64 - 3 - len(reranker._model.spans([QUESTION])[0])
    (spans,) = reranker._model.spans([text])
    ends = [min(start + room, len(spans)) for start in range(0, len(spans) - 8, room - 8)]
    starts = range(0, len(spans) - 8, room - 8)
    parts = tuple(
        text[spans[start][0] : spans[end - 1][1]] for start, end in zip(starts, ends, strict=True)
    )
    assert len(parts) > 3
    assert parts[-1].endswith("lamp .")
    expected = predicted(folder, parts)
    (score,) = reranker.score(QUESTION, [passage(0, text)])
    assert score == pytest.approx(max(expected), abs=1e-5)
    assert max(expected) > expected[0] + 1e-3, "the test could not fail"


@pytest.mark.parametrize("kind", ["Bert", "Roberta", "XLMRoberta", "Electra", "Camembert"])
def test_the_last_layer_is_computed_for_what_is_looked_at(kind: str) -> None:
    import torch
    import transformers

    torch.manual_seed(2)
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=40,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
        initializer_range=0.5,
        num_labels=1,
    )
    # In double precision, as what processors make of the last digits of single differs.
    model = getattr(transformers, f"{kind}ForSequenceClassification")(config).eval().double()
    ids = torch.randint(5, 40, (3, 12))
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    with torch.inference_mode():
        before = model(input_ids=ids, attention_mask=mask).logits
        assert only_first_token(model)
        after = model(input_ids=ids, attention_mask=mask)
    assert after.logits[:, 0].tolist() == pytest.approx(before[:, 0].tolist(), abs=1e-6)
    assert float(before.std()) > 0.01, "the test could not fail"
    assert not only_first_token(model.base_model)


def test_a_question_of_any_length_is_answered(reranker: CrossEncoderReranker) -> None:
    scores = reranker.score(LONG * 3, passages((*TEXTS[:3], LONG)))
    assert len(set(scores)) == 4


def test_the_context_is_read(folder: Path, reranker: CrossEncoderReranker) -> None:
    with_context = passage(0, TEXTS[0], context="the lamp of the island")
    (expected,) = predicted(folder, (f"the lamp of the island\n{TEXTS[0]}",))
    (score,) = reranker.score(QUESTION, [with_context])
    assert score == pytest.approx(expected, abs=1e-5)
    assert score != pytest.approx(reranker.score(QUESTION, [passage(0, TEXTS[0])])[0], abs=1e-5)


def test_order_does_not_matter(reranker: CrossEncoderReranker) -> None:
    """1,000 permutations, with other company each time."""
    given = passages((*TEXTS, LONG))
    alone = dict(zip([one.id for one in given], reranker.score(QUESTION, given), strict=True))
    chance = random.Random(3)
    with one_thread():
        for _ in range(1_000):
            some = chance.sample(given, chance.randint(1, 4))
            expected = [alone[one.id] for one in some]
            assert reranker.score(QUESTION, some) == pytest.approx(expected, abs=1e-5)


def test_only_the_top_moves(reranker: CrossEncoderReranker) -> None:
    given = passages()
    hits = tuple(Hit(one, 9.0 - place) for place, one in enumerate(given))
    stage = RerankStage("cross-encoder", reranker, top=5)
    made = stage(Ranking(Query(QUESTION), hits), MemoryView([])).hits
    scores = reranker.score(QUESTION, given[:5])
    order = sorted(range(5), key=lambda place: -scores[place])
    assert order != list(range(5)), "the test could not fail"
    assert [hit.passage for hit in made] == [given[place] for place in order] + given[5:]
    assert made[5:] == hits[5:]


def test_the_activation_is_the_models_own(tmp_path: Path) -> None:
    plain = save_pairs(tmp_path / "plain")
    scores = single(plain).score(QUESTION, passages())
    assert scores == pytest.approx(predicted(plain, TEXTS), abs=1e-5)
    assert all(0 < score < 1 for score in scores), "one score is a probability by default"


def test_the_prompt_is_the_models_own(tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    made = save_pairs(tmp_path / "bare", **IDENTITY)
    model = CrossEncoder(
        str(made), device="cpu", prompts={"ask": "who "}, default_prompt_name="ask"
    )
    model.save(str(tmp_path / "prompted"))
    scores = single(tmp_path / "prompted").score(QUESTION, passages())
    assert scores == pytest.approx(predicted(tmp_path / "prompted", TEXTS), abs=1e-5)
    assert scores != pytest.approx(predicted(made, TEXTS), abs=1e-5), "the test could not fail"


def test_a_label_is_a_probability(tmp_path: Path) -> None:
    made = save_pairs(tmp_path / "entailment", labels=ENTAILMENT)
    scores = single(made, label="entailment").score(QUESTION, passages())
    table = predicted(made, TEXTS, apply_softmax=True)
    assert scores == pytest.approx([row[1] for row in table], abs=1e-5)  # type: ignore[index]


def test_several_scores_need_a_label(tmp_path: Path, folder: Path) -> None:
    made = str(save_pairs(tmp_path / "entailment", labels=ENTAILMENT))
    with pytest.raises(RequestError, match="gives 3 scores for a pair: name the label") as caught:
        CrossEncoderReranker(model=made).score(QUESTION, passages())
    assert "contradiction, entailment, neutral" in one_line(caught)
    with pytest.raises(RequestError, match="has no label 'yes'") as caught:
        CrossEncoderReranker(model=made, label="yes").score(QUESTION, passages())
    one_line(caught)
    with pytest.raises(RequestError, match="gives one score, and has no labels"):
        single(folder, label="yes").score(QUESTION, passages())


def test_fewer_tokens_are_read_where_that_is_asked(folder: Path) -> None:
    short = single(folder, max_tokens=16, windows="first", overlap=8)
    first, second = short.score(QUESTION, passages((TEXTS[2], TEXTS[2][:30] + " island x x")))
    assert first == pytest.approx(second, abs=1e-5)
    with pytest.raises(RequestError, match="reads 64 tokens, not 65") as caught:
        single(folder, max_tokens=65).score(QUESTION, passages())
    one_line(caught)


def test_other_precisions_are_near(folder: Path, reranker: CrossEncoderReranker) -> None:
    half = CrossEncoderReranker(model=str(folder), dtype="bfloat16")
    exact = reranker.score(QUESTION, passages())
    assert half.score(QUESTION, passages()) == pytest.approx(exact, abs=0.3)


def test_numbers_that_are_none_are_told(folder: Path, tmp_path: Path) -> None:
    import torch
    from transformers import BertForSequenceClassification

    made = save_pairs(tmp_path / "broken")
    model = BertForSequenceClassification.from_pretrained(made)
    with torch.no_grad():
        model.classifier.weight.fill_(float("nan"))
    model.save_pretrained(made)
    with pytest.raises(ModelError, match="gives a score that is no number") as caught:
        single(made).score(QUESTION, passages())
    one_line(caught)


def test_options_are_judged_together() -> None:
    others = {"runtime": "auto", "dtype": "auto", "device": "auto", "remote_code": False}
    assert not list(CrossEncoderReranker.faults({"max_tokens": None, "overlap": 300, **others}))
    assert not list(CrossEncoderReranker.faults({"max_tokens": 128, "overlap": 64, **others}))
    ((key, told),) = CrossEncoderReranker.faults({"max_tokens": 128, "overlap": 65, **others})
    assert key == "overlap"
    assert "128" in told


def test_nothing_is_loaded_for_nothing() -> None:
    assert CrossEncoderReranker(model="no/such-model").score(QUESTION, []) == []


def test_hits_keep_their_passages(reranker: CrossEncoderReranker) -> None:
    given = passages()
    before = [replace(one) for one in given]
    reranker.score(QUESTION, given)
    assert given == before
