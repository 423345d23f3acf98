"""Components by kind and name, through entry points: built-ins register as plug-ins do."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any

from rag.errors import RequestError

GROUPS: Mapping[str, str] = {
    "connector": "rag.connectors",
    "format": "rag.formats",
    "chunker": "rag.chunkers",
    "pruner": "rag.pruners",
    "encoder": "rag.encoders",
    "model": "rag.models",
    "lexical": "rag.lexical",
    "dense": "rag.dense_indexes",
    "retriever": "rag.retrievers",
    "fuser": "rag.fusers",
    "rewriter": "rag.rewriters",
    "reranker": "rag.rerankers",
    "selector": "rag.selectors",
    "chat": "rag.chats",
    "expander": "rag.expanders",
    "answerer": "rag.answerers",
    "cache": "rag.caches",
}


@dataclass(frozen=True, slots=True)
class Nested:
    """Marks an option that is a component itself, as `Annotated[Chunker, Nested("chunker")]`.

    With `several` it is a list of them. `default` names the component that is meant where the
    option is left out, or several components; without it the option must be given, unless it is
    `optional`, and then None.
    """

    kind: str
    several: bool = False
    default: str | tuple[str, ...] | None = None
    optional: bool = False


# One look for all kinds: it reads the records of every installed package.
_points = cache(entry_points)


@cache
def _registered(kind: str) -> Mapping[str, EntryPoint]:
    return {point.name: point for point in _points().select(group=GROUPS[kind])}


def names(kind: str) -> list[str]:
    """The registered names of a kind, sorted."""
    return sorted(_registered(kind))


def load(kind: str, name: str) -> Any:
    """The object registered as `name`. Raises RequestError with what is registered."""
    try:
        point = _registered(kind)[name]
    except KeyError:
        raise RequestError(unknown(kind, name, names(kind))) from None
    return point.load()


def unknown(what: str, given: str, known: Iterable[str]) -> str:
    """One line about a name that is not known: the nearest one, and all that are taken."""
    choices = sorted(known)
    near = difflib.get_close_matches(given, choices, n=1, cutoff=0.6)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    taken = ", ".join(choices) or "none is installed"
    return f"no {what} named '{given}'{hint} (taken: {taken})"


@cache
def options(component: type) -> Mapping[str, inspect.Parameter]:
    """The options of a component: the keyword-only parameters of its `__init__`.

    Those that the class names in `given` are supplied by the program, and are no options.
    """
    given = getattr(component, "given", ())
    signature = inspect.signature(component, eval_str=True)
    found = {
        name: parameter
        for name, parameter in signature.parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name not in given
    }
    # Everybody who asks gets the same one.
    return MappingProxyType(found)
