"""Positions of texts in batches of similar length, so that little is computed for padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def batches_of_tokens(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Batches of at most `tokens`, padding included, longest first; a longer text is alone."""
    batch: list[int] = []
    for position in sorted(range(len(lengths)), key=lambda one: -lengths[one]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > tokens:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch
