"""A chat model run here: greedy, bounded, and from safe files alone."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from causal_models import TEMPLATE, WITHOUT_SYSTEM, save_causal

from rag.chat.asking import Asker, Settings
from rag.chat.local import TransformersChat
from rag.errors import ChatError, ModelError, RequestError
from rag.tracing import question
from rag.types import Message

ASKED = [Message("system", "Be brief."), Message("user", "Who lights the lamp?")]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_causal(tmp_path_factory.mktemp("causal") / "plain")


@pytest.fixture(scope="module")
def chatty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_causal(tmp_path_factory.mktemp("causal") / "chatty", TEMPLATE)


def chat(folder: Path, **options: Any) -> TransformersChat:
    return TransformersChat(model=str(folder), max_tokens=6, device="cpu", **options)


def greedy(folder: Path, text: str, tokens: int, special: bool) -> tuple[list[int], list[Any], Any]:
    """The same by hand: the likeliest token again and again, and all log-probabilities."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    model = AutoModelForCausalLM.from_pretrained(str(folder)).eval()
    ids = tokenizer(text, add_special_tokens=special)["input_ids"]
    made: list[int] = []
    scores: list[Any] = []
    for _ in range(tokens):
        with torch.no_grad():
            logits = model(torch.tensor([[*ids, *made]])).logits[0, -1]
        scores.append(logits.log_softmax(-1))
        made.append(int(logits.argmax()))
        if made[-1] == tokenizer.eos_token_id:
            break
    return made, scores, tokenizer


@pytest.mark.parametrize("templated", [False, True])
def test_replies_are_the_likeliest_tokens(plain: Path, chatty: Path, templated: bool) -> None:
    folder = chatty if templated else plain
    text = (
        "<system>Be brief.</s><user>Who lights the lamp?</s><assistant>"
        if templated
        else "Be brief.\n\nWho lights the lamp?\n\n"
    )
    made, scores, tokenizer = greedy(folder, text, 6, not templated)
    model = chat(folder)
    reply = model.reply_with_choices(ASKED)
    assert reply.text == tokenizer.decode(made, skip_special_tokens=True).strip()
    assert model.reply(ASKED).text == reply.text
    assert model.reply(ASKED).choices == ()
    assert len(reply.choices) == len(made)
    for found, token, expected in zip(reply.choices, made, scores, strict=True):
        assert max(found.values()) == pytest.approx(float(expected[token]), abs=1e-5)
        likeliest = next(iter(found))
        assert likeliest == tokenizer.decode([token])
        assert list(found.values()) == sorted(found.values(), reverse=True)


def test_a_template_that_refuses_the_system(tmp_path: Path, chatty: Path) -> None:
    folder = save_causal(tmp_path / "model", WITHOUT_SYSTEM)
    merged = [Message("user", "Be brief.\n\nWho lights the lamp?")]
    assert chat(folder).reply(ASKED) == chat(chatty).reply(merged)


def test_a_prompt_that_is_too_long(plain: Path) -> None:
    with pytest.raises(ChatError, match=r"the prompt has .* 6 are kept .* reads 256") as caught:
        chat(plain).reply([Message("user", "lamp " * 500)])
    assert not caught.value.again


def test_time_is_bounded(tmp_path: Path) -> None:
    folder = save_causal(tmp_path / "model", length=100_000)
    model = TransformersChat(model=str(folder), max_tokens=90_000, device="cpu")
    chat(folder).reply(ASKED)
    started = time.monotonic()
    with pytest.raises(ChatError, match="did not end within the time"):
        model.reply(ASKED, 0.5)
    assert time.monotonic() - started < 5


def test_a_cut_reply_is_noted(plain: Path) -> None:
    with question() as asked:
        chat(plain).reply(ASKED)
        assert asked.take_notes() == ("a reply was cut off at max_tokens = 6",)


def test_threads_take_turns(plain: Path) -> None:
    model = chat(plain)
    with question():
        answers = Asker(model, Settings(cache=False)).ask_all([ASKED] * 8)
    assert answers == [model.reply(ASKED)] * 8


