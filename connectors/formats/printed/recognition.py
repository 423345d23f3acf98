"""Text in images of pages, recognised by the system's tesseract."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING, Any, TypeAlias

from rag.connectors.formats.decoding import clean
from rag.connectors.formats.printed.layout import Cell, Line
from rag.errors import DocumentError

if TYPE_CHECKING:
    from PIL.Image import Image

LANGUAGES_VARIABLE = "RAGLINE_OCR_LANGUAGES"

_Word: TypeAlias = tuple[str, float, float, float, float, float]
"""Text, left, right, top and bottom in pixels, and how sure tesseract is, to 100."""

_PROGRAM = "tesseract"
_PACKAGE = "pytesseract"
_NO_LANGUAGES = frozenset({"osd", "equ", "snum"})
# Every language slows recognition down: where more are installed, one has to be named.
_MOST_LANGUAGES = 4
_SUREST_NOISE = 40  # words that tesseract is less sure of are mostly specks and drawings
_GAP = 0.8  # between cells, in heights of a line
_LARGER = 1.5  # times the usual height of a line: other lines differ by their letters alone


def missing() -> str:
    """What to install so that images can be read; empty where nothing is missing."""
    if find_spec(_PACKAGE) is None:
        return "install the extra 'ocr' (pip install 'ragline[ocr]') and tesseract"
    if shutil.which(_PROGRAM) is None:
        return "install tesseract (apt install tesseract-ocr)"
    return ""


def languages() -> str:
    """The languages to recognise, as tesseract takes them: `eng+deu`; empty where it cannot run.

    They are those of the environment's RAGLINE_OCR_LANGUAGES, else all that are installed, up
    to four, else English.
    """
    named = os.environ.get(LANGUAGES_VARIABLE, "").strip()
    if missing() or named:
        return "" if missing() else named
    found = [one for one in _installed() if one not in _NO_LANGUAGES and "/" not in one]
    return "+".join(found) if 0 < len(found) <= _MOST_LANGUAGES else "eng"


def recognised(image: Image, points: float, seconds: float) -> list[Line]:
    """The lines of text in a page's image; `points` are those of a pixel.

    Raises TimeoutError where it takes more than `seconds`, and DocumentError where tesseract
    cannot do it.
    """
    import pytesseract

    if seconds <= 0:
        raise TimeoutError
    try:
        found = pytesseract.image_to_data(
            image, lang=languages(), timeout=seconds, output_type=pytesseract.Output.DICT
        )
    except pytesseract.TesseractError as error:
        raise DocumentError(
            f"{_failed(error)}; tesseract has: {', '.join(_installed())}"
        ) from error
    except RuntimeError as error:  # so the package tells that the time is over
        raise TimeoutError from error
    return _lines(list(_words(found)), image.height, points)


@cache
def _installed() -> tuple[str, ...]:
    try:
        listed = subprocess.run(  # noqa: S603 - nothing of a document is in the command
            [_PROGRAM, "--list-langs"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.SubprocessError):  # recognition itself will tell what is wrong
        return ()
    # A line of its own says where they are.
    return tuple(sorted(listed.stdout.split("\n")[1:-1])) if listed.returncode == 0 else ()


def _failed(error: Exception) -> str:
    told = " ".join(str(error.args[-1] if error.args else error).split())
    return f"tesseract cannot recognise '{languages()}': {told[:200]}"


def _words(found: Mapping[str, Sequence[Any]]) -> Iterator[tuple[tuple[int, ...], _Word]]:
    """The words of tesseract's table, each with the number of its block, paragraph and line."""
    places = zip(found["block_num"], found["par_num"], found["line_num"], strict=True)
    for row, place in enumerate(places):
        text = " ".join(clean(str(found["text"][row])).split())
        left, top = float(found["left"][row]), float(found["top"][row])
        right, bottom = left + found["width"][row], top + found["height"][row]
        sure = float(found["conf"][row])
        if text and sure >= 0:
            yield place, (text, left, right, top, bottom, sure)


def _lines(
    words: Sequence[tuple[tuple[int, ...], _Word]], height: int, points: float
) -> list[Line]:
    lines = [[word for _, word in group] for _, group in groupby(words, key=lambda one: one[0])]
    lines = [line for line in lines if median(word[5] for word in line) >= _SUREST_NOISE]
    heights = [max(w[4] for w in line) - min(w[3] for w in line) for line in lines]
    usual = median(heights) if heights else 1.0
    sizes = [height if height > _LARGER * usual else usual for height in heights]
    return [_line(line, size, height, points) for line, size in zip(lines, sizes, strict=True)]


def _line(words: Sequence[_Word], size: float, height: int, points: float) -> Line:
    cells: list[Cell] = []
    for text, left, right, *_ in words:
        cell = Cell(text, left * points, right * points)
        if cells and cell.left - cells[-1].right <= _GAP * size * points:
            cells[-1] = cells[-1].beside(cell)
        else:
            cells.append(cell)
    base = (height - median(word[4] for word in words)) * points
    return Line(tuple(cells), round(size * points, 1), base)
