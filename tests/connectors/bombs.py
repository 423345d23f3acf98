"""Small files made to exhaust whoever reads them, or to reach out of their folder, by extension.

Each is honest to its format as far as the trap allows. `SECRET` is what must never be read.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from expanding import expanding
from seeds import PROSE, book, chapter, opendocument, packed, seeds

Bomb = tuple[str, bytes]

SECRET = "/etc/passwd"
SECRET_TEXT = "root:x:0:0"
_MB = 2**20
_EXTERNAL = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{SECRET}">]>'
_LAUGHS = (
    "<!DOCTYPE x [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12))
    + "<!ENTITY e '&a11;'>]>"
)
_LONG = f"<!DOCTYPE x [<!ENTITY e '{'A' * 100_000}'>]>"
_PROLOGS = {"file entity": _EXTERNAL, "billion laughs": _LAUGHS, "long entity": _LONG}
_MOST_REFERENCES = 20_000


def bombs(extension: str) -> Iterator[Bomb]:
    """Every bomb of the kind of file that has this extension, with what it is called."""
    for name, data in _MAKERS.get(extension, _no_bombs)():
        yield f"{extension}: {name}", data


def _no_bombs() -> Iterable[Bomb]:
    return ()


def _text() -> Iterator[Bomb]:
    yield "one line", b"word " * _MB
    yield "combining marks", b"a" + "\u0301".encode() * _MB
    yield "blank lines", b"\n" * (4 * _MB)
    yield "lone paragraphs", b"x\n\n" * 50_000
    yield "carriage returns", b"\r" * _MB
    yield "mixed directions", "\u05d0a\u202e\u202d".encode() * 100_000
    yield "half pairs", b"\xff\xfe" + b"\x00\xd8" * 200_000


def _markdown() -> Iterator[Bomb]:
    deep = {
        "quotes": b">" * 100_000 + b"x",
        "quotes on many lines": b"> " * 200 + b"x\n" + (b"> " * 199 + b"x\n") * 300,
        "lists": b"".join(b" " * (2 * n) + b"- x\n" for n in range(1_000)),
        "lists on a line": b"- " * 50_000 + b"x",
        "emphasis": b"*a _" * 50_000,
        "brackets": b"[" * 100_000 + b"](x)" * 50_000,
        "images": b"![" * 50_000,
        "backticks": b"".join(b"`" * n + b" " for n in range(1, 1_500)),
        "parentheses": b"# [a](" + b"(" * 50_000,
        "open angles": b"# " + b"<!--" * 10_000,
        "entities": b"# " + b"&#x" * 20_000,
        "tables": b"|a" * 5_000 + b"|\n" + b"|-" * 5_000 + b"|\n" + b"|x" * 5_000 + b"|\n",
        "wide head, many rows": b"|a" * 3_000 + b"\n" + b"|-" * 3_000 + b"\n" + b"|\n" * 5_000,
        "definitions": b"".join(b"[a%d]: x\n" % n for n in range(5_000)),
        "references": b"[a]: x\n\n# " + b"[a]" * 50_000,
        "headings": b"".join(b"#" * (n % 6 + 1) + b" h\n" for n in range(5_000)),
        "fences": b"```\n" * 20_001,
    }
    yield from deep.items()
    yield "front matter: nested", b"---\na: " + b"[" * 100_000 + b"\n---\nx"
    yield "front matter: laughs", b"---\n" + _yaml_laughs() + b"\n---\nx"
    yield "front matter: objects", b"---\n" + _YAML_OBJECT + b"\n---\nx"
    yield "front matter: number", b"---\na: " + b"9" * 5_000 + b"\n---\nx"


def _html() -> Iterator[Bomb]:
    for tag in (b"div", b"table", b"b", b"ul><li", b"a", b"p", b"svg><foreignObject", b"template",
                b"select><option", b"table><tr><td", b"font", b"button", b"form", b"ruby><rt",
                b"math><annotation-xml", b"main", b"article", b"blockquote"):  # fmt: skip
        yield f"nested {tag.decode()}", b"<" + tag + b">x" + (b"<" + tag + b">") * 20_000
    yield "misnested", b"<b><i><u><p>" * 3_000
    yield "misnested pairs", b"<a><p></a>" * 3_000 + b"<b><p></b>" * 3_000
    yield "open angles", b"<" * _MB
    yield "open comments", b"<!--" * 200_000
    yield "attributes", b"<p " + b"".join(b"a%d=1 " % n for n in range(8_000)) + b">x"
    yield "long attribute", b"<p title='" + b"x" * (4 * _MB) + b"'>x"
    yield "entities", b"<p>" + b"&NotEqualTilde;" * 200_000
    yield "siblings", b"<p>x" * 20_000
    yield "cells", b"<table><tr>" + b"<td>x" * 10_000
    yield "spans", b"<table>" + b"<tr><td rowspan=65534 colspan=1000>x" * 2_000
    yield (
        "wide head, many rows",
        (b"<table><tr>" + b"<th>abcdefgh" * 2_000 + b"</tr>" + b"<tr><td>x" * 20_000),
    )
    yield "headings", b"".join(b"<h%d>x" % (n % 6 + 1) for n in range(10_000))
    yield "doctype entities", (_LAUGHS + "<html><p>&e;").encode()
    yield "file entity", (_EXTERNAL + "<html><p>&e;").encode()
    yield "many mains", b"<main>" * 10_000 + b"x"
    yield "many articles", b"<article>x</article>" * 5_000


def _csv() -> Iterator[Bomb]:
    yield "wide", b",".join(b"%d" % n for n in range(500_000))
    yield (
        "wide head, many rows",
        (
            b",".join(b"column%d" % n for n in range(5_000))
            + b"\n"
            + b"x"
            + (b",y" * 4_999 + b"\n") * 200
        ),
    )
    yield "long name, many rows", b"n" * 500_000 + b",m\n" + b"x,y\n" * 20_000
    yield "never closed", b'a,b\n"' + b"x,\n" * 500_000
    yield "quotes", b'a,b\n"' + b'"",""' * 200_000
    yield "many rows", b"a,b\n" + b"x,y\n" * 30_000
    yield "delimiters", b",;|\t" * 300_000
    yield "one cell", b"x" * (5 * _MB)


def _tsv() -> Iterator[Bomb]:
    yield "long name, many rows", b"n" * 500_000 + b"\tm\n" + b"x\ty\n" * 20_000


def archive(members: Iterable[tuple[str, bytes, int, int, int]]) -> bytes:
    """A zip archive by hand: name, packed data, method, declared size, CRC-32 of each member."""
    made, directory, count = bytearray(), bytearray(), 0
    for name, data, method, size, check in members:
        encoded = name.encode()
        fields = struct.pack(
            "<HHHHHIIIHH", 20, 0, method, 0, 33, check, len(data), size, len(encoded), 0
        )
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + fields
        directory += struct.pack("<HHHII", 0, 0, 0, 0, len(made)) + encoded
        made += b"PK\x03\x04" + fields + encoded + data
        count += 1
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(made), 0)
    return bytes(made + directory + b"PK\x05\x06" + end)


def members_of(data: bytes) -> dict[str, bytes]:
    """The members of a zip archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return {one.filename: opened.read(one) for one in opened.infolist()}


