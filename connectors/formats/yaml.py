"""YAML: the text is the source itself, comments and all, and its keys are the headings.

Only the parser's events are read: nothing is built, so that no tag makes an object and no
alias is followed, and a file that would expand to billions of nodes is as long as it looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rag.connectors.formats.building.outline import Section, outlined
from rag.connectors.formats.building.source import Source
from rag.connectors.formats.decoding import decode
from rag.connectors.formats.format import Parsed
from rag.types import Metadata

if TYPE_CHECKING:
    import yaml

_DEEPEST = 100
_DEEPEST_KEY = 6  # keys further down are no sections of their own
_LONG = 1500  # characters: what is shorter is not cut at its keys
_MOST_EVENTS = 20_000_000
_LONGEST_NAME = 100
_TITLES = ("title", "name")


class YamlFormat:
    """YAML with its comments, cut at its keys; what is not valid YAML is cut at blank lines."""

    name = "YAML"
    extensions: tuple[str, ...] = (".yaml", ".yml")
    media_types: tuple[str, ...] = ("application/yaml", "application/x-yaml", "text/yaml")
    version = 1

    def parse(self, data: bytes, name: str) -> Parsed:
        """The source; one block for each key of a document, those within where it is long.

        Templates that become YAML are text too: where the file cannot be parsed, the metadata
        `parser` is `lines`.
        """
        decoded = decode(data, self.name)
        text = decoded.text
        outline = _outline(text)
        by_lines: Metadata = {} if outline.valid else {"parser": "lines"}
        blocks = outlined(text, _sections(outline.keys, Source(text)))
        return Parsed(text, outline.title, blocks, {**decoded.metadata, **by_lines})


@dataclass(slots=True)
class _Key:
    """A key, where it begins (characters), and the keys within its value."""

    start: int
    name: str
    place: str
    keys: list[_Key] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    """A collection being read: the key it belongs to, and what comes next in it."""

    key: _Key
    mapping: bool
    at_key: bool = True
    items: int = 0


@dataclass(slots=True)
class _Outline:
    keys: list[_Key] = field(default_factory=list)
    title: str = ""
    valid: bool = True


def _outline(text: str) -> _Outline:
    """The keys of every document of the stream; none where the text is no YAML."""
    import yaml

    reader = _Reader()
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    try:
        for count, event in enumerate(yaml.parse(text, Loader=loader)):
            if count > _MOST_EVENTS or len(reader.open) > _DEEPEST:
                return _Outline(valid=False)
            reader.read(event)
    # libyaml takes apart in C; what it does not take comes as one of these.
    except (yaml.YAMLError, ValueError):
        return _Outline(valid=False)
    return _Outline(reader.root.keys, reader.title)


class _Reader:
    """Follows the events of a stream."""

    def __init__(self) -> None:
        self.root = _Key(0, "", "")
        self.open: list[_Open] = []
        self.title = ""
        self._value_of = self.root

    def read(self, event: yaml.Event) -> None:
        """Take the next event."""
        import yaml

        if isinstance(event, yaml.CollectionEndEvent):
            self.open.pop()
            self._after_value()
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._value_of = self.root

    def _node(self, event: yaml.NodeEvent) -> None:
        import yaml

        inside = self.open[-1] if self.open else None
        scalar = str(event.value) if isinstance(event, yaml.ScalarEvent) else ""
        collection = isinstance(event, yaml.CollectionStartEvent)
        key = self._value_of
        if inside is not None and (not inside.mapping or inside.at_key):
            key = self._begun(inside, _start(event), scalar)
        elif inside is not None and inside.key is self.root and key.name.lower() in _TITLES:
            self.title = self.title or " ".join(scalar[:_LONGEST_NAME].split())
        if collection:
            self.open.append(_Open(key, isinstance(event, yaml.MappingStartEvent)))
        else:
            self._after_value()

    def _begun(self, inside: _Open, start: int, name: str) -> _Key:
        """A key or an item that begins here, kept unless it is too deep to matter."""
        inside.items += 1
        place = f"{inside.key.place}[{inside.items}]"
        if inside.mapping:
            name = " ".join(name[:_LONGEST_NAME].split())
            place = f"{inside.key.place}.{name}".lstrip(".")
        key = _Key(start, name if inside.mapping else "", place)
        if len(self.open) <= _DEEPEST_KEY:
            inside.key.keys.append(key)
        self._value_of = key
        return key

    def _after_value(self) -> None:
        """A node has ended: in a mapping a key is followed by its value, and that by a key."""
        if self.open:
            self.open[-1].at_key = not self.open[-1].at_key
            if self.open[-1].at_key:
                self._value_of = self.open[-1].key


def _start(event: yaml.NodeEvent) -> int:
    mark = event.start_mark
    return mark.index if mark is not None else 0


def _sections(keys: list[_Key], source: Source) -> list[Section]:
    return list(_cut(keys, 0, len(source.lines), source))


def _cut(keys: list[_Key], first: int, end: int, source: Source) -> Iterator[Section]:
    """Sections from the line of each key, with the comments above it, up to the next."""
    lines = [source.line_at(key.start) for key in keys]
    starts = [_with_comments(line, source) for line in lines]
    for number, key in enumerate(keys):
        begin = max(first, starts[number])
        stop = starts[number + 1] if number + 1 < len(keys) else end
        if begin >= stop:
            continue
        size = sum(len(line) + 1 for line in source.lines[begin:stop])
        within = [inner for inner in key.keys if source.line_at(inner.start) > lines[number]]
        members = tuple(_cut(within, lines[number] + 1, stop, source)) if size > _LONG else ()
        yield Section(begin, stop, key.name, key.place, members)
        first = stop


def _with_comments(line: int, source: Source) -> int:
    while line > 0 and source.lines[line - 1].lstrip().startswith("#"):
        line -= 1
    return line
