"""Components built once, for every index and stage that names the same."""

from __future__ import annotations

import json
import threading
from typing import Any

from rag.config import Component


class Models:
    """Makes components, and gives the same one again for the same options. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._made: dict[tuple[object, ...], tuple[Any, dict[str, object]]] = {}

    def make(self, component: Component, **given: object) -> Any:
        """`component` built with what is `given`. Raises RequestError where options do not fit."""
        # What is given is kept with what was made of it, so that no other object gets its id.
        identities = tuple(sorted((name, id(value)) for name, value in given.items()))
        key = (component.kind, json.dumps(component.as_dict(), sort_keys=True), identities)
        with self._lock:
            if key not in self._made:
                self._made[key] = (component.build(**given), given)
            return self._made[key][0]
