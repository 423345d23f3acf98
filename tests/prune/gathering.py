"""Hand-made collections: one passage to a document unless it is said otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rag.protocols import Pruner
from rag.testing.collection import MemoryCollection
from rag.types import Passage

ENGLISH = (
    "The harbour master keeps a log of every vessel that enters after dusk.",
    "Annual leave is counted in working days and expires at the end of March.",
    "The pump must be primed by hand before the engine is started in winter.",
    "Passengers who travel with bicycles pay half the fare on the northern route.",
    "Copper roofs turn green because the metal reacts slowly with damp air.",
    "Her grandfather planted the orchard with trees that he had grafted himself.",
)
GERMAN = (
    "Die Kündigungsfrist beträgt drei Monate zum Ende eines Quartals.",
    "Der Antrag auf Elternzeit ist schriftlich bei der Personalstelle zu stellen.",
    "Im Winter wird die Brücke wegen Glätte oft schon am Nachmittag gesperrt.",
    "Das Museum zeigt Werkzeuge, mit denen früher Schiffe gebaut wurden.",
    "Wer den Schlüssel verliert, trägt die Kosten für ein neues Schloss.",
    "Die Äpfel werden im Oktober gepflückt und in kühlen Kellern gelagert.",
)
JAPANESE = (
    "契約を終了する場合は三か月前に書面で通知しなければならない。",
    "冬の間は橋が凍結するため、夕方から通行止めになることが多い。",
    "博物館には昔の船大工が使った道具が展示されている。",
    "鍵を紛失した者は新しい錠前の費用を負担する。",
    "林檎は十月に収穫され、涼しい地下室で保存される。",
    "港長は日没後に入港するすべての船を記録している。",
)


def passage(name: str, text: str, start: int = 0) -> Passage:
    return Passage(name, start, start + len(text), text)


def scores(pruner: Pruner, texts: Mapping[str, str] | Sequence[Passage]) -> dict[str, float]:
    """The score of each document's passage, by the document's id."""
    found = _passages(texts)
    quality = pruner.judge(MemoryCollection(found))
    names = [one.document_id for one in sorted(found, key=lambda one: one.order)]
    return dict(zip(names, quality.scores.tolist(), strict=True))


def reason(pruner: Pruner, texts: Mapping[str, str], name: str) -> str:
    """Why the passage of a document is no better."""
    return pruner.judge(MemoryCollection(_passages(texts))).why(sorted(texts).index(name))


def _passages(texts: Mapping[str, str] | Sequence[Passage]) -> list[Passage]:
    if isinstance(texts, Mapping):
        return [passage(name, text) for name, text in texts.items()]
    return list(texts)
