"""Where the characters of a PDF page stand, asked for one by one, and as seldom as can be."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from ctypes import byref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import pypdfium2 as pdfium

_Point: TypeAlias = tuple[float, float]
Box: TypeAlias = tuple[float, float, float]
"""Left, right, and how low a character's room reaches."""

_BOLD = 600
_FORCE_BOLD = 1 << 18
_BOLD_NAMES = (b"bold", b"black", b"heavy")
_NAME_BYTES = 128
_SPACE = 0.26  # many files have no spaces, and leave room instead

_TURNS: tuple[Callable[[float, float], _Point] | None, ...] = (
    None,
    lambda x, y: (y, -x),
    lambda x, y: (-x, -y),
    lambda x, y: (-y, x),
)


@dataclass(frozen=True, slots=True)
class Font:
    """A font of a document, and how far its characters advance, in sizes of the type."""

    bold: bool
    advances: dict[str, float] = field(default_factory=lambda: {" ": _SPACE})


class Measure:
    """Asks PDFium about characters, by their position in the page's text.

    Places are those of the page as it is shown: a landscape page is often a portrait page
    that is turned, by `rotation` degrees. `exact` says that the text has all of the page's
    characters. `fonts` are those of the document that were met before. The numbers that PDFium
    fills in are made once.
    """

    def __init__(
        self,
        textpage: pdfium.PdfTextPage,
        rotation: int,
        fonts: dict[bytes, Font],
        *,
        exact: bool,
    ) -> None:
        from pypdfium2 import raw

        self._raw = raw
        self._page = textpage.raw
        self._exact = exact
        self._fonts = fonts
        self._turn = _TURNS[rotation // 90 % len(_TURNS)]
        self._numbers = [ctypes.c_double() for _ in range(4)]
        self._pointers = [byref(number) for number in self._numbers]
        self._matrix = raw.FS_MATRIX()
        self._room = raw.FS_RECTF()
        self._to_room = byref(self._room)
        self._name = ctypes.create_string_buffer(_NAME_BYTES)
        self._flags = ctypes.c_int()

    def index(self, position: int) -> int:
        """The index of a character of the text among those of the page; the text lacks some."""
        if self._exact:
            return position
        index: int = self._raw.FPDFText_GetCharIndexFromTextIndex(self._page, position)
        return max(0, index)

    def box(self, position: int) -> Box:
        """Where a character begins and ends, with its room, and where its descent ends."""
        if self._turn is None:
            index = position if self._exact else self.index(position)
            self._raw.FPDFText_GetLooseCharBox(self._page, index, self._to_room)
            return self._room.left, self._room.right, self._room.bottom
        # The room of a character is not turned with it, but the box around its ink is.
        self._raw.FPDFText_GetCharBox(self._page, self.index(position), *self._pointers)
        left, right, bottom, top = (number.value for number in self._numbers)
        (a, _), (b, _) = self._turn(left, bottom), self._turn(right, top)
        return min(a, b), max(a, b), self.origin(position)[1]

    def origin(self, position: int) -> _Point:
        """Where a character stands on its baseline."""
        x, y = self._numbers[:2]
        self._raw.FPDFText_GetCharOrigin(self._page, self.index(position), *self._pointers[:2])
        return self._turn(x.value, y.value) if self._turn else (x.value, y.value)

    def size(self, position: int) -> float:
        """The size of the type in points, to a tenth: the font's own times its scaling."""
        index = self.index(position)
        size = self._raw.FPDFText_GetFontSize(self._page, index)
        if self._raw.FPDFText_GetMatrix(self._page, index, byref(self._matrix)):
            size *= math.hypot(self._matrix.c, self._matrix.d) or 1.0
        return round(size, 1) or 1.0

    def font(self, position: int) -> Font:
        """The font of a character."""
        index = self.index(position)
        self._raw.FPDFText_GetFontInfo(
            self._page, index, self._name, _NAME_BYTES, byref(self._flags)
        )
        name = self._name.value
        if name not in self._fonts:
            weight = self._raw.FPDFText_GetFontWeight(self._page, index)
            # Many fonts say it in their name alone.
            said = any(word in name.lower() for word in _BOLD_NAMES)
            bold = said or weight >= _BOLD or bool(self._flags.value & _FORCE_BOLD)
            self._fonts[name] = Font(bold)
        return self._fonts[name]

    def advances(self, font: Font, text: str, start: int, size: float) -> list[float]:
        """How far each character of a `text` advances that begins at `start` and is in `font`."""
        known = font.advances
        for character in set(text) - known.keys():
            left, right, _ = self.box(start + text.index(character))
            known[character] = (right - left) / size
        return [known[character] * size for character in text]
