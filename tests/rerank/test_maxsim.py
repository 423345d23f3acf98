"""Late interaction with the encoder's own token vectors."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from founding import SEEDS, Remembering, encoder, titles_and_abstracts

from rag.config import parse_pipeline
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.errors import PipelineError, RequestError
from rag.protocols import Vectors
from rag.rerank.maxsim import MaxSimReranker
from rag.stages.rerank import RerankStage
from rag.testing import HashingEncoder, MemoryView, RerankerSuite
from rag.types import Hit, Passage, Query, Ranking

TEXTS = (
    "the ferry leaves at nine .",
    "a lamp and oil",
    "",
    "who climbs the stair of the island every evening ?",
    "a dog travels free , a dog travels free",
    "storm " * 80,
    "東京",
)


def passages(texts: Sequence[str]) -> list[Passage]:
    return [Passage(f"d{n}", 0, len(text), text) for n, text in enumerate(texts)]


def tiny(folder: Path) -> MaxSimReranker:
    encoder = SentenceTransformersEncoder(
        model=str(folder), device="cpu", dtype="float32", query_prompt="a dog: "
    )
    return MaxSimReranker(encoder=encoder)


def test_the_score_is_worked_out_by_hand(encoder_folder: Path) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(encoder_folder)
    model = AutoModel.from_pretrained(encoder_folder)

    def rows(text: str, skipped: int = 1) -> Vectors:
        """Tokens without those at the front and the one at the end, of length one."""
        with torch.inference_mode():
            found = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        own = found[skipped:-1].numpy()
        unit: Vectors = own / np.linalg.norm(own, axis=1, keepdims=True)
        return unit

    # The prompt is read, as three words and a colon that the tokenizer does not know.
    asked = rows("a dog: the ferry", skipped=1 + len(tokenizer.tokenize("a dog:")))
    assert len(asked) == 2
    expected = [
        np.mean([max(float(one @ other) for other in rows(text)) for one in asked])
        for text in (TEXTS[0], TEXTS[1])
    ]
    scores = tiny(encoder_folder).score("the ferry", passages(TEXTS[:2]))
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_order_of_passages_does_not_matter(encoder_folder: Path) -> None:
    reranker = MaxSimReranker(encoder=Remembering(model=str(encoder_folder), device="cpu"))
    chance = random.Random(3)
    expected = dict(zip(TEXTS, tiny_scores(encoder_folder, TEXTS), strict=True))
    for _ in range(1000):
        texts = chance.sample(TEXTS, chance.randint(1, len(TEXTS)))
        assert reranker.score("when does the ferry leave ?", passages(texts)) == [
            expected[one] for one in texts
        ]


def test_company_does_not_matter(encoder_folder: Path) -> None:
    chance = random.Random(4)
    whole = tiny_scores(encoder_folder, TEXTS)
    for _ in range(20):
        order = chance.sample(range(len(TEXTS)), chance.randint(1, len(TEXTS)))
        found = tiny_scores(encoder_folder, [TEXTS[n] for n in order])
        np.testing.assert_allclose(found, [whole[n] for n in order], atol=1e-6)


def tiny_scores(folder: Path, texts: Sequence[str]) -> list[float]:
    model = SentenceTransformersEncoder(model=str(folder), device="cpu")
    return MaxSimReranker(encoder=model).score("when does the ferry leave ?", passages(texts))


def test_the_context_is_read(encoder_folder: Path) -> None:
    under = Passage("d", 0, 3, "oil", context="the ferry")
    whole = Passage("d", 0, 13, "the ferry\noil")
    scores = tiny(encoder_folder).score("when", [under, whole, Passage("d", 0, 3, "oil")])
    assert scores[0] == scores[1] != scores[2]


def test_a_question_without_tokens_has_a_score(encoder_folder: Path) -> None:
    scores = tiny(encoder_folder).score("", passages(TEXTS))
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(
    ("given", "told"), [(None, "there is none"), (HashingEncoder(), "'HashingEncoder' is none")]
)
def test_an_encoder_without_tokens_is_refused(given: HashingEncoder | None, told: str) -> None:
    with pytest.raises(RequestError, match=f"'maxsim' needs an encoder .*, and {told}"):
        MaxSimReranker(encoder=given).score("q", passages(TEXTS))


@pytest.mark.parametrize("use", ["maxsim", "sentences"])
def test_a_pipeline_without_encoder_is_refused(use: str) -> None:
    text = (
        "name: x\nindex:\n  chunk: {use: fixed}\n  lexical: {use: bm25}\n"
        f"query:\n  - retrieve: {{use: bm25, k: 50}}\n  - rerank: {{use: {use}}}\n"
    )
    with pytest.raises(PipelineError, match=f"'{use}' needs 'index.encode'"):
        parse_pipeline(text, "x.yaml")


@pytest.mark.slow
@pytest.mark.timeout(1_200)  # the abstracts are encoded first
@pytest.mark.skipif(not SEEDS, reason="the founding papers are not here")
def test_it_lifts_dense_retrieval_on_the_abstracts() -> None:
    titles, abstracts = zip(*titles_and_abstracts(), strict=True)
    stage = RerankStage("maxsim", MaxSimReranker(encoder=encoder()), 20)
    near = encoder().encode_queries(titles) @ encoder().encode_passages(abstracts).T
    found = passages(abstracts)
    before, after = [], []
    for number, title in enumerate(titles):
        best = np.argsort(-near[number], kind="stable")[:20]
        hits = tuple(Hit(found[n], float(near[number, n])) for n in best)
        moved = stage(Ranking(Query(title), hits), MemoryView()).hits
        before.append(reciprocal_rank(hits, number))
        after.append(reciprocal_rank(moved, number))
    assert np.mean(before) == pytest.approx(0.862, abs=0.005)
    assert np.mean(after) >= 0.94


def reciprocal_rank(hits: Sequence[Hit], right: int) -> float:
    ranks = [n for n, hit in enumerate(hits[:10], 1) if hit.passage.document_id == f"d{right}"]
    return 1 / ranks[0] if ranks else 0.0


class TestMaxSimReranker(RerankerSuite):
    @pytest.fixture(autouse=True)
    def _model(self, encoder_folder: Path) -> None:
        self.folder = encoder_folder

    def make(self) -> MaxSimReranker:
        return MaxSimReranker(
            encoder=SentenceTransformersEncoder(model=str(self.folder), device="cpu")
        )
