"""Tiny random rerankers with vocabularies of their own, saved to a folder as published ones are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models import SPECIAL, WORDS, word_piece
from tiny_t5 import save_tiny_t5
from tokenizers import Tokenizer, pre_tokenizers, processors
from tokenizers import models as kinds

from rag.types import Passage

SPACE = "\u2581"
PIECES = (
    *("<pad>", "</s>", "<unk>", SPACE, "Query", "Document", "Relevant", "true", "false"),
    *("the", "ferry", "leaves", "at", "nine", "keeper", "lights", "lamp", "dogs", "travel"),
)
QUESTION = "when does the ferry leave ?"
TEXTS = (
    "the ferry leaves at nine .",
    "lamp",
    "the keeper lights the lamp at nine . dogs travel free .",
    "dogs travel",
    "who climbs the stair every evening ?",
    "the ferry leaves at nine .",
    "oil and light",
    "x",
)
LONG = "the keeper climbs the stair every evening and lights the lamp . " * 12


@contextmanager
def one_thread() -> Iterator[None]:
    """In it torch computes in one thread: for many calls of tiny models, more are in the way."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def passage(number: int, text: str, context: str = "") -> Passage:
    """A passage of a document of its own."""
    return Passage(f"d{number}", 0, len(text), text, context=context)


def passages(texts: tuple[str, ...] = TEXTS) -> list[Passage]:
    return [passage(number, text) for number, text in enumerate(texts)]


def pair_tokenizer(length: int) -> Any:
    """The tokenizer of `save_pairs`, which tells question and passage apart as BERT's does."""
    from transformers import PreTrainedTokenizerFast

    made = word_piece()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    named = {name.strip("[]").lower() + "_token": name for name in SPECIAL}
    return PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=length, **named)


def save_pairs(
    folder: Path, length: int = 64, labels: tuple[str, ...] = ("score",), **settings: object
) -> Path:
    """A random two-layer BERT that gives `labels` scores for a pair; `settings` of its file."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(11)
    config = BertConfig(
        vocab_size=len(SPECIAL) + len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=length,
        initializer_range=0.5,
        id2label=dict(enumerate(labels)),
        label2id={name: number for number, name in enumerate(labels)},
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    pair_tokenizer(length).save_pretrained(folder)
    edit(folder / "config.json", **settings)
    return folder


def save_t5(folder: Path, words: tuple[str, ...] = PIECES[4:], **settings: object) -> Path:
    """A random two-layer T5 whose words are sentencepiece's, with the space before each."""
    letters = tuple(":.?,abcdefghijklmnopqrstuvwxyzQDR{}0123456789")
    pieces = (*PIECES[:4], *(SPACE + word for word in words), *letters)
    scored = [(piece, -3.0 if len(piece) > 1 else -9.0) for piece in pieces]
    made = Tokenizer(kinds.Unigram(scored, unk_id=2))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    save_tiny_t5(folder, made, seed=5)
    edit(folder / "config.json", **settings)
    return folder


def edit(path: Path, **settings: object) -> None:
    """Change settings of a model's file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


def pickle_weights(folder: Path) -> Path:
    """Put the weights of a saved model into a pickle, as old ones are."""
    import torch
    from safetensors.torch import load_file

    weights = folder / "model.safetensors"
    torch.save(load_file(weights), folder / "pytorch_model.bin")
    weights.unlink()
    return folder
