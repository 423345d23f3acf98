"""How fast `structure` cuts text with token counts on one core, against the tokenizer alone."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median

# Before the tokenizer starts threads of its own.
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

from tokenizers import Tokenizer

import rag.languages as languages_module
from benchmarks.arguments import CHECKOUT, Arguments, arguments
from benchmarks.corpus import Corpus
from benchmarks.record import Record
from benchmarks.timing import interleaved, spread
from rag.chunk.fixed import FixedChunker
from rag.chunk.structure import StructureChunker
from rag.connectors.files import FilesConnector
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.encode.tokens import ModelTokenizer
from rag.languages import detect
from rag.protocols import Chunker
from rag.types import Document, Item

_BYTES = 5_200_000
_ROUNDS = 3
_FAST = 5.0
_RATIO = 1.5
_WINDOW = 100_000
_WORD = re.compile(r"\b[a-z]{4,}\b")


def measure(given: Arguments) -> None:
    size, rounds = (500_000, 1) if given.quick else (_BYTES, _ROUNDS)
    record = Record("chunking_speed", "Chunking with token counts, on one core", given.quick)
    one_core()
    corpora = {"sample corpus, varied": sample(size), "new words": synthetic(size)}
    folder = given.scifact()
    if folder is not None:
        corpora["SciFact"] = abstracts(folder, size)
    for name, documents in corpora.items():
        report(record, name, list(documents), rounds)
    record.write()


def report(record: Record, name: str, documents: list[Document], rounds: int) -> None:
    megabytes = sum(len(document.text.encode()) for document in documents) / 1e6
    record.add(name, f"{megabytes:.1f} MB in {len(documents)} documents")
    times = interleaved(ways(documents, rounds), rounds, warm_up=0)
    for way, taken in times.items():
        record.add(f"{name}: {way}", spread([megabytes / s for s in taken]).text("MB/s"))
    pairs = list(zip(times["structure"], times["tokenizer alone"], strict=True))
    speed = median(megabytes / taken for taken, _ in pairs)
    ratio = spread([taken / alone for taken, alone in pairs])
    record.add(
        f"{name}: structure, time against the tokenizer's",
        ratio.text("times"),
        f"<= {_RATIO} times, or >= {_FAST:g} MB/s",
        ratio.median <= _RATIO or speed >= _FAST,
    )
    record.figures[name] = {"megabytes": megabytes, "seconds": times}


def forget() -> None:
    """Detect languages anew."""
    languages_module._detect.cache_clear()


def one_core() -> None:
    """Keep this process to one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def ways(documents: list[Document], rounds: int) -> dict[str, Callable[[], object]]:
    """What is timed. A chunker's tokenizer has counted nothing before."""
    tokenizers = [SentenceTransformersEncoder(device="cpu").tokenizer for _ in range(3 * rounds)]
    plain = plain_tokenizer()
    return {
        "structure and languages": lambda: cut(StructureChunker(), documents, tokenizers.pop()),
        "structure": lambda: cut(StructureChunker(), documents, tokenizers.pop(), known=True),
        "fixed": lambda: cut(FixedChunker(), documents, tokenizers.pop()),
        "tokenizer alone": partial(tokenize, documents, plain),
        "language of each document": partial(languages, documents),
    }


def cut(
    chunker: Chunker, documents: list[Document], tokenizer: ModelTokenizer, known: bool = False
) -> int:
    """Passages, with languages detected anew or, as the store needs them too, `known` already."""
    if not known:
        forget()
    return sum(1 for one in documents for _ in chunker.chunk(one, tokenizer))


def tokenize(documents: list[Document], tokenizer: Tokenizer) -> int:
    """The tokenizer's fastest way, without offsets, in windows of each document."""
    return sum(
        len(tokenizer.encode_batch_fast([window], add_special_tokens=False)[0])
        for one in documents
        for window in windows(one.text)
    )


def plain_tokenizer() -> Tokenizer:
    folder = SentenceTransformersEncoder(device="cpu").files.folder
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def windows(text: str) -> Iterator[str]:
    return (text[start : start + _WINDOW] for start in range(0, len(text), _WINDOW))


def languages(documents: list[Document]) -> int:
    forget()
    return len([detect(one.text) for one in documents])


def sample(size: int) -> Iterator[Document]:
    """The sample corpus over and over, some of its words others each time."""
    folder = CHECKOUT / "sample_corpus"
    items = FilesConnector(paths=[folder], base=folder).items()
    loaded = [item.load() for item in items if isinstance(item, Item)]
    corpus, made = Corpus(), 0
    for document in cycle(loaded):
        if made >= size:
            break
        new = corpus.draw(len(document.text) // 6)
        text = _WORD.sub(partial(varied, new), document.text)
        made += len(text)
        yield replace(document, text=text)


def varied(new: list[str], found: re.Match[str]) -> str:
    """Sometimes another word, of the same length so that blocks stay where they are."""
    other = new.pop() if new else ""
    return other if len(other) == len(found[0]) else found[0]


def abstracts(folder: Path, size: int) -> Iterator[Document]:
    """Titles and abstracts: a paragraph each, mostly longer than a passage."""
    made = 0
    with (folder / "corpus.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            made += len(record["text"])
            if made > size:
                return
            text = f"{record['title']}\n{record['text']}"
            yield Document(record["_id"], record["_id"], text, record["title"])


def synthetic(size: int) -> Iterator[Document]:
    """Paragraphs of many different words: the worst case for counts that are remembered."""
    corpus, made = Corpus(), 0
    while made < size:
        text = corpus.text(8_000)
        made += len(text)
        yield Document(str(made), f"{made}.txt", text)


if __name__ == "__main__":
    measure(arguments(__doc__))
