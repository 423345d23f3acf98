"""A tiny random T5 as a rewriter, against scores worked out by hand."""

from __future__ import annotations

import json
import math
import shutil
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from models import save_encoder
from tiny_t5 import save_tiny_t5, word_tokenizer
from tokenizers import pre_tokenizers

from rag.errors import ModelError
from rag.protocols import Rewriter
from rag.rewrite import seq2seq
from rag.rewrite.conversation import ConversationRewriter
from rag.rewrite.multi_query import MultiQueryRewriter
from rag.rewrite.replies import same
from rag.rewrite.seq2seq import Search, Seq2Seq
from rag.testing import MemoryView, RewriterSuite
from rag.tracing import question
from rag.types import Query, Turn

WORDS = (
    *("<pad>", "</s>", "<unk>", "|||", "when", "does", "the", "ferry", "leave", "it", "?"),
    *("where", "is", "at", "pier", "oil", "price", "lamp", "light", "who", "keeper"),
)
HISTORY = (Turn("user", "where is the ferry ?"), Turn("assistant", "at the pier"))
ASKED = "when does it leave ?"
VIEW = MemoryView()


def save_t5(folder: Path) -> Path:
    """A random two-layer T5 whose vocabulary is `WORDS`."""
    made = word_tokenizer(WORDS, pre_tokenizers.WhitespaceSplit())
    return save_tiny_t5(folder, made, seed=5, longest=40)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A random model seldom comes to an end by itself."""
    monkeypatch.setattr(seq2seq, "LONGEST", 10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_t5(tmp_path_factory.mktemp("t5") / "tiny")


def by_hand(folder: Path, words: Sequence[str], penalty: float) -> list[tuple[list[int], float]]:
    """Every end of a search with 6 beams, and its score from the model's raw output."""
    import torch
    from transformers import T5ForConditionalGeneration

    model: Any = T5ForConditionalGeneration.from_pretrained(folder).eval()
    ids = torch.tensor([[WORDS.index(word) for word in words] + [1]])
    ends = model.generate(
        ids, num_beams=6, num_return_sequences=4, length_penalty=penalty, do_sample=False,
        early_stopping=True, max_new_tokens=seq2seq.LONGEST,
    )  # fmt: skip
    scored = []
    for end in ends:
        # A random model also writes padding before its end.
        tokens = end[: end.tolist().index(1) + 1] if 1 in end else end
        with torch.no_grad():
            logits = model(input_ids=ids, decoder_input_ids=tokens[None, :-1]).logits[0]
        chosen = torch.log_softmax(logits.double(), 1).gather(1, tokens[1:, None]).sum()
        length = len(tokens) - 1
        scored.append((tokens[1:].tolist(), float(chosen) / length**penalty))
    return scored


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_scores_worked_out_by_hand(folder: Path, penalty: float) -> None:
    model = Seq2Seq(str(folder), device="cpu")
    ends = model.rewrites([turn.text for turn in HISTORY], ASKED, Search(4, 6, penalty))
    words = [*HISTORY[0].text.split(), "|||", *HISTORY[1].text.split(), "|||", *ASKED.split()]
    expected = by_hand(folder, words, penalty)
    assert len(ends) == len(expected) == 4
    assert [one.score for one in ends] == sorted((one.score for one in ends), reverse=True)
    for one, (tokens, score) in zip(ends, expected, strict=True):
        assert one.text == " ".join(WORDS[token] for token in tokens if token > 2)
        assert one.score == pytest.approx(score, abs=1e-4)


