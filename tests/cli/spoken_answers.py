"""A plug-in with an answerer that speaks slowly, and as badly as the question says."""

from __future__ import annotations

from pathlib import Path

# What the question has in it decides.
_MODULE = """
import time

from rag.errors import ChatError
from rag.tracing import note
from rag.types import Answer, Citation, Delta, Statement

TEXT = "The ferry carries ninety people [1]. She can fly."


class SpokenAnswerer:
    def answer(self, query, hits, view):
        *_, answer = self.stream(query, hits, view)
        return answer

    def stream(self, query, hits, view):
        if "think" in query.text:
            time.sleep(0.5)
        yield Delta(TEXT[:10])
        if "wait" in query.text:
            time.sleep(60)
        if "break" in query.text:
            raise ChatError("the model server broke off")
        if "fail" in query.text:
            note("the statements could not be checked", failed=True)
        yield Delta(TEXT[10:])
        passage = hits[0].passage
        cited = Citation(
            passage.document_id, passage.source, passage.start, passage.end, passage.text
        )
        statements = (
            Statement(0, 36, (0,), 0.9),
            Statement(37, 49, (), 0.1, False, "no passage says that she flies"),
        )
        yield Answer(query.text, TEXT, False, (cited,), statements)
"""


def write_plugin(folder: Path) -> Path:
    """Write the plug-in into `folder`, which then belongs into PYTHONPATH: answerer `spoken`."""
    (folder / "spoken.py").write_text(_MODULE)
    metadata = folder / "spoken-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: spoken\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[rag.answerers]\nspoken = spoken:SpokenAnswerer\n")
    return folder
