"""The functions and classes of a source file, as a grammar of tree-sitter finds them."""

from __future__ import annotations

import importlib
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from rag.connectors.formats.building.outline import Section
from rag.connectors.formats.program.languages import Language

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree

# A parser takes up to 250 times a file's size for code, and without end for some of what is none.
# It is stopped where it takes more than these.
_LARGEST = 2_000_000  # bytes
_SECONDS, _SECONDS_EACH_MB = 2.0, 3.0  # of this thread's processor time, whatever else runs
_MEMORY, _MEMORY_EACH_BYTE = 100_000_000, 300
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
# 120 kB of `a<a<a<` would be gigabytes of Java, taken in a single step that nothing can stop.
_ANGLES = re.compile(r"(?:<[^;{}<>]*){200}")
# Where a file ends within brackets, time and memory grow with the square of their number.
_PAIRS = (b"()", b"[]", b"{}")
_MOST_OPEN = 1_000
_ALL = bytes(range(256))
# The end of what is no code is one step, too, which takes memory by the square of what came
# before it: a file is read on where its beginnings take no such time. Code takes a fraction of it.
_BEGINNINGS = (8_192, 32_768, 131_072)  # bytes
_QUICK_SECONDS, _QUICK_SECONDS_EACH_MB = 0.05, 4.0
_DEEPEST = 8
_SLICE = 1 << 16

# Nodes that only stand around a definition, and belong to it.
_AROUND = frozenset(
    {"export_statement", "decorated_definition", "template_declaration", "ambient_declaration",
     "lexical_declaration", "variable_declaration", "type_declaration", "type_definition",
     "declaration", "expression_statement"}
)  # fmt: skip
# Nodes that hold definitions without being one.
_AMONG = frozenset(
    {"preproc_if", "preproc_ifdef", "preproc_else", "preproc_elif", "linkage_specification",
     "declaration_list", "enum_body_declarations", "if_statement", "block", "ERROR",
     "field_declaration_list", "class_body", "body_statement", "statement_block",
     "global_statement", "foreign_mod_item"}
)  # fmt: skip
_ABOVE = frozenset({"comment", "line_comment", "block_comment", "attribute_item", "attribute_list"})
_FUNCTIONS_AS_VALUES = frozenset(
    {"arrow_function", "function_expression", "function", "generator_function", "class"}
)


@dataclass(frozen=True, slots=True)
class _Symbol:
    """A definition, the lines that belong to it, and its path of names."""

    node: Node
    first: int
    end: int
    word: str
    path: tuple[str, ...]


def sections(text: str, language: Language) -> tuple[Section, ...] | None:
    """The symbols of `text`; None where no grammar reads it, or not within its limits."""
    if not language.grammar or len(data := text.encode()) > _LARGEST:
        return None
    if _ANGLES.search(text) or any(_open(data, pair) > _MOST_OPEN for pair in _PAIRS):
        return None
    parser = _parser(language.grammar)()
    if not all(_is_quick(parser, data[:size]) for size in _BEGINNINGS if size < len(data)):
        return None
    tree = _parsed(parser, data)
    return None if tree is None else tuple(_sections(tree.root_node.children, language, (), 0))


def _is_quick(parser: Parser, beginning: bytes) -> bool:
    """Whether this much of a file is read as fast as code is, with an end that is cut off."""
    most = time.thread_time() + _QUICK_SECONDS + _QUICK_SECONDS_EACH_MB * len(beginning) / 1e6
    return _parsed(parser, beginning) is not None and time.thread_time() <= most


def _parsed(parser: Parser, data: bytes) -> Tree | None:
    """The tree of `data`; None where it takes more than the limits."""
    most_seconds = time.thread_time() + _SECONDS + _SECONDS_EACH_MB * len(data) / 1e6
    most_memory = _memory() + _MEMORY + _MEMORY_EACH_BYTE * len(data)

    def read(offset: int, _: object) -> bytes:
        return data[offset : offset + _SLICE]

    def beyond(offset: int, failed: bool) -> bool:
        return time.thread_time() > most_seconds or _memory() > most_memory

    try:
        return parser.parse(read, progress_callback=beyond)
    except ValueError:  # stopped
        parser.reset()
        return None


def _open(data: bytes, pair: bytes) -> int:
    """How many brackets of a kind are open at once, at most; what is quoted counts, too."""
    opening, _ = pair
    most = depth = 0
    for byte in data.translate(None, _ALL.translate(None, pair)):
        depth = depth + 1 if byte == opening else max(depth - 1, 0)
        most = max(most, depth)
    return most


