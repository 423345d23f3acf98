"""A small index of a harbour's papers, as chains ask it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from langchain_core.language_models import BaseChatModel

from rag import Rag
from rag.testing import HashingEncoder

TEXTS = {
    "ferry.md": "---\nyear: 2024\n---\n# Ferry\n\n## Sailings\n\nThe ferry leaves at nine.\n",
    "dogs.md": "---\nyear: 2026\n---\n# Ferry\n\n## Dogs\n\nDogs travel free on the ferry.\n",
    "lamp.txt": "The keeper lights the lamp at dusk. The ferry steers by it.",
    "oil.txt": "Oil for the lamp is delivered on the first Monday of March by the ferry.",
    "gulls.txt": "Gulls nest above the harbour from April on.",
}
ASKED = "When does the ferry leave?"


def opened(folder: Path, *overrides: str, chat: BaseChatModel | None = None) -> Rag:
    """The index in `folder`, as it is."""
    return Rag.open(
        folder / ".rag",
        pipeline="fast",
        overrides=overrides,
        encoder=HashingEncoder(),
        workers=0,
        chat=chat,
    )


@contextmanager
def indexed(folder: Path, *overrides: str) -> Iterator[Rag]:
    """An index of all papers, made in `folder`."""
    papers = folder / "papers"
    papers.mkdir()
    for name, text in TEXTS.items():
        (papers / name).write_text(text)
    rag = opened(folder, *overrides)
    try:
        rag.index(papers)
        yield rag
    finally:
        rag.close()
