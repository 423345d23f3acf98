"""Where something stands in its document, as people write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rag.cli.output import one_line

if TYPE_CHECKING:
    from rag.types import Passage


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


def is_stale(of: Passage) -> bool:
    """Whether `of` is of an earlier version of a document that could not be read since."""
    return bool(of.metadata.get("stale"))


def place(of: Placed, *, stale: bool | str = False) -> str:
    """One line, for example "manual.pdf, page 3, Safety > Brakes"; `stale` is said, and why."""
    page = one_line(of.place) or (f"page {of.page}" if of.page is not None else "")
    path = " > ".join(one_line(heading) for heading in of.headings)
    told = "an earlier version: it could not be read since" if stale is True else stale or ""
    return ", ".join(part for part in (one_line(of.source), page, path, told) if part)
