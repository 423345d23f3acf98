"""Windows over a text that is longer than a model reads, of which the best one counts."""

from __future__ import annotations

from collections.abc import Sequence

from rag.protocols import Scores


def cut(text: str, spans: Sequence[tuple[int, int]], room: int, overlap: int) -> list[str]:
    """Stretches of `text` of at most `room` tokens, each beginning in the end of the one before.

    `spans` are the characters of its tokens. Neighbours share `overlap` tokens, or half of the
    `room` where that is less; together they cover all tokens. A text that fits is left as it is.
    """
    if len(spans) <= room:
        return [text]
    shared = min(overlap, room // 2)
    starts = range(0, len(spans) - shared, room - shared)
    return [text[spans[start][0] : spans[start:][:room][-1][1]] for start in starts]


def best(scores: Scores | Sequence[float], counts: Sequence[int]) -> list[float]:
    """The highest score of each text, whose windows stand one after another, `counts` of them."""
    ends = [sum(counts[: n + 1]) for n in range(len(counts))]
    starts = [0, *ends]
    return [float(max(scores[start:end])) for start, end in zip(starts, ends, strict=False)]
