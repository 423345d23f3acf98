"""Where something stands in its document, as people write it."""

from __future__ import annotations

from typing import Protocol

from rag.cli.output import one_line


class Placed(Protocol):
    """A passage or a citation."""

    @property
    def source(self) -> str:
        """What a person would open."""
        ...

    @property
    def page(self) -> int | None:
        """Counted from 1; None where there are no pages."""
        ...

    @property
    def place(self) -> str:
        """Where to look when there are no pages: a slide, a sheet's rows, a function."""
        ...

    @property
    def headings(self) -> tuple[str, ...]:
        """Outermost first."""
        ...


def place(of: Placed) -> str:
    """One line, for example "manual.pdf, page 3, Safety > Brakes"."""
    page = one_line(of.place) or (f"page {of.page}" if of.page is not None else "")
    path = " > ".join(one_line(heading) for heading in of.headings)
    metadata = getattr(of, "metadata", {})
    stale = "an earlier version: it could not be read since" if metadata.get("stale") else ""
    return ", ".join(part for part in (one_line(of.source), page, path, stale) if part)
