"""From bytes to text: UTF-8 first, then what the bytes or the document declare.

Text never holds NUL or lone surrogates, and its lines end with a single newline.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from rag.connectors.formats.signature import require_text
from rag.errors import DocumentError
from rag.types import Metadata

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WESTERN = "windows-1252"
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
# More than this share of bytes beyond ASCII is no Western European prose: guessing would
# turn a Cyrillic or Chinese text into nonsense that looks indexed.
_WESTERN_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, the name of its encoding, and how many characters could not be decoded."""

    text: str
    encoding: str
    undecodable: int = 0

    @property
    def metadata(self) -> Metadata:
        """What is worth saying of the encoding: nothing, where all of it is plain UTF-8."""
        found: dict[str, str | int] = {}
        if self.encoding != "utf-8":
            found["encoding"] = self.encoding
        if self.undecodable:
            found["undecodable"] = self.undecodable
        return found


def decode(data: bytes, name: str, declared: str | None = None) -> Decoded:
    """Decode a file of the format `name`; `declared` is the encoding that the file names itself.

    Raises DocumentError where the bytes are no text or their encoding cannot be told.
    """
    require_text(data, name)
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _marked(data[len(mark) :], encoding)
    if b"\0" in data:
        raise DocumentError("is binary, not text: it holds NUL bytes")
    for encoding in _candidates(declared):
        if (text := _strictly(data, encoding)) is not None:
            return Decoded(clean(text), encoding)
    return _damaged_utf8(data) or _western(data)


def transcoded(data: bytes, declared: str) -> bytes:
    """`data` as marked UTF-8, where it is written in what its sender declared.

    Formats are given bytes alone. What came with them, as in a `Content-Type` header, counts
    for more than what the document declares (HTML, section 13.2.3.2), and so does the mark
    that is put before it here. UTF-8 stays as it is, and so does what is not as declared.
    """
    if data.startswith(tuple(mark for mark, _ in _BOMS)):
        return data
    for encoding in _candidates(declared):
        if (text := _strictly(data, encoding)) is not None:
            changed = codecs.BOM_UTF8 + text.encode("utf-8", "replace")
            return data if encoding == "utf-8" else changed
    return data


def clean(text: str) -> str:
    """`text` with single newlines, less NUL and lone surrogates, which no store takes."""
    return _UNSTORABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _candidates(declared: str | None) -> list[str]:
    known = _known(declared)
    if known is None or known == "utf-8":
        return ["utf-8"]
    # ISO 2022 and HZ are written in ASCII bytes, so that UTF-8 would take them too.
    return [known, "utf-8"] if known.startswith(("iso2022", "hz")) else ["utf-8", known]


def _known(declared: str | None) -> str | None:
    """The codec of a declared encoding, as browsers read the label (WHATWG Encoding)."""
    try:
        info = codecs.lookup(declared or "")
    except LookupError:
        return None
    if info.name in {"iso8859-1", "ascii", "cp1252"}:
        return _WESTERN
    binary = not getattr(info, "_is_text_encoding", True)
    return None if binary or info.name.startswith(("utf-16", "utf-32")) else info.name


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None


def _marked(data: bytes, encoding: str) -> Decoded:
    if (text := _strictly(data, encoding)) is not None:
        return Decoded(clean(text), encoding)
    if encoding == "utf-8" and (damaged := _damaged_utf8(data)):
        return damaged
    raise DocumentError(f"is binary, not text: it is marked as {encoding} but is not valid as such")


def _damaged_utf8(data: bytes) -> Decoded | None:
    """UTF-8 with a few broken bytes: what is sound in it outweighs them four to one."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd") - data.count("\ufffd".encode())
    sound = sum(1 for character in text if character > "\x7f") - broken
    if sound < 4 * broken or _CONTROLS.search(text):
        return None
    return Decoded(clean(text), "utf-8", broken)


def _western(data: bytes) -> Decoded:
    text = _strictly(data, _WESTERN)
    if text is None or _CONTROLS.search(text):
        raise DocumentError("is binary, not text: it is neither UTF-8 nor free of control codes")
    beyond = len(data) - len(data.decode("ascii", "ignore"))
    if beyond > _WESTERN_SHARE * len(data):
        raise DocumentError("is not UTF-8 and its encoding cannot be told; save it as UTF-8")
    return Decoded(clean(text), _WESTERN)
