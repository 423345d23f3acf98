"""The names of what one connector lists, `CONNECTOR:NAME#ID`, and which of them it answers for."""

from __future__ import annotations

from rag.connectors.names import printable


class Scope:
    """All items of one source, whose `name` can be shown as it is.

    Between `begin` and `end` of a listing it answers for what was listed alone: if the listing
    ends early, what it did not come to may still be there.
    """

    def __init__(self, connector: str, name: str) -> None:
        self.prefix = f"{connector}:{name.replace('#', '%23')}"
        self._complete = True
        self._listed: set[str] = set()

    def begin(self) -> None:
        """Begin a listing."""
        self._complete = False
        self._listed = set()

    def end(self) -> None:
        """End a listing that left nothing out."""
        self._complete = True
        self._listed = set()

    def take(self, key: str) -> str | None:
        """The name of the next item listed; None where one with that id was listed before."""
        name = self.item(key)
        if name in self._listed:
            return None
        self._listed.add(name)
        return name

    def item(self, key: str) -> str:
        """The name of the item with the id `key`: one line, different for different ids."""
        shown = printable(key)
        return f"{self.prefix}#{'%28' + shown[1:] if shown.startswith('(') else shown}"

    def place(self, where: str) -> str:
        """The name of what has no id, such as `row 17`; no item is named so."""
        return f"{self.prefix}#({where})"

    def covers(self, source: str) -> bool:
        """Whether `source` would have been listed, if it were there."""
        if not self._complete:
            return source in self._listed
        return source.startswith(f"{self.prefix}#")
