"""The encoder loaded while the index is opened: each takes some tenths of a second."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.config import Pipeline
    from rag.protocols import Encoder


class Warming:
    """Loads an encoder once, in a thread of its own. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, encoder: Callable[[], Encoder | None]) -> None:
        """Begin, unless that was done before."""
        with self._lock:
            if self._thread is None:
                run = copy_context().run
                self._thread = threading.Thread(target=run, args=(_load, encoder))
                self._thread.start()

    def wait(self) -> None:
        """Come back when what was begun is done."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()


def _load(encoder: Callable[[], Encoder | None]) -> None:
    # What fails fails again where the encoder is asked for, and is told there.
    try:
        found = encoder()
        _ = None if found is None else (found.fingerprint, found.dimension)
    except Exception:  # noqa: BLE001
        return


def searches_vectors(pipeline: Pipeline) -> bool:
    """Whether every question is encoded, whatever else is asked for it."""
    from rag.config import Retrieve
    from rag.registry import load

    arms = [arm for stage in pipeline.stages if isinstance(stage, Retrieve) for arm in stage.arms]
    return any(getattr(load(arm.kind, arm.use), "needs", None) == "encode" for arm in arms)
