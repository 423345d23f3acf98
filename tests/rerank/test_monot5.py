"""monoT5 on a tiny random T5, against scores worked out by hand."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from rag_errors import one_line
from tiny_models import LONG, PIECES, QUESTION, SPACE, TEXTS, one_thread, passage, passages, save_t5

from rag.errors import ModelError, RequestError
from rag.protocols import Reranker
from rag.rerank import prompted
from rag.rerank.families import targets_of
from rag.rerank.monot5 import MonoT5Reranker
from rag.stages.rerank import RerankStage
from rag.testing import RerankerSuite
from rag.testing.memory import MemoryView
from rag.types import Hit, Query, Ranking


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_t5(tmp_path_factory.mktemp("t5") / "tiny")


@pytest.fixture(scope="module")
def reranker(folder: Path) -> MonoT5Reranker:
    return MonoT5Reranker(model=str(folder))


def by_hand(
    folder: Path, prompts: list[str], first: str = "true", second: str = "false"
) -> list[float]:
    """The log-probability of `first` at the first step, one prompt at a time, without padding."""
    import torch
    from transformers import AutoTokenizer, T5ForConditionalGeneration

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = T5ForConditionalGeneration.from_pretrained(folder).eval()
    chosen = [tokenizer.get_vocab()[SPACE + word] for word in (first, second)]
    scores = []
    for prompt in prompts:
        ids = torch.tensor([tokenizer(prompt).input_ids])
        with torch.no_grad():
            logits = model(input_ids=ids, decoder_input_ids=torch.zeros((1, 1), dtype=torch.long))
        positive, negative = logits.logits[0, 0, chosen].double().tolist()
        scores.append(float(positive - np.logaddexp(positive, negative)))
    return scores


def asked(text: str, question: str = QUESTION) -> str:
    """The prompt as the paper has it."""
    return f"Query: {question} Document: {text} Relevant:"


class TestMonoT5(RerankerSuite):
    tolerance = 1e-5

    @pytest.fixture(autouse=True)
    def _model(self, reranker: MonoT5Reranker) -> None:
        self.reranker = reranker

    def make(self) -> Reranker:
        return self.reranker


@pytest.mark.parametrize("tokens", [1, 90, 10_000])
def test_the_score_is_that_worked_out_by_hand(
    folder: Path, tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompted, "_BATCH_TOKENS", {"cpu": tokens, "cuda": tokens})
    scores = MonoT5Reranker(model=str(folder)).score(QUESTION, passages())
    expected = by_hand(folder, [asked(text) for text in TEXTS])
    assert scores == pytest.approx(expected, abs=1e-5)
    assert max(expected) - min(expected) > 0.01, "the test could not fail"
    assert all(score < 0 for score in scores)


def test_the_prompt_is_exact(reranker: MonoT5Reranker) -> None:
    model = reranker._model
    ((tokens,),) = model.prompts("the ferry", ["dogs travel"], None)
    pieces = model.tokenizer.convert_ids_to_tokens(tokens)
    assert pieces == [
        *(f"{SPACE}Query", ":", f"{SPACE}the", f"{SPACE}ferry", f"{SPACE}Document", ":"),
        *(f"{SPACE}dogs", f"{SPACE}travel", f"{SPACE}Relevant", ":", "</s>"),
    ]
    assert model.targets == tuple(
        model.tokenizer.convert_tokens_to_ids(SPACE + word) for word in ("true", "false")
    )


def test_braces_are_text(folder: Path, reranker: MonoT5Reranker) -> None:
    scores = reranker.score("{document} {0}", [passage(0, "{question} {} the lamp")])
    expected = by_hand(folder, [asked("{question} {} the lamp", "{document} {0}")])
    assert scores == pytest.approx(expected, abs=1e-5)


def test_the_context_is_read(folder: Path, reranker: MonoT5Reranker) -> None:
    scores = reranker.score(QUESTION, [passage(0, "the lamp", context="dogs")])
    assert scores == pytest.approx(by_hand(folder, [asked("dogs\nthe lamp")]), abs=1e-5)


@pytest.mark.parametrize("longest", [32, 48, 64])
@pytest.mark.parametrize("question", ["the lamp", LONG], ids=["short", "long"])
@pytest.mark.parametrize("text", [LONG, "0" * 900, "{}" * 50, "\u4e2d\u6587 " * 90])
def test_the_document_is_cut_and_not_the_prompt(
    folder: Path, longest: int, question: str, text: str
) -> None:
    model = MonoT5Reranker(model=str(folder), max_tokens=longest, overlap=4)._model
    (whole,) = model.prompts(question, [text], 4)
    ((first,),) = model.prompts(question, [text], None)
    assert len(whole) > 1
    assert whole[0] == first
    for tokens in whole:
        pieces = model.tokenizer.convert_ids_to_tokens(tokens)
        assert len(pieces) <= longest
        assert pieces[-3:] == [f"{SPACE}Relevant", ":", "</s>"]
        assert pieces[:2] == [f"{SPACE}Query", ":"]
        assert f"{SPACE}Document" in pieces


def test_the_best_window_of_a_long_passage_counts(folder: Path) -> None:
    given = [passage(0, LONG)]
    parts = MonoT5Reranker(model=str(folder), max_tokens=64, overlap=4)
    first = MonoT5Reranker(model=str(folder), max_tokens=64, overlap=4, windows="first")
    (prompts,) = parts._model.prompts(QUESTION, [LONG], 4)
    each = [float(parts._model.scores([one])[0]) for one in prompts]
    assert parts.score(QUESTION, given) == pytest.approx([max(each)], abs=1e-5)
    assert first.score(QUESTION, given) == pytest.approx([each[0]], abs=1e-5)
    assert len({round(one, 4) for one in each}) > 1, "the test could not fail"


def test_order_does_not_matter(reranker: MonoT5Reranker) -> None:
    """1,000 permutations, with other company each time."""
    given = passages(TEXTS)
    alone = dict(zip([one.id for one in given], reranker.score(QUESTION, given), strict=True))
    chance = random.Random(3)
    with one_thread():
        for _ in range(1_000):
            some = chance.sample(given, chance.randint(1, 4))
            expected = [alone[one.id] for one in some]
            assert reranker.score(QUESTION, some) == pytest.approx(expected, abs=1e-5)


def test_only_the_top_moves(reranker: MonoT5Reranker) -> None:
    given = passages()
    hits = tuple(Hit(one, 9.0 - place) for place, one in enumerate(given))
    made = RerankStage("monot5", reranker, top=5)(Ranking(Query(QUESTION), hits), MemoryView([]))
    scores = reranker.score(QUESTION, given[:5])
    order = sorted(range(5), key=lambda place: -scores[place])
    assert order != list(range(5)), "the test could not fail"
    assert [hit.passage for hit in made.hits] == [given[place] for place in order] + given[5:]
    assert made.hits[5:] == hits[5:]


def test_words_may_be_named(folder: Path) -> None:
    named = MonoT5Reranker(model=str(folder), targets=["lamp", "dogs"])
    expected = by_hand(folder, [asked(text) for text in TEXTS], "lamp", "dogs")
    assert named.score(QUESTION, passages()) == pytest.approx(expected, abs=1e-5)


def test_a_model_may_declare_its_words(tmp_path: Path) -> None:
    made = save_t5(tmp_path / "declared", targets=["nine", "at"])
    expected = by_hand(made, [asked(text) for text in TEXTS], "nine", "at")
    scores = MonoT5Reranker(model=str(made)).score(QUESTION, passages())
    assert scores == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("castorini/monot5-base-msmarco", ("true", "false")),
        ("castorini/monot5-3b-msmarco-10k", ("true", "false")),
        ("unicamp-dl/InRanker-small", ("true", "false")),
        ("unicamp-dl/mt5-base-mmarco-v2", ("yes", "no")),
        ("unicamp-dl/mt5-base-en-msmarco", ("yes", "no")),
        ("unicamp-dl/mt5-3B-mmarco-en-pt", ("true", "")),
        ("unicamp-dl/ptt5-base-en-pt-msmarco-100k-v2", ("sim", "n\u00e3o")),
        ("unicamp-dl/mt5-base", None),
        ("somebody/monot5-base", None),
    ],
)
def test_families_have_their_words(name: str, words: tuple[str, str] | None) -> None:
    assert targets_of(name) == words


def test_a_family_is_known_by_the_name_on_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (*PIECES[4:], "yes", "no")
    monkeypatch.chdir(tmp_path)
    made = save_t5(Path("unicamp-dl/mt5-base-mmarco-v2"), words)
    scores = MonoT5Reranker(model=str(made)).score(QUESTION, passages())
    expected = by_hand(made.absolute(), [asked(text) for text in TEXTS], "yes", "no")
    assert scores == pytest.approx(expected, abs=1e-5)


def test_words_that_a_vocabulary_has_not(tmp_path: Path, folder: Path) -> None:
    poor = save_t5(tmp_path / "poor", tuple(word for word in PIECES[4:] if word != "false"))
    with pytest.raises(ModelError, match=r"'false' is no single token .* set 'targets'") as caught:
        MonoT5Reranker(model=str(poor)).score(QUESTION, passages())
    one_line(caught)
    with pytest.raises(ModelError, match="'lighthouse' is no single token"):
        MonoT5Reranker(model=str(folder), targets=["lamp", "lighthouse"]).score(
            QUESTION, passages()
        )


def test_options_are_judged_together() -> None:
    fine = {"max_tokens": 128, "overlap": 64, "targets": None}
    assert not list(MonoT5Reranker.faults(fine))
    assert [key for key, _ in MonoT5Reranker.faults({**fine, "overlap": 65})] == ["overlap"]
    same = {**fine, "targets": ["true", "true"]}
    assert [key for key, _ in MonoT5Reranker.faults(same)] == ["targets"]


def test_a_device_that_is_not_here(folder: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(RequestError, match=r"query\.rerank\.device: no CUDA device here"):
        MonoT5Reranker(model=str(folder), device="cuda").score(QUESTION, passages())


def test_nothing_is_loaded_for_nothing() -> None:
    assert MonoT5Reranker(model="no/such-model").score(QUESTION, []) == []
