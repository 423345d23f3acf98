"""Several sources as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from rag.errors import SourceError
from rag.protocols import Connector
from rag.types import Failure, Item


class Chain:
    """Lists the items of `connectors`, by the name that each was given, one after the other.

    One that cannot be read at all is a Failure, and covers nothing; the others go on.
    """

    def __init__(self, connectors: Mapping[str, Connector]) -> None:
        self.connectors = connectors
        self._broken: set[str] = set()

    def items(self) -> Iterator[Item | Failure]:
        """Every item of every connector."""
        self._broken = set()
        for name, connector in self.connectors.items():
            try:
                yield from connector.items()
            except SourceError as error:
                self._broken.add(name)
                yield Failure(name, str(error))

    def covers(self, source: str) -> bool:
        """Whether one of the connectors would list `source`; failures of whole ones are theirs."""
        return source in self.connectors or any(
            connector.covers(source)
            for name, connector in self.connectors.items()
            if name not in self._broken
        )

    @property
    def skipped(self) -> Counter[str]:
        """What the connectors passed over, by kind."""
        total: Counter[str] = Counter()
        for connector in self.connectors.values():
            total.update(getattr(connector, "skipped", {}))
        return total
