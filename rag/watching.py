"""Following files as they change: which sources to look at again, and when."""

from __future__ import annotations

import time
from collections.abc import Iterator, Set
from pathlib import Path
from threading import Event
from typing import Protocol, runtime_checkable

from rag.errors import SourceError
from rag.protocols import Connector

# Milliseconds without a further change before the changes so far are handed out, the most that
# this may take, and how often to look whether something is still to be done.
_QUIET, _LATEST, _TICK = 50, 300, 500
# Seconds of quiet after which everything is listed once more: the system may drop changes.
_SETTLED = 5.0


@runtime_checkable
class Followed(Protocol):
    """A connector whose sources are files, so that their changes can be watched."""

    @property
    def roots(self) -> Set[str]:
        """Absolute paths of the files and folders that it lists."""
        ...

    def narrowed(self, changed: Set[str]) -> Connector | None:
        """A connector of the files at or beneath `changed` alone; None where all must be listed."""
        ...


def changes(connector: Connector, index: Path, stop: Event) -> Iterator[Set[str] | None]:
    """Sets of absolute paths that changed, until `stop` is set.

    None means that anything may have changed: at the start, and when it is quiet again after
    changes. An empty set comes every half second, for what is still to be done. What changes in
    the `index` itself is left out. Raises SourceError where the sources are no files.
    """
    from watchfiles import watch

    roots = _watchable(connector)
    own = str(index.resolve())
    # Before the first listing: what changes while that goes on must not be missed.
    found = watch(
        *_folders(roots),
        watch_filter=lambda _, path: not (path == own or path.startswith(f"{own}/")),
        debounce=_LATEST,
        step=_QUIET,
        rust_timeout=_TICK,
        yield_on_timeout=True,
        stop_event=stop,
        raise_interrupt=True,
    )
    next(found, None)
    yield None
    last: float | None = None
    for batch in found:
        if batch:
            last = time.monotonic()
        quiet = last is not None and time.monotonic() - last > _SETTLED
        if quiet:
            last = None
        yield None if quiet else {path for _, path in batch}


def _watchable(connector: Connector) -> Set[str]:
    if not isinstance(connector, Followed):
        raise SourceError("only files and folders can be watched: leave other sources out")
    return connector.roots


def _folders(roots: Set[str]) -> list[str]:
    """What to watch: a file by its folder, since editors replace files by new ones."""
    return sorted({root if Path(root).is_dir() else str(Path(root).parent) for root in roots})