def test_waiting_for_a_turn_is_bounded(plain: Path) -> None:
    model = chat(plain)
    over, held = threading.Event(), threading.Event()

    def hold() -> None:
        with model._lock:
            held.set()
            over.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    with pytest.raises(ChatError, match="is busy with other replies") as caught:
        model.reply(ASKED, 0.1)
    assert caught.value.again
    # The cache is looked into before there is a deadline.
    assert model.fingerprint and not over.is_set() and thread.is_alive()
    over.set()
    thread.join()


def test_fingerprints_tell_models_apart(plain: Path, chatty: Path) -> None:
    one = chat(plain)
    assert one.repeatable
    assert one.fingerprint == chat(plain).fingerprint
    others = [chat(chatty), chat(plain, dtype="bfloat16"), TransformersChat(model=str(plain))]
    assert len({one.fingerprint, *(other.fingerprint for other in others)}) == 4


def test_a_model_that_is_not_here(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not on this machine: set 'download: true'"):
        TransformersChat(model="nobody/nothing").reply(ASKED)
    with pytest.raises(ModelError, match="a folder without a model"):
        chat(tmp_path).reply(ASKED)


def test_only_safetensors_are_read(plain: Path, tmp_path: Path) -> None:
    import torch

    folder = tmp_path / "model"
    shutil.copytree(plain, folder)
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="no weights as safetensors"):
        chat(folder).reply(ASKED)


def changed(plain: Path, folder: Path, **settings: Any) -> Path:
    shutil.copytree(plain, folder)
    config = folder / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **settings}))
    return folder


def test_code_of_a_model_is_not_run(plain: Path, tmp_path: Path) -> None:
    names = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}
    folder = changed(plain, tmp_path / "model", model_type="own", auto_map=names)
    proof = tmp_path / "proof"
    (folder / "own.py").write_text(
        f"open({str(proof)!r}, 'w').write('ran')\n"
        "from transformers import LlamaConfig as OwnConfig, LlamaForCausalLM as OwnModel\n"
    )
    with pytest.raises(ModelError, match="needs code of its own, which is not run: set 'remote"):
        chat(folder).reply(ASKED)
    assert not proof.exists()


def test_weights_of_another_architecture(plain: Path, tmp_path: Path) -> None:
    folder = changed(plain, tmp_path / "model", model_type="gpt2", architectures=["GPT2LMHead"])
    with pytest.raises(ModelError) as caught:
        chat(folder).reply(ASKED)
    assert "\n" not in str(caught.value)
    assert "are of another model" in str(caught.value)


def test_an_architecture_that_does_not_chat(plain: Path, tmp_path: Path) -> None:
    names = ["T5ForConditionalGeneration"]
    folder = changed(plain, tmp_path / "model", model_type="t5", architectures=names)
    with pytest.raises(ModelError) as caught:
        chat(folder).reply(ASKED)
    assert str(caught.value) == (
        f"model '{folder}' cannot be loaded: it is of the architecture T5ForConditionalGeneration, "
        "and what is needed is a causal language model, such as Qwen or Llama"
    )


def test_weights_of_another_size(plain: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"12 do not fit, such as 'lm_head\.weight'"):
        chat(changed(plain, tmp_path / "model", hidden_size=32)).reply(ASKED)


def test_a_model_that_is_no_language_model(encoder_folder: Path) -> None:
    with pytest.raises(ModelError) as caught:
        chat(encoder_folder).reply(ASKED)
    assert "\n" not in str(caught.value)


def test_no_device(plain: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(RequestError, match="no CUDA device here"):
        TransformersChat(model=str(plain), device="cuda").reply(ASKED)


def test_nothing_is_printed(
    chatty: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    chat(chatty).reply_with_choices(ASKED)
    with pytest.raises(ModelError):
        chat(changed(chatty, tmp_path / "model", model_type="gpt2")).reply(ASKED)
    assert capfd.readouterr() == ("", "")


def test_code_of_a_model_runs_where_the_file_says_so(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}
    folder = changed(plain, tmp_path / "model", model_type="own", auto_map=names)
    (folder / "own.py").write_text(
        "from transformers import LlamaConfig, LlamaForCausalLM\n"
        "class OwnConfig(LlamaConfig):\n    model_type = 'own'\n"
        "class OwnModel(LlamaForCausalLM):\n    config_class = OwnConfig\n"
    )
    # The library copies the code into its folder of caches, and imports it from there.
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert chat(folder, remote_code=True).reply(ASKED) == chat(plain).reply(ASKED)
