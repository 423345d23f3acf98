"""Reads single values and components of a pipeline file; what is wrong goes into the draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rag import registry
from rag.config.component import Component, check
from rag.config.draft import Draft, Part
from rag.config.grammar import COUNT
from rag.config.tree import Node
from rag.config.wording import named, not_taken, shown, unknown_key
from rag.errors import RequestError


class Reader:
    """Reads nodes for a draft, which collects the faults."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft

    def parts(self, kind: str, nodes: Sequence[Node]) -> list[Part]:
        """The components of a kind, less those that cannot be told at all."""
        return [part for node in nodes if (part := self.part(kind, node))]

    def part(self, kind: str, node: Node) -> Part | None:
        """The component that `node` names, with every fault of its options."""
        use = self._use(kind, node)
        if use is None or not isinstance(node.value, dict):
            return None
        try:
            component = registry.load(kind, use)
        except (RequestError, ImportError, AttributeError) as error:
            self.draft.add(node.value["use"], " ".join(str(error).split()))
            return None
        part = Part(node, component, None)
        given = {name: child.plain() for name, child in node.value.items() if name != "use"}
        options, complaints = check(component, use, given)
        for option, message in complaints:
            told = _left_over(use, node.value, option) if message.startswith("no option") else ""
            self.draft.add(part.at(option), told or message)
        if options is not None:
            part.component = Component(kind, use, options)
        return part

    def _use(self, kind: str, node: Node) -> str | None:
        choices = ", ".join(registry.names(kind)) or "none is installed"
        if not isinstance(node.value, dict):
            message = f"takes {named(kind)} like {{use: NAME}} (taken: {choices})"
            self.draft.add(node, f"{message}, got {shown(node.plain())}")
            return None
        use = node.value.get("use")
        if use is None:
            self.draft.add(node, f"'use' is missing: name {named(kind)} (taken: {choices})")
        elif not isinstance(use.value, str):
            self.draft.add(use, not_taken("use", {"type": "string"}, use.plain()))
        return use.value if use is not None and isinstance(use.value, str) else None

    def mapping(self, node: Node | None, what: str, keys: Sequence[str]) -> dict[str, Node] | None:
        """The entries of `node` that are among `keys`; the others are faults."""
        if node is None:
            return None
        if not isinstance(node.value, dict):
            message = f"takes a mapping with {', '.join(keys)}, got {shown(node.plain())}"
            self.draft.add(node, message)
            return None
        for name, child in node.value.items():
            if name not in keys:
                self.draft.add(child, unknown_key(what, name, keys))
        return {name: child for name, child in node.value.items() if name in keys}

    def required(self, entries: Mapping[str, Node], key: str, holder: Node) -> None:
        """Report `key` where it is missing from the mapping at `holder`."""
        if present(entries, key) is None:
            self.draft.add(entries.get(key, holder), f"'{key}' is missing")

    def text(self, entries: Mapping[str, Node], key: str) -> str:
        """One line of text; empty where there is none."""
        node = present(entries, key)
        if node is None:
            return ""
        if not isinstance(node.value, str) or not node.value.strip() or "\n" in node.value:
            self.draft.add(node, f"'{key}' takes one line of text, got {shown(node.plain())}")
            return ""
        return node.value

    def count(self, key: str, node: Node) -> int | None:
        """A whole number from 1; None where it is not one."""
        if isinstance(node.value, int) and not isinstance(node.value, bool) and node.value >= 1:
            return node.value
        self.draft.add(node, not_taken(key, COUNT, node.plain()))
        return None

    def amount(self, key: str, node: Node, schema: Mapping[str, Any]) -> Any:
        """What a JSON Schema of numbers, texts and mappings of them has; None where it is not."""
        value = node.value
        if schema["type"] == "object":
            return self._amounts(key, node, schema)
        if schema["type"] == "string":
            right = isinstance(value, str) and bool(value.strip())
        else:
            right = _is_number(value, schema["type"]) and _in_bounds(value, schema)
        if not right:
            self.draft.add(node, not_taken(key, schema, node.plain()))
            return None
        return value

    def _amounts(self, key: str, node: Node, schema: Mapping[str, Any]) -> Any:
        known = schema["properties"]
        entries = self.mapping(node, f"key of '{key}'", tuple(known))
        if entries is None:
            return None
        for name in schema["required"]:
            self.required(entries, name, node)
        return {name: self.amount(name, one, known[name]) for name, one in entries.items()}


def _is_number(value: object, kind: str) -> bool:
    taken = int if kind == "integer" else int | float
    return isinstance(value, taken) and not isinstance(value, bool)


def _in_bounds(value: Any, schema: Mapping[str, Any]) -> bool:
    over = value > schema.get("exclusiveMinimum", float("-inf"))
    least, most = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
    # Infinity and what is no number are no amounts either.
    return bool(over and least <= value <= most and abs(value) < float("inf"))


def present(entries: Mapping[str, Node], key: str) -> Node | None:
    """The entry of `key`, unless an override removed it."""
    node = entries.get(key)
    return None if node is None or node.removed else node


def kept(node: Node) -> list[Node]:
    """The items of a list that no override removed."""
    return [item for item in node.children if not item.removed]


def _left_over(use: str, given: Mapping[str, Node], option: str) -> str:
    """What to do where an override names another component than `option` was written for."""
    name, left = given["use"], given.get(option)
    if name.line is not None or left is None or left.line is None:
        return ""
    place = name.key.removeprefix("--set ").removesuffix(".use")
    told = f"'{use}' has no such option, and the pipeline has it"
    return f"{told}: replace all, as in --set '{place}={{use: {use}}}'"
