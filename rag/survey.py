"""What a pipeline's cutting does to many documents, added up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rag.cutting import Cut, sizes
from rag.types import Failure


@dataclass(slots=True)
class Survey:
    """Measured facts about cut documents; `lost` and `too_long` are spans by source.

    `unit` and `limit` are those of the cuts, see `rag.cutting.Cut`.
    """

    documents: int = 0
    characters: int = 0
    repeated: int = 0
    unit: str = ""
    limit: int | None = None
    sizes: list[int] = field(default_factory=list)
    lost: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    too_long: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    failed: list[Failure] = field(default_factory=list)

    @property
    def loses(self) -> bool:
        """Whether there is text that cannot be found."""
        return bool(self.lost or self.too_long)

    def add(self, found: Cut | Failure) -> None:
        """Count one more document, or what could not be read."""
        if isinstance(found, Failure):
            self.failed.append(found)
            return
        source = found.document.source
        self.documents += 1
        self.characters += len(found.document.text)
        self.repeated += found.repeated
        self.unit, self.limit = found.unit, found.limit
        self.sizes += [piece.size for piece in found.pieces]
        if found.lost:
            self.lost[source] = found.lost
        if found.too_long:
            spans = [(one.passage.start, one.passage.end) for one in found.too_long]
            self.too_long[source] = spans

    def as_dict(self) -> dict[str, Any]:
        """Plain data, as `rag pipeline check --on` prints it."""
        return {
            "documents": self.documents,
            "characters": self.characters,
            "passages": len(self.sizes),
            "unit": self.unit or None,
            "limit": self.limit,
            "sizes": sizes(self.sizes),
            "repeated_characters": self.repeated,
            "lost": _listed(self.lost),
            "too_long": _listed(self.too_long),
            "failed": [{"source": one.source, "error": one.error} for one in self.failed],
        }


def survey(cuts: Iterable[Cut | Failure]) -> Survey:
    """All of `cuts` added up; no document is kept."""
    found = Survey()
    for cut in cuts:
        found.add(cut)
    return found


def _listed(spans: dict[str, list[tuple[int, int]]]) -> list[dict[str, Any]]:
    return [
        {"source": source, "start": start, "end": end}
        for source, found in spans.items()
        for start, end in found
    ]
