"""Overrides from the command line: `query.rerank.top=10` laid over a file's tree.

A stage is addressed by its name, the second of that name by `query.rerank[1]`; null removes a
part, a stage or an arm.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from rag.config.grammar import DEFAULT_ANSWERER, DEFAULT_CACHE, DEFAULT_FUSER
from rag.config.tree import Node, read
from rag.errors import Fault
from rag.registry import unknown

Step: TypeAlias = str | int

_SEGMENT = re.compile(r"([^.\[\]\s]+)(?:\[([0-9]{1,6})\])?")
# What an override may reach into although the file leaves it out.
_IMPLIED = {"answer": DEFAULT_ANSWERER, "cache": DEFAULT_CACHE, "fuse": DEFAULT_FUSER}


class _NoSuchPathError(Exception):
    """The override's path leads nowhere in this file; the message says where it ends."""


def apply(root: Node, override: str) -> list[Fault]:
    """Lay `override`, "KEY=VALUE" with a YAML value, over the tree; what is wrong with it."""
    path, equals, text = override.partition("=")
    key = f"--set {path}"
    if not equals:
        return [Fault("an override is KEY=VALUE, for example query.rerank.top=10", None, key)]
    if not text.strip():
        return [Fault("has no value: write null to remove the key", None, key)]
    value, faults = read(text)
    if value is None or faults:
        return [Fault(fault.message, None, key) for fault in faults]
    _forget_lines(value)
    value.key = key
    try:
        _place(root, _stage_steps(root, _steps(path)), value)
    except _NoSuchPathError as error:
        return [Fault(str(error), None, key)]
    return []


def _forget_lines(node: Node) -> None:
    node.line = None
    for child in node.children:
        _forget_lines(child)


def _steps(path: str) -> list[Step]:
    steps: list[Step] = []
    for segment in path.split("."):
        match = _SEGMENT.fullmatch(segment)
        if match is None:
            raise _NoSuchPathError("a key is names and [numbers] joined by '.'")
        steps.append(match[1])
        if match[2] is not None:
            steps.append(int(match[2]))
    return steps


def _stage_steps(root: Node, steps: list[Step]) -> list[Step]:
    """Replace a stage's name by its place in the list of stages."""
    if steps[0] != "query" or len(steps) == 1 or not isinstance(steps[1], str):
        return steps
    name = steps[1]
    stages = root.value.get("query") if isinstance(root.value, dict) else None
    items = stages.value if stages is not None and isinstance(stages.value, list) else []
    named = [list(item.value) if isinstance(item.value, dict) else [] for item in items]
    places = [place for place, names in enumerate(named) if name in names]
    if not places:
        present = {stage for names in named for stage in names}
        raise _NoSuchPathError(unknown("stage of this pipeline", name, present))
    count = steps[2] if len(steps) > 2 and isinstance(steps[2], int) else None
    if count is not None and count >= len(places):
        raise _NoSuchPathError(f"this pipeline has {len(places)} '{name}', counted from 0")
    rest = steps[2:] if count is None else steps[3:]
    return ["query", places[count or 0], name, *rest]


def _place(root: Node, steps: list[Step], value: Node) -> None:
    holder = root
    for step in steps[:-1]:
        holder = _into(holder, step, value.key)
    last = steps[-1]
    if isinstance(last, int):
        _items(holder, last)[last] = value
    else:
        _entries(holder, last)[last] = value


def _into(holder: Node, step: Step, key: str) -> Node:
    if isinstance(step, int):
        return _items(holder, step)[step]
    entries = _entries(holder, step)
    if step not in entries or entries[step].removed:
        use = {"use": Node(_IMPLIED[step], None)} if step in _IMPLIED else {}
        entries[step] = Node({**use}, None, key)
    return entries[step]


def _entries(holder: Node, step: str) -> dict[str, Node]:
    if not isinstance(holder.value, dict):
        raise _NoSuchPathError(f"there is no '{step}' here: what would hold it is not a mapping")
    return holder.value


def _items(holder: Node, place: int) -> list[Node]:
    if not isinstance(holder.value, list):
        raise _NoSuchPathError(f"there is no [{place}] here: what would hold it is not a list")
    if place >= len(holder.value):
        raise _NoSuchPathError(f"there is no [{place}]: {len(holder.value)} items, counted from 0")
    return holder.value
