"""Registered components, from Python: by name and options, checked as a pipeline file is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag import registry
from rag.config import Component
from rag.config.component import check
from rag.errors import RequestError


def built(kind: str, use: str, options: Mapping[str, object], **given: object) -> Any:
    """The component of a `kind` registered as `use`, handed what is `given`.

    Raises RequestError where there is none, or where `options` do not fit it.
    """
    checked, complaints = check(registry.load(kind, use), use, options)
    if checked is None:
        told = "; ".join(message for _, message in complaints)
        raise RequestError(f"{kind} '{use}': {told}")
    return Component(kind, use, checked).build(**given)