def _memory() -> int:
    """The most bytes that this process ever had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT


@cache
def _parser(grammar: str) -> Callable[[], Parser]:
    """Makes parsers for a grammar: each thread needs its own."""
    from tree_sitter import Language as Grammar
    from tree_sitter import Parser

    package, _, function = grammar.partition(":")
    found = Grammar(getattr(importlib.import_module(package), function)())
    return lambda: Parser(found)


def _sections(
    nodes: Sequence[Node], language: Language, path: tuple[str, ...], depth: int
) -> Iterator[Section]:
    for symbol in _symbols(nodes, language, path, depth):
        container = symbol.node.type in language.containers
        members: tuple[Section, ...] = ()
        if container and depth < _DEEPEST and symbol.end - symbol.first > 1:
            within = _within(symbol.node)
            members = tuple(_sections(within, language, symbol.path, depth + 1))
        name = ".".join(symbol.path[len(path) :])
        yield Section(symbol.first, symbol.end, name, _place(symbol, container), members)


def _within(container: Node) -> Sequence[Node]:
    body = container.child_by_field_name("body")
    if body is None:
        return ()
    # In Ruby a comment that comes first in a class stands outside of its body.
    return container.children if body.type == "body_statement" else body.children


def _place(symbol: _Symbol, container: bool) -> str:
    """How a person would name a symbol: `class Walk`, `Walk.folder()`, `def parse`."""
    name = ".".join(symbol.path)
    if container or (symbol.word and len(symbol.path) == 1):
        return f"{symbol.word} {name}".lstrip()
    return name if symbol.node.type.startswith("type_") else f"{name}()"


def _symbols(
    nodes: Sequence[Node], language: Language, path: tuple[str, ...], depth: int
) -> Iterator[_Symbol]:
    """The definitions among `nodes`, each from the comments above it on."""
    above = last = -1
    for node in nodes:
        first, end = node.start_point.row, _end(node)
        if node.type in _ABOVE:
            # What stands behind a statement belongs to it, and not to what comes next.
            follows = above >= 0 and first <= last
            above = above if follows else first if first >= last else -1
            last = max(last, end)
            continue
        begin = above if above >= 0 and first <= last else first
        above, last = -1, end
        if (symbol := _symbol(node, language, path, 0)) is not None:
            yield replace(symbol, first=begin, end=max(end, symbol.end))
        elif node.type in _AMONG and depth < _DEEPEST:
            for inner in _symbols(node.children, language, path, depth + 1):
                yield replace(inner, first=begin) if inner.first == first else inner


def _symbol(node: Node, language: Language, path: tuple[str, ...], depth: int) -> _Symbol | None:
    """The definition that `node` is, or stands around."""
    word = language.containers.get(node.type, language.functions.get(node.type))
    if word is not None and node.is_named:
        names = _names(node)
        if names and (node.type != "variable_declarator" or _is_function(node)):
            return _Symbol(node, node.start_point.row, _end(node), word, (*path, *names))
        return None
    if node.type in _AROUND and depth < _DEEPEST:
        within = (_symbol(child, language, path, depth + 1) for child in node.children)
        return next((found for found in within if found is not None), None)
    return None


def _names(node: Node) -> tuple[str, ...]:
    """The name of a definition, after that of the type it is declared for elsewhere."""
    if node.type.endswith("_specifier") and node.child_by_field_name("body") is None:
        return ()
    # An `impl` is named by its type, and a function of C within its declarator.
    found = node.child_by_field_name("name") or node.child_by_field_name("type")
    if declarator := node.child_by_field_name("declarator"):
        found = declarator
        while (inner := found.child_by_field_name("declarator")) is not None:
            found = inner
    receiver = node.child_by_field_name("receiver")
    owner = _text(receiver).strip("()").split()[-1:] if receiver is not None else []
    name = _text(found) if found is not None else ""
    return (*(one.lstrip("*").partition("[")[0] for one in owner), name) if name else ()


def _is_function(node: Node) -> bool:
    value = node.child_by_field_name("value")
    return value is not None and value.type in _FUNCTIONS_AS_VALUES


def _text(node: Node) -> str:
    text = (node.text or b"")[:200].decode("utf-8", "ignore")
    return " ".join(text.split())


def _end(node: Node) -> int:
    """The line after the last that `node` stands on."""
    row, column = node.end_point
    return row if column == 0 and row > node.start_point.row else row + 1
