"""What published monoT5 checkpoints were taught to answer.

The words are those of pygaggle (github.com/castorini/pygaggle, `rerank/transformer.py`) and, for
InRanker, of github.com/unicamp-dl/InRanker. A name may begin several families: the longest
beginning tells.
"""

from __future__ import annotations

from typing import TypeAlias

Targets: TypeAlias = tuple[str, str]
"""The word for a passage that is relevant, and the word for one that is not."""

ENGLISH: Targets = ("true", "false")

FAMILIES: dict[str, Targets] = {
    "castorini/monot5-": ENGLISH,
    "unicamp-dl/InRanker-": ENGLISH,
    "unicamp-dl/mt5-base-en-msmarco": ("yes", "no"),
    "unicamp-dl/mt5-base-en-pt-msmarco": ("yes", "no"),
    "unicamp-dl/mt5-base-mmarco": ("yes", "no"),
    # In this vocabulary "false" begins with a piece that is a space alone.
    "unicamp-dl/mt5-3B-mmarco-en-pt": ("true", ""),
    "unicamp-dl/ptt5-base-pt-msmarco": ("sim", "não"),
    "unicamp-dl/ptt5-base-en-pt-msmarco": ("sim", "não"),
}


def targets_of(name: str) -> Targets | None:
    """The words of the checkpoint `name`; None where it is of no family that is known."""
    known = [start for start in FAMILIES if name.startswith(start)]
    return FAMILIES[max(known, key=len)] if known else None
