"""Where something stands in its document, as people write it."""

from __future__ import annotations

from typing import Protocol


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


def located(of: Placed, remark: str = "") -> str:
    """One line, for example "manual.pdf, page 3, Safety > Brakes", and a `remark`."""
    page = of.place or (f"page {of.page}" if of.page is not None else "")
    parts = (of.source, page, " > ".join(of.headings), remark)
    return ", ".join(" ".join(part.split()) for part in parts if part)
