"""Components built once, for every index and stage that names the same."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.config import Component


class Models:
    """Makes components, and gives the same one again for the same options. Threads may share it.

    With `shared`, what is not given an encoder is made there: for those who work with an encoder
    of their own for a while.
    """

    def __init__(self, shared: Models | None = None) -> None:
        self._shared = shared
        self._lock = threading.RLock()
        self._made: dict[tuple[object, ...], tuple[Any, dict[str, object]]] = {}

    def make(self, component: Component, **given: object) -> Any:
        """`component` built with what it takes of what is `given`.

        Raises RequestError where options do not fit.
        """
        given = _taken(component, given)
        if self._shared is not None and "encoder" not in given:
            return self._shared.make(component, **given)
        # What is given is kept with what was made of it, so that no other object gets its id.
        identities = tuple(sorted((name, id(value)) for name, value in given.items()))
        key = (component.kind, json.dumps(component.as_dict(), sort_keys=True), identities)
        with self._lock:
            if key not in self._made:
                self._made[key] = (component.build(**given), given)
            return self._made[key][0]


def _taken(component: Component, given: Mapping[str, object]) -> dict[str, object]:
    """What of `given` a component takes, or one within it."""
    from rag import registry

    names = {
        name
        for one in component.within()
        for name in getattr(registry.load(one.kind, one.use), "given", ())
    }
    return {name: value for name, value in given.items() if name in names}
