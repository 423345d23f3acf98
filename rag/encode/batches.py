"""Texts in batches of such shapes that company does not change the bits of a vector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

# Tokens, padding included, that go through the model together: large enough to fill the
# processor, small enough to stay in its caches. benchmarks/indexing.py has the measurement.
_BATCH_TOKENS = 4_096
# Graphs are as quick in smaller ones, which hold less memory.
_GRAPH_TOKENS = 2_048
# On a processor the bits of a vector depend on the shape of its batch, unless lengths fill whole
# vector registers and there are rows enough that no thread takes a part of a sum.
_ALIGNED = 16
_LEAST_TOKENS = 512
# Short, and a token for every model: a text of the batch may have millions of characters.
_FILLER = "."
# Tokens whose vectors are held until it is their turn.
_HELD_TOKENS = 16_384


def step(longest: int) -> int:
    """What padded lengths are multiples of: never beyond the `longest` that the model reads."""
    return 1 if longest % _ALIGNED else _ALIGNED


def graph_batches(lengths: Sequence[int], longest: int) -> Iterator[tuple[list[int], int]]:
    """The same for a graph, whose bits depend on the padded length alone."""
    return batches(lengths, longest, _GRAPH_TOKENS)


def batches(
    lengths: Sequence[int], longest: int, most: int = _BATCH_TOKENS
) -> Iterator[tuple[list[int], int]]:
    """Positions in batches of similar length, longest first, each with its padded length.

    A batch has at most `most` tokens, padding included, unless it is one text.
    """
    multiple = step(longest)
    padded = np.minimum(np.array(lengths, np.int64), longest)
    padded = np.maximum(-(-padded // multiple), 1) * multiple
    batch: list[int] = []
    for position in np.argsort(-padded, kind="stable").tolist():
        if batch and (len(batch) + 1) * int(padded[batch[0]]) > most:
            yield batch, int(padded[batch[0]])
            batch = []
        batch.append(position)
    if batch:
        yield batch, int(padded[batch[0]])


def filled(texts: Sequence[str], length: int) -> list[str]:
    """A batch of padded `length` with short texts after it until it has rows enough."""
    least = -(-_LEAST_TOKENS // length)
    return [*texts, *[_FILLER] * (least - len(texts))]


def stretches(lengths: Sequence[int]) -> Iterator[range]:
    """Neighbouring positions of not too many tokens in all, in order, together all of them."""
    start, size = 0, 0
    for position, length in enumerate(lengths):
        if position > start and size + length > _HELD_TOKENS:
            yield range(start, position)
            start, size = position, 0
        size += length
    if start < len(lengths):
        yield range(start, len(lengths))
