"""Where something stands in its document, as people write it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.cli.output import one_line
from rag.whereabouts import Placed, located

if TYPE_CHECKING:
    from rag.types import Passage


def is_stale(of: Passage) -> bool:
    """Whether `of` is of an earlier version of a document that could not be read since."""
    return bool(of.metadata.get("stale"))


def place(of: Placed, *, stale: bool | str = False) -> str:
    """One line, for example "manual.pdf, page 3, Safety > Brakes"; `stale` is said, and why."""
    told = "an earlier version: it could not be read since" if stale is True else stale or ""
    return one_line(located(of, told))