class TestMultiQueryBySearch(RewriterSuite):
    @pytest.fixture(autouse=True)
    def _saved(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> Rewriter:
        return MultiQueryRewriter(seq2seq=str(self.folder), device="cpu")


class TestConversationBySearch(TestMultiQueryBySearch):
    def make(self) -> Rewriter:
        return ConversationRewriter(seq2seq=str(self.folder), device="cpu")


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_weights_are_the_softmax_of_scores(folder: Path, penalty: float) -> None:
    rewriter = MultiQueryRewriter(
        seq2seq=str(folder), n=4, beams=6, weight=2.0, length_penalty=penalty, device="cpu"
    )
    made = rewriter.rewrite(Query(ASKED, history=HISTORY), VIEW)
    ends = Seq2Seq(str(folder), device="cpu").rewrites(
        [turn.text for turn in HISTORY], ASKED, Search(4, 6, penalty)
    )
    total = math.fsum(math.exp(one.score) for one in ends)
    expected: dict[str, float] = {}
    for one in ends:
        share = 2.0 * math.exp(one.score) / total
        expected[same(one.text)] = expected.get(same(one.text), 0.0) + share
    weights = {same(one.text): one.weight for one in made.variants}
    assert 1 <= len(made.variants) <= 4 and len(weights) == len(made.variants)
    assert weights == pytest.approx(expected)
    assert math.fsum(weights.values()) == pytest.approx(2.0)
    assert made.standalone == made.variants[0].text


def test_the_same_twice(folder: Path) -> None:
    query = Query(ASKED, history=HISTORY)
    one, two = (
        MultiQueryRewriter(seq2seq=str(folder), device="cpu").rewrite(query, VIEW) for _ in "ab"
    )
    assert one == two


def test_a_conversation_takes_the_best(folder: Path) -> None:
    made = ConversationRewriter(seq2seq=str(folder), beams=6, device="cpu").rewrite(
        Query(ASKED, history=HISTORY), VIEW
    )
    best = Seq2Seq(str(folder), device="cpu").rewrites(
        [turn.text for turn in HISTORY], ASKED, Search(1, 6)
    )
    assert made.standalone == best[0].text == made.variants[0].text


def test_turns_that_do_not_fit_are_left_out(folder: Path) -> None:
    model = Seq2Seq(str(folder), device="cpu")
    search = Search(2, 4)
    short = model.rewrites(["at the pier"], ASKED, search)
    with question() as asked:
        assert model.rewrites(["oil " * 60, "at the pier"], ASKED, search) == short
        assert asked.take_notes() == ("the model reads 40 tokens: 1 earlier turns were left out",)
        end = "lamp " * 38 + "oil"
        cut = model.rewrites([], "who " * 30 + end, search)
        assert asked.take_notes() == ("the model reads 40 tokens: the question was cut",)
    assert cut == model.rewrites([], end, search)


def test_prefix_and_separator(folder: Path) -> None:
    search = Search(2, 4)
    told = Seq2Seq(str(folder), " ? ", "who ", "cpu").rewrites(["oil"], "price", search)
    assert told == Seq2Seq(str(folder), device="cpu").rewrites([], "who oil ? price", search)


def test_threads_cut_texts_one_after_another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once: list[int] = []
    inside = threading.Semaphore(1)
    encoded = Seq2Seq._encoded

    def watched(*given: Any) -> list[int]:
        at_once.append(not inside.acquire(blocking=False))
        time.sleep(0.05)
        inside.release()
        return encoded(*given)

    monkeypatch.setattr(Seq2Seq, "_encoded", watched)
    model = Seq2Seq(str(folder), device="cpu")
    questions = ["oil", "lamp " * 60, "ferry"]
    with ThreadPoolExecutor(3) as pool:
        assert all(pool.map(lambda text: model.rewrites([], text, Search(1, 2)), questions))
    assert at_once == [False] * 3


def broken(folder: Path, at: Path, **config: Any) -> Path:
    """A copy of the model with another config.json; keys that are None are taken out."""
    shutil.copytree(folder, at)
    old = json.loads((at / "config.json").read_text())
    new = {key: value for key, value in {**old, **config}.items() if value is not None}
    (at / "config.json").write_text(json.dumps(new))
    return at


def refused(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        MultiQueryRewriter(seq2seq=str(folder), device="cpu").rewrite(Query("oil"), VIEW)
    told = str(caught.value)
    assert "\n" not in told and "Traceback" not in told
    return told


def test_folders_that_are_no_model(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert "no config.json" in refused(tmp_path / "empty")
    assert "neither a model's folder nor a name" in refused(tmp_path / "absent")
    bare = broken(folder, tmp_path / "bare")
    (bare / "model.safetensors").unlink()
    assert "has no weights" in refused(bare)
    (bare / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    assert "is a pickle" in refused(bare)
    (bare / "model.safetensors").write_bytes(b"cut off")
    assert "cannot be loaded" in refused(bare)
    (bare / "config.json").write_text("{")
    assert "config.json" in refused(bare)
    assert capfd.readouterr() == ("", "")


def test_other_architectures(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "is of type 'bert'" in refused(_bert(tmp_path))
    own = broken(folder, tmp_path / "own", model_type="mine", auto_map={"AutoModel": "mine.Model"})
    assert "needs code of its own, which is not run" in refused(own)
    larger = broken(folder, tmp_path / "larger", d_model=32)
    assert "cannot be loaded" in refused(larger)
    deeper = broken(folder, tmp_path / "deeper", num_layers=3)
    assert "its weights lack" in refused(deeper)
    capfd.readouterr()


def _bert(folder: Path) -> Path:
    save_encoder(folder / "tiny")
    return folder / "tiny-bert"
