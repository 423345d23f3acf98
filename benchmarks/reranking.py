"""How long a cross-encoder takes for the 100 passages of a question, beside its own library.

The model has the size and the tokenizer of the MiniLM cross-encoders with six layers, and random
weights: a score costs what it costs with the real ones. Both sides run on the same threads, take
turns, and get their pairs in the same random order; the library sorts them by characters, and
puts 32 together.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.arguments import CHECKOUT, Arguments, arguments
from benchmarks.record import Record
from benchmarks.timing import interleaved, spread
from rag.models import find_model
from rag.rerank.cross_encoder import CrossEncoderReranker
from rag.types import Passage

_COUNT = 100
_ROUNDS = 7
_TOKENIZER = "all-MiniLM-L6-v2"
_QUESTION = "Which treatment lowers the risk of a stroke in older patients?"
_BAR = 1.5
_TOLERANCE = 1e-4
# Passages of the uniform set have as many words, some 260 tokens.
_WORDS = 180


def measure(given: Arguments) -> None:
    scifact = given.scifact()
    if scifact is None:
        return
    count, rounds = (20, 1) if given.quick else (_COUNT, _ROUNDS)
    record = Record("reranking", f"Reranking {count} passages with a cross-encoder", given.quick)
    with TemporaryDirectory() as folder:
        model = save_model(Path(folder) / "model")
        mixes = _mixes(scifact, count)
        for name, texts in mixes.items():
            _compare(record, name, texts, model, rounds)
    record.write()


def _mixes(scifact: Path, count: int) -> dict[str, list[str]]:
    """The passages that are scored, by what they are. Nothing of them is kept."""
    chance = random.Random(0)
    with (scifact / "corpus.jsonl").open(encoding="utf-8") as file:
        documents = [json.loads(line) for line in file]
    abstracts = [f"{one['title']}\n{one['text']}" for one in chance.sample(documents, 3 * count)]
    paragraphs = _paragraphs(CHECKOUT / "sample_corpus")
    short = chance.sample(paragraphs, min(count // 2, len(paragraphs)))
    mixed = [*short, *abstracts[: count - len(short)]]
    chance.shuffle(mixed)
    words = " ".join(abstracts).split()
    even = [" ".join(words[n * _WORDS : (n + 1) * _WORDS]) for n in range(count)]
    return {
        "half paragraphs of the sample corpus, half SciFact abstracts": mixed,
        "SciFact abstracts": abstracts[-count:],
        f"{_WORDS} words of SciFact each": even,
    }


def _paragraphs(folder: Path) -> list[str]:
    """The paragraphs of the sample corpus's plain texts, of five words at least."""
    files = sorted((*folder.rglob("*.md"), *folder.rglob("*.txt")))
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in files]
    parts = [part.strip() for text in texts for part in text.split("\n\n")]
    return [part for part in parts if len(part.split()) >= 5]


def save_model(folder: Path) -> str:
    """A cross-encoder of that size in `folder`."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    source = str(find_model(_TOKENIZER).folder)
    tokenizer: Any = AutoTokenizer.from_pretrained(source, local_files_only=True)
    tokenizer.model_max_length = 512
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig.from_pretrained(source, num_labels=1)
    BertForSequenceClassification(config).save_pretrained(folder)
    return str(folder)


def _compare(record: Record, name: str, texts: Sequence[str], model: str, rounds: int) -> None:
    from sentence_transformers import CrossEncoder

    peer = CrossEncoder(model, device="cpu", local_files_only=True)
    ours = CrossEncoderReranker(model=model, device="cpu", windows="first")
    passages = [Passage(str(n), 0, len(text), text) for n, text in enumerate(texts)]
    pairs = [(_QUESTION, text) for text in texts]
    expected = peer.predict(pairs, show_progress_bar=False)
    apart = float(np.abs(np.array(ours.score(_QUESTION, passages)) - expected).max())
    times = interleaved(
        {
            "peer": lambda: peer.predict(pairs, show_progress_bar=False),
            "ours": lambda: ours.score(_QUESTION, passages),
        },
        rounds,
    )
    ratios = [a / b for a, b in zip(times["peer"], times["ours"], strict=True)]
    bar = name.startswith("half")
    shown = spread(ratios)
    record.add(
        f"{name}: CrossEncoder.predict, time of ours",
        shown.text("times"),
        *((f"\u2265 {_BAR}", shown.median >= _BAR) if bar else ()),
    )
    record.add(f"{name}: seconds, predict", spread(times["peer"]).text("s"))
    record.add(f"{name}: seconds, ours", spread(times["ours"]).text("s"))
    record.add(f"{name}: scores apart", f"{apart:.1e}", f"\u2264 {_TOLERANCE}", apart <= _TOLERANCE)
    lengths = sorted(len(one) for one in ours._model.spans(texts))
    padded = _padded(pairs, [min(n, 512) for n in map(len, ours._model.spans(texts))])
    record.add(
        f"{name}: tokens of a passage; what predict adds by padding",
        f"{lengths[0]} to {lengths[-1]}, median {lengths[len(lengths) // 2]}; {padded:.0%}",
    )
    record.figures[name] = {"times": times, "apart": apart, "lengths": lengths, "padding": padded}


def _padded(pairs: Sequence[tuple[str, str]], lengths: Sequence[int], batch: int = 32) -> float:
    """The share that padding adds in batches of pairs sorted by their characters."""
    order = sorted(range(len(pairs)), key=lambda n: -len(pairs[n][1]))
    groups = [order[start : start + batch] for start in range(0, len(order), batch)]
    return sum(len(one) * max(lengths[n] for n in one) for one in groups) / sum(lengths) - 1


if __name__ == "__main__":
    measure(arguments(__doc__))