def with_member(data: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """A zip archive with one member changed."""
    members = members_of(data)
    members[name] = change(members[name])
    return packed(members, stored="mimetype" if "mimetype" in members else "")


def _with_raw(data: bytes, name: str, raw: bytes, size: int, check: int) -> bytes:
    """A zip archive with the packed content of one member given."""
    plain = [
        (other, content, 0, len(content), zlib.crc32(content))
        for other, content in members_of(data).items()
        if other != name
    ]
    return archive([*plain, (name, raw, 8, size, check)])


def _zipped(seed: bytes, main: str, into: str) -> Iterator[Bomb]:
    """Bombs of any document in a zip archive; `main` is its main part, `into` an element in it."""
    raw, size, check = expanding(300)
    yield "expands", _with_raw(seed, main, raw, size, check)
    raw, size, check = expanding(300, b"<" + into.encode() + b"/>")
    yield "expands to elements", _with_raw(seed, main, raw, size, check)
    yield "expands, and says it does not", _with_raw(seed, main, raw, 1000, 0)
    full = members_of(seed)
    yield "many members", packed({**full, **{f"x/{n}": b"" for n in range(30_000)}})
    yield "traversal", packed({**full, "../../evil.txt": b"x", "/tmp/evil.txt": b"x"})
    nested = seed
    for _ in range(6):
        nested = packed({**full, "word/embeddings/a.docx": nested, "a.zip": nested})
    yield "itself within itself", nested
    yield "an archive alone", packed({"a.zip": seed})
    yield "encrypted", _flagged(seed)
    for name, prolog in _PROLOGS.items():
        yield name, with_member(seed, main, partial(_with_entity, prolog=prolog))
        yield (
            f"{name} in UTF-16",
            with_member(seed, main, partial(_with_entity, prolog=prolog, encoding="utf-16")),
        )
    yield "deep", with_member(seed, main, lambda xml: _deepened(xml, into, 100_000))
    yield "many attributes", with_member(seed, main, lambda xml: _with_attributes(xml, into))
    yield "no root", with_member(seed, main, lambda _: b"<a/>")
    yield "an empty main part", with_member(seed, main, lambda _: b"")


def _flagged(data: bytes) -> bytes:
    """Members that say they are encrypted."""
    made = bytearray(data)
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = made.find(sign)
        while at >= 0:
            made[at + offset] |= 1
            at = made.find(sign, at + 4)
    return bytes(made)


def _without_declaration(xml: bytes) -> str:
    text = xml.decode("utf-8")
    return text.partition("?>")[2] if text.startswith("<?xml") else text


def _with_entity(xml: bytes, prolog: str, encoding: str = "utf-8") -> bytes:
    """A document type of its own, and references to the entity `e` in each element's text."""
    text = _without_declaration(xml)
    count = _MOST_REFERENCES if "AAAA" in prolog else 3
    head, closing, tail = text.rpartition("</")
    made = f'<?xml version="1.0" encoding="{encoding}"?>{prolog}{head}{"&e;" * count}'
    # In text that is read, too, wherever the format keeps it.
    return (made.replace("harbour", "&e;harbour", 1) + closing + tail).encode(encoding)


def _deepened(xml: bytes, into: str, depth: int) -> bytes:
    head, closing, tail = xml.decode("utf-8").rpartition("</")
    return f"{head}{f'<{into}>' * depth}x{f'</{into}>' * depth}{closing}{tail}".encode()


def _with_attributes(xml: bytes, into: str) -> bytes:
    attributes = " ".join(f'a{n}="1"' for n in range(100_000))
    head, closing, tail = xml.decode("utf-8").rpartition("</")
    return f"{head}<{into} {attributes}/>{closing}{tail}".encode()


def _into_body(xml: bytes, piece: str, before: str) -> bytes:
    head, closing, tail = xml.decode("utf-8").rpartition(before)
    return (head + piece + closing + tail).encode()


def _replaced(xml: bytes, old: bytes, new: bytes) -> bytes:
    if old not in xml:
        raise ValueError(f"the seed has no {old!r}")
    return xml.replace(old, new)


def _docx() -> Iterator[Bomb]:
    (seed,) = seeds(".docx")
    main = "word/document.xml"
    yield from _zipped(seed, main, "w:p")
    depth = 3_000
    table = "<w:tbl><w:tr><w:tc>" * depth + "<w:p/>" + "</w:tc></w:tr></w:tbl>" * depth
    paragraph = f"<w:p><w:r><w:t>{PROSE}</w:t></w:r></w:p>"
    span = '<w:tc><w:tcPr><w:gridSpan w:val="2000000000"/></w:tcPr><w:p/></w:tc>'
    for name, piece in {
        "nested tables": table,
        "paragraphs": paragraph * 5_000,
        "runs": f"<w:p>{'<w:r><w:t>x</w:t></w:r>' * 20_000}</w:p>",
        "wide span": f"<w:tbl><w:tr>{span}</w:tr></w:tbl>",
        "wide rows": f"<w:tbl>{f'<w:tr>{span * 20}</w:tr>' * 100}</w:tbl>",
        "alternate content": "<w:p>" + "<w:r><w:pict><w:txbxContent>" * 2_000 + "</w:p>",
    }.items():
        yield name, with_member(seed, main, partial(_into_body, piece=piece, before="<w:sectPr"))
    yield (
        "styles based on themselves",
        with_member(
            seed,
            "word/styles.xml",
            lambda xml: xml.replace(b'w:val="Normal"', b'w:val="Heading1"'),
        ),
    )


def _pptx() -> Iterator[Bomb]:
    (seed,) = seeds(".pptx")
    main = "ppt/slides/slide1.xml"
    yield from _zipped(seed, main, "p:sp")
    group = "<p:grpSp><p:nvGrpSpPr/><p:grpSpPr/>"
    for name, piece in {
        "nested groups": group * 3_000 + "</p:grpSp>" * 3_000,
        "shapes": "<p:sp><p:txBody><a:p><a:r><a:t>x</a:t></a:r></a:p></p:txBody></p:sp>" * 3_000,
    }.items():
        yield name, with_member(seed, main, partial(_into_body, piece=piece, before="</p:spTree>"))
    yield (
        "a slide said often",
        with_member(
            seed,
            "ppt/presentation.xml",
            lambda xml: _into_body(
                xml,
                "".join(f'<p:sldId id="{300 + n}" r:id="rId7"/>' for n in range(50_000)),
                "</p:sldIdLst>",
            ),
        ),
    )


def _xlsx() -> Iterator[Bomb]:
    (seed,) = seeds(".xlsx")
    main = "xl/worksheets/sheet1.xml"
    yield from _zipped(seed, main, "row")
    far = '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>far</t></is></c></row>'
    beyond = '<row r="4000000000"><c r="ZZZZZZZ4000000000"><v>1</v></c></row>'
    head = "".join(
        f'<c r="{_column(n)}9" t="inlineStr"><is><t>{"name" * 200}{n}</t></is></c>'
        for n in range(1, 101)
    )
    wide = f'<row r="9">{head}</row>' + "".join(
        f'<row r="{r}">' + "".join(f'<c r="{_column(n)}{r}"><v>{n}</v></c>' for n in range(1, 101))
        + "</row>"
        for r in range(10, 310)
    )  # fmt: skip
    for name, piece in {
        "far cell": far,
        "beyond the sheet": beyond,
        "empty rows": "".join(f'<row r="{n}"/>' for n in range(10, 20_000)),
        "long names, many rows": wide,
        "same row": '<row r="9"><c r="A9"><v>1</v></c></row>' * 10_000,
        "strings out of range": '<row r="9"><c r="A9" t="s"><v>999999999</v></c></row>',
        "number": f'<row r="9"><c r="A9"><v>{"9" * 100_000}</v></c></row>',
        "date": '<row r="9"><c r="A9" s="1"><v>1e308</v></c></row>',
    }.items():
        yield name, with_member(seed, main, partial(_into_body, piece=piece, before="</sheetData>"))
    for name, old, new in (
        ("all cells merged", b'ref="A5:C5"', b'ref="A1:XFD1048576"'),
        ("merged beyond", b'ref="A5:C5"', b'ref="A1:ZZZZZZZ99999999999"'),
        ("dimension", b'<dimension ref="A1:C5"/>', b'<dimension ref="A1:XFD1048576"/>'),
    ):
        yield name, with_member(seed, main, partial(_replaced, old=old, new=new))
    strings = b"<si><t>x</t></si>" * 50_000
    yield (
        "shared strings",
        with_member(
            seed, "xl/sharedStrings.xml", lambda xml: xml.replace(b"</sst>", strings + b"</sst>")
        ),
    )
    sheet = b'<sheet name="S" sheetId="9" r:id="rId1"/>'
    yield (
        "a sheet said often",
        with_member(
            seed,
            "xl/workbook.xml",
            lambda xml: xml.replace(b"</sheets>", sheet * 20_000 + b"</sheets>"),
        ),
    )


def _column(number: int) -> str:
    name = ""
    while number:
        number, letter = divmod(number - 1, 26)
        name = chr(65 + letter) + name
    return name


def _repeating() -> dict[str, str]:
    """Tables of OpenDocument that say they are larger than they are."""
    cell = "<table:table-cell {}><text:p>{}</text:p></table:table-cell>"
    row = "<table:table-row {}>{}</table:table-row>"
    far = 'table:number-columns-repeated="1000000000"'
    down = 'table:number-rows-repeated="1000000000"'
    return {
        "columns": f"<table:table>{row.format('', cell.format(far, 'x'))}</table:table>",
        "rows": f"<table:table>{row.format(down, cell.format('', 'x'))}</table:table>",
        "both": f"<table:table>{row.format(down, cell.format(far, PROSE))}</table:table>",
        "empty": f"<table:table>{row.format(down, cell.format(far, ''))}</table:table>",
        "often": f"<table:table>{row.format(down, cell.format('', 'x')) * 2_000}</table:table>",
    }


def _odt() -> Iterator[Bomb]:
    (seed,) = seeds(".odt")
    yield from _zipped(seed, "content.xml", "text:p")
    table = "table:table><table:table-row><table:table-cell"
    for name, body in {
        **_repeating(),
        "spaces": '<text:p>x<text:s text:c="2000000000"/>y</text:p>',
        "lists": "<text:list><text:list-item>" * 3_000 + "</text:list-item></text:list>" * 3_000,
        "tables": f"<{table}>" * 2_000
        + "</table:table-cell></table:table-row></table:table>" * 2_000,
        "level": '<text:h text:outline-level="99999999999999999999">x</text:h>',
        "sections": "<text:section>" * 3_000 + "x" + "</text:section>" * 3_000,
    }.items():
        yield f"repeated or nested {name}", opendocument(body)


def _ods() -> Iterator[Bomb]:
    yield from _zipped(seeds(".ods")[0], "content.xml", "table:table-row")
    for name, body in _repeating().items():
        yield f"repeated {name}", opendocument(body, "spreadsheet")
    sheet = _repeating()["rows"]
    yield "repeated in many sheets", opendocument(sheet * 2_000, "spreadsheet")


def _odp() -> Iterator[Bomb]:
    yield from _zipped(seeds(".odp")[0], "content.xml", "draw:page")
    groups = "<draw:page>" + "<draw:g>" * 3_000 + "x" + "</draw:g>" * 3_000 + "</draw:page>"
    yield "nested groups", opendocument(groups, "presentation")
    yield "many slides", opendocument("<draw:page/>" * 50_000, "presentation")


def _epub() -> Iterator[Bomb]:
    (seed,) = seeds(".epub")
    yield from _zipped(seed, "OEBPS/chapter0.xhtml", "div")
    yield "one chapter said often", book({"a.xhtml": chapter(f"<p>{PROSE * 50}</p>")}, 30_000)
    outside = {"../../../../etc/passwd": chapter("x"), "a.xhtml": chapter("<p>x</p>")}
    yield "chapters elsewhere", book(outside)
    yield "chapter in a file URL", book({f"file://{SECRET}": chapter("x")})
    for name, prolog in _PROLOGS.items():
        yield f"{name} in the package", book({"a.xhtml": chapter("<p>x</p>")}, prolog=prolog)
    yield "deep page", book({"a.xhtml": chapter("<div>" * 50_000)})


def _json() -> Iterator[Bomb]:
    yield "nested lists", b"[" * 500_000 + b"]" * 500_000
    yield "nested objects", b'{"a":' * 200_000 + b"1" + b"}" * 200_000
    yield "nested, moderately", b"[" * 900 + b'"x"' + b"]" * 900
    yield "unclosed", b'[{"a":' * 200_000
    yield "number", b'{"a": ' + b"9" * 1_000_000 + b"}"
    yield "floats", b'{"a": 1e999999999, "b": -Infinity, "c": NaN}'
    yield "keys", b'{"' + b"k" * 200_000 + b'": [' + b'"x",' * 20_000 + b'"y"]}'
    long_path = b'{"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk":'
    yield "long paths", long_path * 400 + b"[" + b'"x",' * 20_000 + b'"y"]' + b"}" * 400
    yield "many values", b"[" + b'"x",' * 500_000 + b"1]"
    wide = json.dumps(dict.fromkeys(map(str, range(500)), 1)).encode()
    yield "wide records", b"[" + (wide + b",") * 100 + b"1]"
    yield "same keys", b"{" + b'"a":"x",' * 200_000 + b'"a":1}'
    yield "half pairs", b'{"a": "' + b"\\ud800" * 50_000 + b'"}'
    yield "string", b'"' + b"x" * (5 * _MB) + b'"'


def _json_lines() -> Iterator[Bomb]:
    yield "nested lines", (b"[" * 50_000 + b"\n") * 10
    yield "many lines", b'{"a": 1}\n' * 20_000


_YAML_OBJECT = b'a: !!python/object/apply:os.system ["touch evil.txt"]\nb: !!binary x\n'


def _yaml_laughs() -> bytes:
    lines = [b"a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [b"a%d: &a%d [%s]" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)]
    return b"\n".join(lines)


def _yaml() -> Iterator[Bomb]:
    yield "laughs", _yaml_laughs()
    yield "an anchor in itself", b"a: &a [*a, *a]\nb: &b {c: *b}"
    yield (
        "merges",
        b"a: &a {b: 1}\n" + b"".join(b"c%d: {<<: [*a, *a]}\n" % n for n in range(8_000)),
    )
    merges = b"".join(
        b"m%d: &m%d {<<: [%s], k%d: 1}\n" % (n, n, b", ".join([b"*m%d" % (n - 1)] * 9), n)
        for n in range(1, 12)
    )
    yield "merges of merges", b"m0: &m0 {k: 1}\n" + merges
    yield "nested lists", b"[" * 20_000
    yield "nested lists, closed", b"[" * 5_000 + b"]" * 5_000
    yield "nested mappings", b"{a: " * 5_000 + b"}" * 5_000
    yield "nested dashes", b"- " * 20_000 + b"x"
    yield "nested by indentation", b"".join(b" " * n + b"a:\n" for n in range(2_000))
    yield "objects", _YAML_OBJECT
    yield "number", b"a: " + b"9" * 500_000
    yield "sexagesimal", b"a: " + b"1:" * 50_000 + b"1"
    yield "octal", b"a: 0" + b"7" * 500_000
    yield "many documents", b"---\na\n" * 20_000
    yield "many keys", b"".join(b"k%d: v\n" % n for n in range(15_000))
    yield "flow", b"a: [" + b"x, " * 100_000 + b"]"
    yield "tags", b"!" * 200_000
    yield "quoted", b'a: "' + b"\\x41" * 300_000 + b'"'
    yield "date", b"a: 9999-99-99\nb: 0000-00-00T99:99:99Z"


def _xml() -> Iterator[Bomb]:
    for name, prolog in _PROLOGS.items():
        many = _MOST_REFERENCES if name == "long entity" else 3
        for encoding in ("utf-8", "utf-16"):
            head = f'<?xml version="1.0" encoding="{encoding}"?>'
            text = f"{head}{prolog}<x>{PROSE} {'&e;' * many}</x>"
            yield f"{name} in {encoding}", text.encode(encoding)
    parameter = f'<!DOCTYPE x [<!ENTITY % p SYSTEM "file://{SECRET}"> %p;]><x>text</x>'
    yield "parameter entity", parameter.encode()
    yield "outside document type", f'<!DOCTYPE x SYSTEM "file://{SECRET}"><x>text</x>'.encode()
    yield "network document type", b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x"><x>text</x>'
    yield (
        "inclusion",
        (
            f'<x xmlns:i="http://www.w3.org/2001/XInclude">text<i:include href="file://{SECRET}" '
            'parse="text"/></x>'
        ).encode(),
    )
    yield "nested", b"<a>" * 200_000 + b"</a>" * 200_000
    yield "nested, moderately", b"<a>" * 240 + b"x" + b"</a>" * 240
    yield "unclosed", b"<a>" * 200_000
    attributes = b"".join(b'a%d="1" ' % n for n in range(100_000))
    yield "attributes", b"<x " + attributes + b">y</x>"
    yield "name spaces", b"<x " + b"".join(b'xmlns:a%d="u" ' % n for n in range(20_000)) + b">y</x>"
    yield "siblings", b"<x>" + b"<y>z</y>" * 200_000 + b"</x>"
    yield "long name", b"<" + b"x" * 1_000_000 + b">y"
    yield "comments", b"<x><!--" + b"-" * 1_000_000 + b"--></x>"
    yield "long text", b"<x>" + b"y" * (11 * _MB) + b"</x>"


def _ipynb() -> Iterator[Bomb]:
    def notebook(cells: object, **more: object) -> bytes:
        return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, **more}).encode()

    text = {"cell_type": "markdown", "metadata": {}, "source": "x"}
    yield "many cells", notebook([text] * 5_000)
    yield "many lines", notebook([{**text, "source": ["x\n"] * 50_000}])
    yield (
        "output",
        notebook(
            [
                {
                    "cell_type": "code",
                    "metadata": {},
                    "source": "x",
                    "outputs": [{"output_type": "stream", "name": "stdout", "text": "y" * 5 * _MB}],
                }
            ]
        ),
    )
    yield "deep markdown", notebook([{**text, "source": ">" * 50_000}])
    yield "other kinds", notebook({"a": 1})
    yield "numbers for cells", notebook([1, None, [], "x"])
    yield "numbers for source", notebook([{**text, "source": 5}, {**text, "source": [1, None]}])
    yield "nested", b'{"cells": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    yield "old", b'{"worksheets": [{"cells": ' + b"[" * 50 + b"]" * 50 + b"}]}"
    yield "version", notebook([text], nbformat=10**50)


def _srt() -> Iterator[Bomb]:
    cue = b"%d\n00:00:01,000 --> 00:00:02,000\nx\n\n"
    yield "many cues", b"".join(cue % n for n in range(50_000))
    yield "arrows", b"-->" * 300_000
    yield "digits", b"1" * 100_000 + b":" + b"2" * 100_000
    yield "times", b"1\n" + b"99999999999:00:00,000 --> 00:00:02,000\n" * 20_000 + b"x"
    yield "tags", b"1\n00:00:01,000 --> 00:00:02,000\n" + b"<i>" * 200_000
    yield "open braces", b"1\n00:00:01,000 --> 00:00:02,000\n" + b"{\\" * 200_000
    yield "blank lines", b"\n" * 500_000 + cue % 1


def _vtt() -> Iterator[Bomb]:
    yield "notes", b"WEBVTT\n\n" + b"NOTE\n" * 200_000
    yield "tags", b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"<v a>" * 200_000
    yield "style", b"WEBVTT\n\nSTYLE\n" + b"a{" * 200_000


def _mail() -> Iterator[Bomb]:
    head = b"From: a@b.c\nSubject: x\nMIME-Version: 1.0\n"

    def nested(depth: int) -> bytes:
        made = [head]
        part = b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n'
        made += [part % (n, n) for n in range(depth)]
        return b"".join(made) + b"Content-Type: text/plain\n\nx\n"

    yield "nested parts", nested(90)
    yield "nested parts, deep", nested(5_000)
    yield "mail in mail", head + b"Content-Type: message/rfc822\n\n" * 5_000 + b"x"
    yield "mail in mail, moderately", (head + b"Content-Type: message/rfc822\n\n") * 90 + b"x"
    part = b"--b\nContent-Type: text/plain\n\nx\n"
    mixed = head + b'Content-Type: multipart/mixed; boundary="b"\n\n'
    yield "many parts", mixed + part * 20_000 + b"--b--\n"
    yield "many headers", b"".join(b"X-%d: y\n" % n for n in range(50_000)) + b"\nx"
    yield "long header", b"Subject: " + b"x" * (2 * _MB) + b"\n\nx"
    yield "folded header", b"Subject: x\n" + b" y\n" * 100_000 + b"\nx"
    yield "encoded words", b"Subject: " + b"=?utf-8?q?=41?= " * 20_000 + b"\n\nx"
    yield "addresses", b"To: " + b"a@b.c, " * 20_000 + b"\n\nx"
    yield "nested comments", b"To: " + b"(" * 20_000 + b"\nSubject: " + b"(" * 20_000 + b"\n\nx"
    yield "quotes in an address", b'To: "' + b'\\"' * 50_000 + b"\nDate: " + b"(" * 5_000 + b"\n\nx"
    yield "parameters", head + b"Content-Type: text/plain" + b"; a*0=b" * 20_000 + b"\n\nx"
    yield "character set", head + b"Content-Type: text/plain; charset=zlib_codec\n\nx"
    yield "boundaries", head + b'Content-Type: multipart/mixed; boundary=""\n\n' + b"--\n" * 20_000
    for name, seed in (("docx", _expanding_docx()), ("html", b"<div>" * 50_000)):
        import base64

        kind = b"text/html" if name == "html" else b"application/octet-stream"
        attached = (
            b"--b\nContent-Type: %s\nContent-Disposition: attachment; "
            b'filename="../../evil.%s"\nContent-Transfer-Encoding: base64\n\n%s\n--b--\n'
        )
        yield f"attached {name}", mixed + attached % (kind, name.encode(), base64.encodebytes(seed))
    yield "deep page", head + b"Content-Type: text/html\n\n" + b"<div>" * 50_000


def _expanding_docx() -> bytes:
    return next(data for name, data in _docx() if name == "expands to elements")


def _rst() -> Iterator[Bomb]:
    yield "lists", b"".join(b" " * (2 * n) + b"- x\n\n" for n in range(400))
    yield "quotes", b"".join(b" " * n + b"x\n\n" for n in range(500))
    yield "includes", f"a\n\n.. include:: {SECRET}\n\n.. raw:: html\n   :file: {SECRET}\n".encode()
    yield "table from a file", f"a\n\n.. csv-table:: t\n   :file: {SECRET}\n".encode()
    yield (
        "substitutions",
        b"".join(
            b".. |a%d| replace:: %s\n" % (n, b" ".join([b"|a%d|" % (n - 1)] * 9) if n else b"ha")
            for n in range(10)
        )
        + b"\n|a9|\n",
    )
    yield "a substitution in itself", b".. |a| replace:: |a| |a|\n\n|a|\n"
    yield "emphasis", b"*a **b ``c `d " * 20_000
    yield "headings", b"".join(b"h%d\n====\n\n" % n for n in range(5_000))
    yield "adornments", b"=" * 200_000 + b"\n" + b"-" * 200_000
    yield "directives", b".. note::\n\n   x\n\n" * 3_000
    yield "nested directives", b"".join(b" " * (3 * n) + b".. note::\n\n" for n in range(300))
    yield "grid", b"+" + b"-+" * 2_000 + b"\n" + (b"|" + b" |" * 2_000 + b"\n") * 20
    yield "references", b"`a <http://b>`_ " * 10_000
    yield "footnotes", b".. [#] x\n" * 5_000
    yield "class", b".. role:: a\n\n" * 2_000 + b":a:`" * 5_000


def _adoc() -> Iterator[Bomb]:
    yield "includes", f"= a\n\ninclude::{SECRET}[]\n\ninclude::http://127.0.0.1:9/[]\n".encode()
    yield (
        "attributes",
        b"".join(b":a%d: %s\n" % (n, b"{a%d}" % (n - 1) * 9 if n else b"ha") for n in range(10))
        + b"\n{a9}\n",
    )
    yield "lists", b"".join(b"*" * n + b" x\n" for n in range(1, 1_000))
    yield "blocks", b"".join(b"=" * n + b"\n" for n in range(4, 500)) + b"x"
    yield "marks", b"*_`#" * 50_000
    yield "open delimiters", b"----\n" * 50_001
    yield "table", b"|===\n" + b"|a" * 100_000 + b"\n|===\n"
    yield "headings", b"== h\n\n" * 20_000
    yield "conditions", b"ifdef::a[]\n" * 20_000


def _code(extension: str) -> Callable[[], Iterator[Bomb]]:
    (seed,) = seeds(extension)

    def made() -> Iterator[Bomb]:
        yield "parentheses", b"a = " + b"(" * 50_000 + b")" * 50_000
        yield "brackets", b"[" * 50_000
        yield "braces", b"{" * 50_000 + b"}" * 50_000
        yield "blocks", b"".join(b"\t" * n + b"if (x) {\n" for n in range(1_000))
        classes = b"".join(b" " * n + b"class A%d:\n" % n for n in range(500))
        yield "classes", classes + b" " * 501 + b"pass"
        yield "functions", b"def f(): pass\nfunction g() {}\nvoid h() {}\n" * 1_000
        yield "operators", b"a = " + b"-" * 100_000 + b"1"
        yield "sums", b"a = " + b"1 + " * 50_000 + b"1"
        yield "strings", b'"' * 20_001
        yield "comments", b"/*" * 50_000
        yield "one line", b"x" * (3 * _MB)
        yield "here documents", b"<<A\n" * 3_000
        yield "said often", seed * 200

    return made


def _pdf() -> Iterator[Bomb]:
    from pdf_bombs import pdf_bombs

    return pdf_bombs()


_MAKERS: Mapping[str, Callable[[], Iterable[Bomb]]] = {
    ".txt": _text,
    ".md": _markdown,
    ".html": _html,
    ".csv": _csv,
    ".tsv": _tsv,
    ".pdf": _pdf,
    ".docx": _docx,
    ".pptx": _pptx,
    ".xlsx": _xlsx,
    ".odt": _odt,
    ".ods": _ods,
    ".odp": _odp,
    ".epub": _epub,
    ".json": _json,
    ".jsonl": _json_lines,
    ".yaml": _yaml,
    ".xml": _xml,
    ".ipynb": _ipynb,
    ".srt": _srt,
    ".vtt": _vtt,
    ".eml": _mail,
    ".rst": _rst,
    ".adoc": _adoc,
    **{extension: _code(extension) for extension in (".py", ".js", ".c", ".sh")},
}
