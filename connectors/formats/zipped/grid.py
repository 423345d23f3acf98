"""Tables as lines of `cell | cell`, with merged cells said wherever a row needs them."""

from __future__ import annotations

MOST_COLUMNS = 1000  # of a row, with those that spans cover
WIDEST_SPAN = 63  # columns, which is the widest table of Word; a span that claims more is cut
LONGEST_SAID_AGAIN = 200  # characters; a longer text is said once, in its first row


class Grid:
    """Rows of a table as they come.

    A cell that spans columns is followed by empty ones, so that what comes after it stays
    beneath its own heading; one that spans rows is said again in each of them, so that a row
    can be understood alone.
    """

    def __init__(self) -> None:
        self._rows: list[list[str]] = []
        self._row: list[str] = []
        self._reaching: dict[int, tuple[int, str]] = {}  # column: its last row, its text

    def cell(self, text: str, columns: int = 1, rows: int = 1) -> None:
        """Add a cell; `columns` counts those that the format writes no cells for."""
        text = " ".join(text.split())
        if rows > 1:
            self._reaching[len(self._row)] = (len(self._rows) + rows - 1, text)
        self._add(text, columns)

    def covered(self) -> None:
        """Add a cell that a merged one covers, from its left or from above."""
        last, text = self._reaching.get(len(self._row), (-1, ""))
        self._say_again(text if len(self._rows) <= last else "", 1)

    def again(self, columns: int = 1) -> None:
        """Add a cell that goes on from the row above."""
        above = self._rows[-1] if self._rows else []
        column = len(self._row)
        self._say_again(above[column] if column < len(above) else "", columns)

    def end_row(self) -> None:
        """End a row; what is added next begins another."""
        self._rows.append(self._row)
        self._row = []

    @property
    def text(self) -> str:
        """The rows that hold anything, a line each, a bar between cells."""
        return "\n".join(" | ".join(row) for row in self._rows if any(row))

    def _say_again(self, text: str, columns: int) -> None:
        self._add(text if len(text) <= LONGEST_SAID_AGAIN else "", columns)

    def _add(self, text: str, columns: int) -> None:
        if len(self._row) < MOST_COLUMNS:
            self._row += [text, *[""] * (min(columns, WIDEST_SPAN) - 1)]
