"""A report as one HTML file: text, tables and pictures, with nothing to fetch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import ClassVar, TypeAlias

from rag.errors import MissingExtraError

# A number with its sign, unit or interval, as a report writes them.
_NUMERIC = re.compile(r"[-+<>~]?\s?[0-9][0-9,.]*( ?(%|ms|s|MB|GB))?( \[[-+0-9., ]+\])?")
# What a drawing may not bring into a page: an XML prologue, descriptions of itself, and names
# of its groups, which another drawing in the page has too.
_OUTSIDE = re.compile(
    r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|(?<=<g) id=\"[^\"]*\"", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Text:
    """Paragraphs, under a heading where there is one."""

    paragraphs: Sequence[str]
    heading: str = ""
    kind: ClassVar[str] = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text; the first cell names its row. Numbers are set flush right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str
    kind: ClassVar[str] = "table"


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing, and a caption that tells those who do not see it what it shows.

    `svg` is put into the page as it stands: give it what `rag.evaluate.charts` has drawn, and
    nothing that comes from elsewhere.
    """

    svg: str
    caption: str
    kind: ClassVar[str] = "picture"


Part: TypeAlias = Text | Table | Picture


def page(title: str, parts: Sequence[Part]) -> str:
    """An HTML document that needs no other file and no network.

    All text is escaped. Raises MissingExtraError where jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise MissingExtraError("a report as HTML", "plots") from None
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.tests["numeric"] = lambda cell: _NUMERIC.fullmatch(cell) is not None
    # Our own drawing, whose text its maker has escaped.
    environment.filters["drawing"] = lambda svg: Markup(_OUTSIDE.sub("", svg).strip())  # noqa: S704
    template = (files("rag.evaluate") / "page.html").read_text(encoding="utf-8")
    return environment.from_string(template).render(title=title, parts=parts) + "\n"
