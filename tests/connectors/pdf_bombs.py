"""PDF files made to exhaust whoever reads them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from functools import cache

from expanding import expanding, repeated

Bomb = tuple[str, bytes]

_MB = 2**20
_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
_SHOWN = b"BT /F 12 Tf 72 700 Td (The harbour master assigns a berth.) Tj ET\n"


def document(objects: Mapping[int, bytes]) -> bytes:
    """A PDF of numbered objects, of which the first is the catalogue."""
    made, places = bytearray(b"%PDF-1.7\n"), {}
    for number, content in objects.items():
        places[number] = len(made)
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(made)
    made += b"xref\n0 1\n0000000000 65535 f \n"
    for number in sorted(places):
        made += b"%d 1\n%010d 00000 n \n" % (number, places[number])
    size = max(places) + 1
    made += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, table)
    return bytes(made)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """A stream object."""
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(content), content)


def _page(content: bytes, resources: bytes = b"", **more: bytes) -> dict[int, bytes]:
    """The objects of a file with one page; `content` is an object."""
    box = more.get("box", b"[0 0 612 792]")
    return {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox %s /Contents 4 0 R /Resources "
        b"<< /Font << /F 5 0 R >> %s >> >>" % (box, resources),
        4: content,
        5: _FONT,
    }


def _shown(**more: bytes) -> dict[int, bytes]:
    return _page(stream(_SHOWN), **more)


@cache
def _inflating(size: int, times: int = 1, unit: bytes = b" ") -> bytes:
    """`size` bytes, deflated so many times over."""
    raw, _, _ = expanding(size // _MB, unit)
    check = 1
    block = repeated(unit)
    for _ in range(size // _MB):
        check = zlib.adler32(block, check)
    made = b"\x78\xda" + raw + check.to_bytes(4)
    for _ in range(times - 1):
        made = zlib.compress(made, 9)
    return made


def pdf_bombs() -> Iterator[Bomb]:
    """Every one, with what it is called."""
    yield from _streams()
    yield from _forms()
    yield from _trees()
    yield from _values()


def _streams() -> Iterator[Bomb]:
    flate = b"/Filter /FlateDecode"
    twice = b"/Filter [/FlateDecode /FlateDecode]"
    many = b"/Filter [" + b"/FlateDecode " * 3 + b"]"
    yield "inflating contents", document(_page(stream(_inflating(512 * _MB), flate)))
    yield "inflating twice", document(_page(stream(_inflating(512 * _MB, 2), twice)))
    shows = _inflating(32 * _MB, 1, b"(a) Tj ")
    yield "inflating to text", document(_page(stream(shows, flate)))
    operators = _inflating(256 * _MB, 3, b"q ")
    yield "inflating to operators", document(_page(stream(operators, many)))
    packed = b"/Type /ObjStm /N 100000000 /First 8 /Filter /FlateDecode"
    objects = _shown()
    objects[6] = stream(_inflating(512 * _MB), packed)
    yield "object stream", document(objects)
    filters = b"/Filter [" + b"/ASCIIHexDecode " * 5_000 + b"]"
    yield "many filters", document(_page(stream(b"20" * 1000 + b">", filters)))
    runs = b"/Filter [/FlateDecode /RunLengthDecode]"
    yield "run lengths", document(_page(stream(_inflating(16 * _MB, 1, b"\x81 "), runs)))
    predictor = b"/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 2147483647 >>"
    yield "predictor", document(_page(stream(_inflating(_MB), predictor)))
    image = (
        b"/Subtype /Image /Width 100000 /Height 100000 /ColorSpace /DeviceGray "
        b"/BitsPerComponent 8 /Filter /FlateDecode"
    )
    objects = _page(stream(_SHOWN + b"q 10 0 0 10 0 0 cm /I Do Q"), b"/XObject << /I 6 0 R >>")
    objects[6] = stream(_inflating(512 * _MB), image)
    yield "image", document(objects)
    mapping = b"1 begincodespacerange <00> <ff> endcodespacerange " + (
        b"100 beginbfrange " + b"<00> <ff> <0041> " * 100 + b"endbfrange "
    )
    objects = _shown()
    objects[5] = _FONT[:-3] + b" /ToUnicode 6 0 R >>"
    objects[6] = stream(zlib.compress(mapping * 2_000), flate)
    yield "character map", document(objects)


def _forms() -> Iterator[Bomb]:
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /XObject << %s >> "
    form += b"/Font << /F 5 0 R >> >>"
    draw = b"/XObject << /X 6 0 R >>"
    itself = _page(stream(_SHOWN + b"/X Do"), draw)
    itself[6] = stream(b"/X Do " * 2 + _SHOWN, form % b"/X 6 0 R")
    yield "form in itself", document(itself)
    pair = _page(stream(_SHOWN + b"/X Do"), draw)
    pair[6] = stream(b"/X Do /X Do", form % b"/X 7 0 R")
    pair[7] = stream(b"/X Do /X Do", form % b"/X 6 0 R")
    yield "forms in each other", document(pair)
    for wide, deep in ((10, 10), (2, 25)):
        tree = _page(stream(_SHOWN + b"/X Do"), draw)
        for level in range(6, 6 + deep):
            tree[level] = stream(b"/X Do " * wide, form % (b"/X %d 0 R" % (level + 1)))
        tree[6 + deep] = stream(_SHOWN, form % b"")
        yield f"forms, {wide} to the power {deep}", document(tree)
    chain = _page(stream(_SHOWN + b"/X Do"), draw)
    for level in range(6, 5_000):
        chain[level] = stream(b"/X Do", form % (b"/X %d 0 R" % (level + 1)))
    chain[5_000] = stream(_SHOWN, form % b"")
    yield "chain of forms", document(chain)


def _trees() -> Iterator[Bomb]:
    cycle = _shown()
    cycle[2] = b"<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 2 >>"
    yield "page tree in itself", document(cycle)
    deep = _shown()
    depth = 20_000
    deep[2] = b"<< /Type /Pages /Kids [10 0 R] /Count 1 >>"
    for level in range(10, 10 + depth):
        kid = level + 1 if level < 9 + depth else 3
        deep[level] = b"<< /Type /Pages /Parent %d 0 R /Kids [%d 0 R] /Count 1 >>" % (
            max(level - 1, 2),
            kid,
        )
    yield "deep page tree", document(deep)
    same = _shown()
    same[2] = b"<< /Type /Pages /Kids [" + b"3 0 R " * 200_000 + b"] /Count 200000 >>"
    yield "a page said often", document(same)
    powers = _shown()
    powers[2] = b"<< /Type /Pages /Kids [" + b"10 0 R " * 10 + b"] /Count 1000000000 >>"
    for level in range(10, 19):
        kid = level + 1 if level < 18 else 3
        kids = b"%d 0 R " % kid * 10
        powers[level] = b"<< /Type /Pages /Parent 2 0 R /Kids [%s] /Count %d >>" % (
            kids,
            10 ** (19 - level),
        )
    yield "page tree, 10 to the power 10", document(powers)
    lies = _shown()
    lies[2] = b"<< /Type /Pages /Kids [3 0 R] /Count 2147483647 >>"
    yield "page count", document(lies)
    outline = _shown()
    outline[1] = b"<< /Type /Catalog /Pages 2 0 R /Outlines 6 0 R >>"
    outline[6] = b"<< /First 7 0 R /Last 7 0 R /Count 1 >>"
    outline[7] = b"<< /Title (a) /Parent 6 0 R /Next 7 0 R /First 7 0 R /Last 7 0 R >>"
    yield "outline in itself", document(outline)
    parents = _shown()
    parents[1] = b"<< /Type /Catalog /Pages 2 0 R /StructTreeRoot 6 0 R >>"
    parents[6] = b"<< /Type /StructTreeRoot /K 7 0 R /ParentTree 8 0 R >>"
    parents[7] = b"<< /S /P /P 6 0 R /K [7 0 R 7 0 R] >>"
    parents[8] = b"<< /Kids [8 0 R] >>"
    yield "structure in itself", document(parents)


def _values() -> Iterator[Bomb]:
    for name, opening, closing in (
        ("arrays", b"[", b"]"),
        ("dictionaries", b"<< /A ", b" >>"),
        ("strings", b"(", b")"),
    ):
        objects = _shown()
        objects[6] = opening * 100_000 + closing * 100_000
        objects[1] = b"<< /Type /Catalog /Pages 2 0 R /Names 6 0 R >>"
        yield f"nested {name}", document(objects)
        inside = _page(stream(opening * 100_000 + closing * 100_000 + _SHOWN))
        yield f"nested {name} in contents", document(inside)
    yield "saved states", document(_page(stream(b"q " * 500_000 + _SHOWN)))
    yield "huge page", document(_shown(box=b"[0 0 1e30 1e30]"))
    yield "page of no size", document(_shown(box=b"[0 0 0 0]"))
    yield "text far away", document(_page(stream(b"BT /F 1e30 Tf 1e30 1e30 Td (a) Tj ET" + _SHOWN)))
    yield "letters", document(_page(stream(b"BT /F 9 Tf (a) Tj 1 0 Td " * 50_000)))
    yield (
        "lines of letters",
        document(
            _page(stream(b"".join(b"BT /F 9 Tf 1 %d Td (a b) Tj ET\n" % n for n in range(20_000))))
        ),
    )
    yield (
        "rules",
        document(
            _page(stream(_SHOWN + b"".join(b"%d 0 m %d 9 l S\n" % (n, n) for n in range(50_000))))
        ),
    )
    yield (
        "grid of rules",
        document(
            _page(
                stream(
                    _SHOWN
                    + b"".join(
                        b"%d 0 m %d 700 l S 0 %d m 700 %d l S\n" % (n, n, n, n) for n in range(700)
                    )
                )
            )
        ),
    )
    number = _shown()
    number[6] = b"9" * 1_000_000
    yield "number", document(number)
    loop = _shown()
    loop[4] = b"4 0 R"
    yield "an object that is itself", document(loop)
    length = _shown()
    length[4] = b"<< /Length 4 0 R >>\nstream\n" + _SHOWN + b"\nendstream"
    yield "a length that is itself", document(length)
    made = document(_shown())
    at = made.rindex(b"trailer\n<<") + len(b"trailer\n<<")
    table = made.rindex(b"xref\n0 1")
    yield "cross references in a circle", made[:at] + b" /Prev %d" % table + made[at:]
    size = made.replace(b"/Size 6", b"/Size 2147483647")
    yield "cross reference size", size
