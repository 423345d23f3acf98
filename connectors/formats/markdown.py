"""Markdown: the text is the source itself, so that quotes can be found in the file."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

from rag.connectors.formats.blocks import HeadingPath, paragraphs, table_header
from rag.connectors.formats.decoding import clean, decode
from rag.connectors.formats.format import Parsed
from rag.types import Block, BlockKind, Scalar

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_KINDS: dict[str, BlockKind] = {
    "heading_open": "heading",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "fence": "code",
    "code_block": "code",
}
_FRONT_MATTER_WITHIN = 8192  # characters: PyYAML takes quadratic time over nested brackets
_LARGEST_INTEGER = 2**63 - 1


class MarkdownFormat:
    """CommonMark with tables; front matter in YAML becomes metadata."""

    name = "Markdown"
    extensions: tuple[str, ...] = (".md", ".markdown", ".mdown", ".mkd")
    media_types: tuple[str, ...] = ("text/markdown", "text/x-markdown")
    version = 2

    def parse(self, data: bytes, name: str) -> Parsed:
        """The source less its front matter, one block for each outermost element."""
        decoded = decode(data, self.name)
        front, start = front_matter(decoded.text)
        text = decoded.text[start:]
        blocks, heading = source_blocks(text)
        title = str(front.pop("title", "") or heading)
        metadata = {**front, **decoded.metadata}
        return Parsed(text, " ".join(title.split()), tuple(blocks), metadata)


def front_matter(text: str) -> tuple[dict[str, Scalar], int]:
    """The scalars of the YAML at the head of `text`, and where the text after it begins.

    What is not a mapping in valid YAML between two lines of dashes is text: `({}, 0)`.
    """
    import yaml

    lines = text[:_FRONT_MATTER_WITHIN].split("\n")
    if lines[0].rstrip() != "---":
        return {}, 0
    close = next((n for n, line in enumerate(lines) if n and line.rstrip() in {"---", "..."}), 0)
    try:
        found = yaml.safe_load("\n".join(lines[1:close]))
    except (yaml.YAMLError, ValueError, LookupError, OverflowError, RecursionError):
        # Not all that PyYAML raises is its own: a date such as 2024-99-99 is a ValueError.
        return {}, 0
    if not isinstance(found, dict):
        return {}, 0
    end = min(len(text), sum(len(line) + 1 for line in lines[: close + 1]))
    scalars = ((clean(str(key)), _scalar(value)) for key, value in found.items())
    return {key: value for key, value in scalars if value is not None}, end


def _scalar(value: object) -> Scalar | None:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST_INTEGER else None
    return value if isinstance(value, float) and math.isfinite(value) else None


def source_blocks(text: str, path: HeadingPath | None = None) -> tuple[list[Block], str]:
    """The blocks of `text`, and its first heading of the first level.

    `path` is what the text stands beneath, and goes on to what follows it.
    """
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    path = path or HeadingPath()
    blocks: list[Block] = []
    first = ""
    covered = 0
    for token, title in _outermost(text):
        assert token.map is not None
        start, end = starts[token.map[0]], min(starts[token.map[1]], len(text))
        # Rules and link definitions are no tokens with text, and yet part of the source.
        blocks += _plain(text, covered, start, path.texts)
        if token.type == "heading_open":
            path.enter(int(token.tag[1:]), title)
            first = first or (title if token.tag == "h1" else "")
        blocks += _element(text, start, end, _KINDS.get(token.type), path.texts)
        covered = end
    blocks += _plain(text, covered, len(text), path.texts)
    return blocks, first


def _element(
    text: str, start: int, end: int, kind: BlockKind | None, path: tuple[str, ...]
) -> list[Block]:
    body = text[start:end]
    stripped = body.strip()
    if not stripped:
        return []
    first = start + len(body) - len(body.lstrip())
    header = table_header(stripped) if kind == "table" else ""
    end = first + len(stripped)
    return [Block(first, end, kind or "paragraph", headings=path, header=header)]


def _plain(text: str, start: int, end: int, path: tuple[str, ...]) -> list[Block]:
    return [Block(a, b, headings=path) for a, b in paragraphs(text, start, end)]


def _outermost(text: str) -> Iterator[tuple[Token, str]]:
    """The outermost elements that span lines, each with its text where it is a heading."""
    block_parser, inline_parser = _parsers()
    tokens = block_parser.parse(text)
    for number, token in enumerate(tokens):
        if token.level or token.map is None or token.type.endswith("_close"):
            continue
        title = ""
        if token.type == "heading_open":
            title = _readable(inline_parser.parseInline(tokens[number + 1].content))
        yield token, title


@cache
def _parsers() -> tuple[MarkdownIt, MarkdownIt]:
    """The parsers of blocks and of a line; a notebook needs them for every cell."""
    from markdown_it import MarkdownIt

    blocks = MarkdownIt("commonmark").enable("table").disable(["inline", "text_join"])
    return blocks, MarkdownIt("commonmark")


def _readable(tokens: Sequence[Token]) -> str:
    """The text of a heading without its markup."""
    parts = (
        " " if child.type in {"softbreak", "hardbreak"} else child.content
        for token in tokens
        for child in token.children or ()
        if child.type != "html_inline"
    )
    return " ".join("".join(parts).split())
