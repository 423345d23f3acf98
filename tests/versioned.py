"""Documents that carry their version, so that an answer made of two states gives itself away."""

from __future__ import annotations

import re
from pathlib import Path

from rag import Answer, Ranking

_NAMES = ("lamp", "oil", "storm", "ferry", "dog", "island", "stair", "keeper")
QUESTIONS = tuple(f"When does the {name} of the island travel?" for name in _NAMES)
_VERSION = re.compile(r"version (\d+)\b")


def write(folder: Path, version: int) -> Path:
    """Documents that all say `version`, in every sentence: an index run commits them together."""
    folder.mkdir(exist_ok=True)
    for name in _NAMES:
        (folder / f"{name}.txt").write_text(
            f"The {name} of the island does travel at nine in version {version}. "
            f"Every evening the {name} is at the stair in version {version}."
        )
    return folder


def versions(found: Answer | Ranking) -> set[str]:
    """The versions that hits and citations speak of."""
    texts = [hit.passage.text for hit in found.hits]
    if isinstance(found, Answer):
        texts += [citation.quote for citation in found.citations]
        texts.append(found.text if found.citations else "")
    return {version for text in texts for version in _VERSION.findall(text)}
