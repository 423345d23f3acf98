"""Several sources as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rag.protocols import Connector
from rag.types import Failure, Item


class Chain:
    """Lists the items of `connectors`, one after the other."""

    def __init__(self, connectors: Sequence[Connector]) -> None:
        self.connectors = connectors

    def items(self) -> Iterator[Item | Failure]:
        """Every item of every connector."""
        for connector in self.connectors:
            yield from connector.items()

    def covers(self, source: str) -> bool:
        """Whether one of the connectors would list `source`."""
        return any(connector.covers(source) for connector in self.connectors)

    @property
    def skipped(self) -> Counter[str]:
        """What the connectors passed over, by kind."""
        total: Counter[str] = Counter()
        for connector in self.connectors:
            total.update(getattr(connector, "skipped", {}))
        return total
