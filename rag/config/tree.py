"""YAML text as a tree that knows its lines: plain data only, within fixed limits.

Scalars resolve by the core schema of YAML 1.2 (`no` is text, `1e-5` a number), less octal,
hexadecimal, infinities and not-a-number. Tags, anchors, aliases, merge keys, repeated keys and
keys that are not text are refused, each with its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias, cast

import yaml

from rag.errors import Fault

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20

Value: TypeAlias = "bool | int | float | str | list[Node] | dict[str, Node] | None"

_NULL = re.compile(r"(~|null|Null|NULL|)")
_BOOL = re.compile(r"(true|True|TRUE|false|False|FALSE)")
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ALIAS = "alias"


@dataclass(slots=True)
class Node:
    """A value and where it was given: its line in the file, or None for an override.

    `key` is its dotted path, set by `label`; an override's starts with "--set ".
    A `refused` node stands for something already reported.
    """

    value: Value
    line: int | None
    key: str = ""
    refused: bool = False

    @property
    def removed(self) -> bool:
        """Whether an override took this away, by setting it to null."""
        return self.value is None and self.line is None

    @property
    def children(self) -> list[Node]:
        """The values of a mapping or the items of a list, in order."""
        if isinstance(self.value, dict):
            return list(self.value.values())
        return self.value if isinstance(self.value, list) else []

    def plain(self) -> object:
        """The value as dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {name: child.plain() for name, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value


def read(text: str) -> tuple[Node | None, list[Fault]]:
    """The tree of `text` and what is wrong with it; None where there is no tree at all."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return None, [Fault(f"larger than the {MAX_BYTES // 1024} KB that a pipeline may have")]
    faults: list[Fault] = []
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return None, [Fault("cannot be read as YAML: a character that YAML does not allow", line)]
    try:
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        return None, [*loader.faults, _syntax(error)]
    except (ValueError, OverflowError):  # an escape or a number beyond what Python holds
        fault = Fault("cannot be read as YAML: a number or escape is too large", loader.line + 1)
        return None, [*loader.faults, fault]
    if root is None:
        return None, [Fault("the file is empty", 1)]
    tree = _grow(root, _line(root), faults)
    return tree, [*loader.faults, *faults]


class _Loader(yaml.SafeLoader):
    """Composes nodes; refuses what could hide or multiply content before it is composed."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.faults: list[Fault] = []
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        mark = cast("yaml.error.Mark", event.start_mark)
        line = mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            self.get_event()  # type: ignore[no-untyped-call]
            self.faults.append(Fault(f"alias '*{event.anchor}': write the value out", line))
            return yaml.ScalarNode(_ALIAS, "", mark, mark)
        if event.anchor is not None:
            self.faults.append(Fault(f"anchor '&{event.anchor}': anchors are not taken", line))
        if event.tag is not None:
            self.faults.append(Fault(f"tag '{event.tag}': write the value without a tag", line))
        event.anchor = event.tag = None
        return self._deeper(parent, index, mark)

    def _deeper(
        self, parent: yaml.Node | None, index: int, mark: yaml.error.Mark
    ) -> yaml.Node | None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            problem = f"nested deeper than {MAX_DEPTH} levels"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _syntax(error: yaml.MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    reason = ", ".join(part for part in (error.context, error.problem) if part)
    return Fault(f"cannot be read as YAML: {reason}", mark.line + 1 if mark else None)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _grow(node: yaml.Node, line: int, faults: list[Fault]) -> Node:
    if isinstance(node, yaml.MappingNode):
        return Node(_entries(node, faults), line)
    if isinstance(node, yaml.SequenceNode):
        return Node([_grow(item, _line(item), faults) for item in node.value], line)
    if not isinstance(node, yaml.ScalarNode) or node.tag == _ALIAS:
        return Node(None, line, refused=True)
    if _SURROGATE.search(node.value):
        faults.append(Fault("half of a surrogate pair is not text", line))
        return Node(None, line, refused=True)
    return Node(_scalar(node), line)


def _entries(node: yaml.MappingNode, faults: list[Fault]) -> dict[str, Node]:
    entries: dict[str, Node] = {}
    for key, value in node.value:
        line = _line(key)
        name = _key(key, line, faults)
        # The value's own faults count even where its key is refused.
        child = _grow(value, line, faults)
        if name in entries:
            first = entries[name].line
            faults.append(Fault(f"'{name}' is given twice, first on line {first}", line))
        elif name is not None:
            entries[name] = child
    return entries


def _key(key: yaml.Node, line: int, faults: list[Fault]) -> str | None:
    if key.tag == _ALIAS:
        return None
    name = _scalar(key) if isinstance(key, yaml.ScalarNode) else None
    if not isinstance(name, str) or _SURROGATE.search(name):
        faults.append(Fault("a key must be text: put it in quotes", line))
        return None
    if name == "<<" and isinstance(key, yaml.ScalarNode) and key.style is None:
        faults.append(Fault("merge key '<<': write the values out", line))
        return None
    return name


def _scalar(node: yaml.ScalarNode) -> bool | int | float | str | None:
    text = str(node.value)
    if node.style is not None:
        return text
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return int(text)
    return _float(text) if _FLOAT.fullmatch(text) else text


def _float(text: str) -> float | str:
    number = float(text)
    return text if number in {float("inf"), float("-inf")} else number


def label(node: Node, key: str = "") -> None:
    """Give every node its path, as an override would address it."""
    node.key = node.key or key
    if isinstance(node.value, dict):
        for name, child in node.value.items():
            label(child, f"{node.key}.{name}" if node.key else name)
    elif isinstance(node.value, list):
        _label_items(node.value, node.key)


def _label_items(items: list[Node], key: str) -> None:
    seen: dict[str, int] = {}
    for place, item in enumerate(items):
        if key.removeprefix("--set ") != "query" or not isinstance(item.value, dict):
            label(item, f"{key}[{place}]")
            continue
        item.key = item.key or key
        for name, stage in item.value.items():
            count = seen.get(name, 0)
            seen[name] = count + 1
            label(stage, f"{item.key}.{name}[{count}]" if count else f"{item.key}.{name}")
