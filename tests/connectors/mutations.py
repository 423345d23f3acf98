"""Damaged files: what becomes of valid ones by chance, the same for the same seed.

A mutant of a zip archive is, four times of five, a sound archive with a damaged member, as a
damaged archive is refused before its format sees any of it.
"""

from __future__ import annotations

import io
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence

_MOST_EDITS = 8
_LONGEST = 300_000
_ZIP = b"PK\x03\x04"
# What parsers look at closely: lengths, ends, signs and keywords of several formats.
_TOKENS = (
    b"\0", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"<", b">", b"</", b"/>", b"<!--", b"]]>", b"&",
    b"&#x110000;", b"&#0;", b'"', b"'", b"`", b"```", b"---\n", b"...\n", b"\r", b"\n\n\n", b"\t",
    b"{", b"}", b"[", b"]", b"(", b")", b"|", b"-1", b"0", b"4294967296", b"99999999999999999999",
    b"1e999", b"NaN", b"null", b"\\u0000", b"\\ud800", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
    b"%PDF-", b" 0 R", b"endobj", b"stream", b"<<", b">>", b"::", b"=====\n", b"-->", b"00:00",
    b"Content-Type: ", b"--\n", b"\x0c", b"\x1b", b"%", b"*a", b"&a ", b"!!",
)  # fmt: skip


def mutants(seeds: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` mutants of `seeds`; the n-th is the same whatever `count` is."""
    for number in range(count):
        yield mutant(seeds, seed, number)


def mutant(seeds: Sequence[bytes], seed: int, number: int) -> bytes:
    """The mutant with this number."""
    chance = random.Random(f"{seed}-{number}")
    data = seeds[number % len(seeds)]
    if data.startswith(_ZIP) and chance.random() < 0.8:
        return _with_damaged_member(data, seeds, chance)
    return _damaged(data, seeds, chance) if chance.random() < 0.6 else _altered(data, seeds, chance)


def _damaged(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    edited = bytearray(data)
    for _ in range(chance.randint(1, _MOST_EDITS)):
        if edited:
            chance.choice(_EDITS)(edited, seeds, chance)
    return bytes(edited[:_LONGEST])


def _with_damaged_member(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(one, archive.read(one)) for one in archive.infolist()]
    # A document's text is in its largest parts; its smallest hold it together.
    members_with_text = [n for n, (_, content) in enumerate(members) if content]
    weights = [len(members[n][1]) ** 0.5 for n in members_with_text]
    (hit,) = chance.choices(members_with_text, weights)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number, (one, content) in enumerate(members):
            written = _altered(content, seeds, chance) if number == hit else content
            archive.writestr(one, written, one.compress_type)
    return made.getvalue()


def _altered(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Mostly well-formed still."""
    if chance.random() < 0.2:
        return _damaged(data, seeds, chance)
    edited = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        chance.choice(_GENTLE)(edited, seeds, chance)
    # Not every file has numbers, quotes or elements.
    return bytes(edited[:_LONGEST]) if edited != data else _damaged(data, seeds, chance)


_Edit = Callable[[bytearray, Sequence[bytes], random.Random], None]


def _span(data: bytearray, chance: random.Random) -> tuple[int, int]:
    """A slice, short more often than long."""
    length = min((len(data) + 1) // 2, int(2 ** chance.uniform(0, 14)))
    start = chance.randint(0, len(data) - length)
    return start, start + length


def _flip_bit(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _flip_bytes(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    for _n in range(chance.randint(1, 32)):
        data[chance.randrange(len(data))] = chance.randrange(256)


def _truncate(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    del data[chance.randrange(len(data)) + 1 :]


def _behead(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    del data[: chance.randint(1, max(len(data) // 8, 1))]


def _delete(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    start, end = _span(data, chance)
    del data[start:end]


def _duplicate(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    start, end = _span(data, chance)
    times = max(1, min(chance.choice((1, 2, 10, 1_000)), _LONGEST // (end - start)))
    data[end:end] = bytes(data[start:end]) * times


def _swap(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    start, end = _span(data, chance)
    piece = bytes(data[start:end])
    del data[start:end]
    place = chance.randint(0, len(data))
    data[place:place] = piece


def _splice(data: bytearray, seeds: Sequence[bytes], chance: random.Random) -> None:
    other = bytearray(chance.choice(seeds))
    start, end = _span(other, chance)
    place, until = _span(data, chance)
    data[place : chance.choice((place, until))] = other[start:end]


def _insert(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    place = chance.randint(0, len(data))
    times = chance.choice((1, 1, 1, 2, 50, 5_000))
    data[place:place] = chance.choice(_TOKENS) * times


def _renumber(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    """Another number where one stands."""
    digits = [n for n, byte in enumerate(data) if 48 <= byte <= 57]
    if digits:
        place = chance.choice(digits)
        data[place : place + 1] = chance.choice((b"-1", b"0", b"9", b"65536", b"2147483648"))


def _restream(data: bytearray, seeds: Sequence[bytes], chance: random.Random) -> None:
    """Damage within a compressed stream of a PDF, which is then compressed again."""
    start = data.find(b"stream\n", chance.randrange(len(data)))
    end = data.find(b"\nendstream", start)
    if start < 0 or end < 0:
        return _flip_bit(data, seeds, chance)
    try:
        content = bytearray(zlib.decompress(data[start + 7 : end]))
    except zlib.error:
        return _flip_bit(data, seeds, chance)
    if content:
        chance.choice((_flip_bytes, _duplicate, _insert, _renumber))(content, seeds, chance)
    data[start + 7 : end] = zlib.compress(content)
    return None


def _reword(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    """Another value between two quotation marks or two tags."""
    values = [one.span(1) for one in _VALUE.finditer(data)]
    if values:
        start, end = chance.choice(values)
        data[start:end] = chance.choice(_VALUES)


def _multiply(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    """An element of XML not at all, twice, or a thousand times."""
    elements = [one.span() for one in _ELEMENT.finditer(data)]
    if elements:
        start, end = chance.choice(elements)
        data[start:end] = bytes(data[start:end]) * chance.choice((0, 2, 1_000))


_VALUE = re.compile(rb"""["'>]([^"'<>\n]{1,60})["'<]""")
_VALUES = (
    b"-1", b"0", b"1000000000", b"99999999999999999999", b"1e999", b"nan", b"true", b"",
    b"x" * 5_000, b"../../x", b"/", b"#", b"%s", b"&amp;", b"\xe2\x80\xae", b"A1:XFD1048576",
    b"rId1", b"0.5cm",
)  # fmt: skip
_ELEMENT = re.compile(rb"<([A-Za-z][\w:.-]*)[^<>]*(?:/>|>[^<]*</\1>)")
# What leaves a part of a document well-formed, so that more than its syntax is met.
_GENTLE: tuple[_Edit, ...] = (_renumber, _reword, _multiply)
_EDITS: tuple[_Edit, ...] = (
    _flip_bit, _flip_bytes, _truncate, _behead, _delete, _duplicate, _swap, _splice, _insert,
    _insert, _renumber, _reword, _multiply, _restream,
)  # fmt: skip
