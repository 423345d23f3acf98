"""XML parts of a container: parsed whole or element by element, without entities or DTDs.

Names are compared without their namespaces, which differ between the two editions of Office
Open XML, and in OpenDocument by version.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rag.connectors.formats.decoding import clean
from rag.connectors.formats.zipped.container import Container
from rag.errors import DocumentError

if TYPE_CHECKING:
    from lxml.etree import _Element

LARGEST_TREE = 48_000_000  # bytes; a tree takes some ten times as much memory

_SPACES = re.compile(r"[ \t]+")


def tree(container: Container, name: str) -> _Element:
    """The root of a part that is small enough to hold as a tree."""
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True,
        remove_pis=True, huge_tree=False,
    )  # fmt: skip
    source = container.xml(name, LARGEST_TREE)
    with _faults(name):
        return etree.parse(source, parser).getroot()


class Stream:
    """The elements of some local names, each once it has ended, nested ones first.

    What is not freed stays in memory until the end.
    """

    def __init__(self, container: Container, name: str, tags: Collection[str]) -> None:
        self._source = container.xml(name)
        self._name = name
        self._tags = [f"{{*}}{tag}" for tag in tags]

    def __iter__(self) -> Iterator[_Element]:
        from lxml import etree

        with _faults(self._name):
            events = etree.iterparse(
                self._source, events=("end",), tag=self._tags, resolve_entities=False,
                no_network=True, load_dtd=False, remove_comments=True, remove_pis=True,
                huge_tree=False,
            )  # fmt: skip
            yield from (element for _, element in events)

    def free(self, element: _Element) -> None:
        """Let go of an element and all before it."""
        parent = element.getparent()
        element.clear(keep_tail=False)
        while parent is not None and element.getprevious() is not None:
            del parent[0]
        self._source.held = 0


def root_name(container: Container, name: str) -> str:
    """The local name of a part's outermost element."""
    from lxml import etree

    with _faults(name):
        events = etree.iterparse(
            container.xml(name), events=("start",), resolve_entities=False, no_network=True,
            load_dtd=False, huge_tree=False,
        )  # fmt: skip
        return next((local(element) for _, element in events), "")


def local(element: _Element) -> str:
    """An element's name without its namespace; "" for a reference to an entity."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: _Element, name: str) -> str:
    """The attribute of a local name, "" for none."""
    # Not `items()`: lxml looks each value up anew, in quadratic time.
    for key in element.attrib:
        if str(key).rpartition("}")[2] == name:
            return str(element.get(key))
    return ""


def number(element: _Element, name: str, default: int = 0) -> int:
    """An attribute that is a whole number, `default` where it is none."""
    value = attribute(element, name)
    digits = value.removeprefix("-")
    return int(value) if digits.isascii() and digits.isdigit() and len(digits) < 16 else default


def child(element: _Element | None, *names: str) -> _Element | None:
    """The descendant reached by these local names, each the first of its kind."""
    for name in names:
        if element is None:
            return None
        element = next((one for one in element if local(one) == name), None)
    return element


def children(element: _Element | None, *names: str) -> list[_Element]:
    """What is in the descendant that `child` reaches, nothing where there is none."""
    found = child(element, *names)
    return [] if found is None else list(found)


def within(element: _Element, name: str) -> Iterator[_Element]:
    """Every descendant of a local name, in document order."""
    found: Iterator[_Element] = element.iter(f"{{*}}{name}")
    return found


def tidy(text: str) -> str:
    """`text` as it is stored: single spaces, no blank lines, nothing around its lines."""
    lines = (_SPACES.sub(" ", line).strip() for line in clean(text).split("\n"))
    return "\n".join(line for line in lines if line)


@contextmanager
def _faults(name: str) -> Iterator[None]:
    from lxml import etree

    try:
        yield
    except (etree.LxmlError, OSError) as error:  # OSError: bytes that are not in their encoding
        told = " ".join((str(error) or "it is no XML").partition(",")[0].split())
        raise DocumentError(f"is damaged: {name}: {told}; fetch or export it again") from error
