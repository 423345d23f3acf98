"""JSON, JSON Lines, YAML and XML."""

import json

import pytest
from block_law import spans, visible

from rag.connectors.formats.format import Parsed
from rag.connectors.formats.json import JsonFormat
from rag.connectors.formats.jsonl import JsonLinesFormat
from rag.connectors.formats.xml import XmlFormat
from rag.connectors.formats.yaml import YamlFormat
from rag.errors import DocumentError

DEEP = 100_000
PORT = {
    "title": "Port\n guide",
    "fee": 12345678901234567890123,
    "open": True,
    "none": None,
    "address": {"city": "Oslo", "tags": ["a", "b"]},
    "berths": [{"name": "North", "m": 3}, {"name": "South", "at": {"lat": "59"}}],
    "about": "One paragraph.\n\nAnother.",
    "mixed": ["x", {"y": "z"}],
}


def read_json(text: str) -> Parsed:
    return JsonFormat().parse(text.encode("utf-8", "surrogatepass"), "a.json")


def read_yaml(text: str) -> Parsed:
    return YamlFormat().parse(text.encode(), "a.yaml")


def read_xml(text: str) -> Parsed:
    return XmlFormat().parse(text.encode(), "a.xml")


def places(parsed: Parsed) -> list[tuple[str, str, int | None]]:
    texts = spans(parsed)
    return [(t, b.place, b.row) for t, b in zip(texts, parsed.blocks, strict=True)]


def test_json_is_key_paths_and_rows() -> None:
    parsed = read_json(json.dumps(PORT))
    assert parsed.title == "Port guide"
    assert places(parsed) == [
        ("title: Port\n guide", "", None),
        (
            "fee: 12345678901234567890123\nopen: true\naddress.city: Oslo\naddress.tags: a, b",
            "",
            None,
        ),
        ("name: North; m: 3", "berths", 1),
        ("name: South; at.lat: 59", "berths", 2),
        ("about: One paragraph.", "", None),
        ("Another.", "", None),
        ("mixed: x\nmixed[2].y: z", "", None),
    ]
    kinds = [block.kind for block in parsed.blocks]
    assert kinds == ["paragraph"] * 2 + ["table"] * 2 + ["paragraph"] * 3


def test_json_numbers_keep_their_digits() -> None:
    many = "9" * 10_000
    assert read_json(f'{{"a": 1.50, "b": 1e400, "c": NaN, "d": {many}}}').text == (
        f"a: 1.50\nb: 1e400\nc: NaN\nd: {many}"
    )


def test_json_of_one_value() -> None:
    assert read_json('"A word"').text == "A word"
    assert read_json("[1, 2]").text == "1, 2"


def test_json_escapes_that_cannot_be_stored_are_left_out() -> None:
    assert read_json('{"a\\ud800": "b\\u0000c", "\\ud83d\\ude00": "\\u05d0e\\u0301"}').text == (
        "a: bc\n\U0001f600: \u05d0e\u0301"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * DEEP, "nested more than 100 deep"),
        ('{"a":' * DEEP, "nested more than 100 deep"),
        ("[" * 300 + "]" * 300, "nested more than 100 deep"),
        ('{"a": 1', "is not valid JSON: .* at line 1, column 8"),
        ("[" + "1," * 3_000_000 + "1]", "more than 3,000,000 values"),
    ],
    ids=["arrays", "objects", "closed", "cut", "values"],
)
def test_json_that_is_refused(text: str, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        read_json(text)


def test_json_lines_are_rows_and_bad_ones_are_counted() -> None:
    text = '{"a": 1, "b": {"c": "x"}}\nbad\n\n' + "[" * DEEP + '\n"y"\n'
    parsed = JsonLinesFormat().parse(text.encode(), "a.jsonl")
    assert places(parsed) == [("a: 1; b.c: x", "", 1), ("y", "", 5)]
    assert parsed.metadata == {"unreadable_lines": 2}


def test_json_lines_that_are_all_bad_are_refused() -> None:
    with pytest.raises(DocumentError, match="no line that can be read: line 2 is not valid JSON"):
        JsonLinesFormat().parse(b"\nbad\nworse\n", "a.jsonl")


def test_a_long_record_is_cut_and_keeps_its_row() -> None:
    record = json.dumps({"title": "t", "text": "word " * 1000 + "\n\nEnd."})
    parsed = JsonLinesFormat().parse(record.encode(), "a.jsonl")
    assert [text[:10] for text in spans(parsed)] == ["title: t", "text: word", "End."]
    assert {block.row for block in parsed.blocks} == {1}


def test_yaml_is_the_source_cut_at_its_keys() -> None:
    text = "# Port\ntitle: Guide\n# fees\nfees: &f\n  a: 1\n\n---\nsame: *f\n"
    with pytest.raises(DocumentError):
        read_yaml(text + "\0")
    parsed = read_yaml("# Port\ntitle: Guide\n# fees\nfees: &f\n  a: 1\n\n---\nsame: 2\n")
    assert parsed.title == "Guide"
    assert places(parsed) == [
        ("# Port\ntitle: Guide", "title", None),
        ("# fees\nfees: &f\n  a: 1\n\n---", "fees", None),
        ("same: 2", "same", None),
    ]
    assert parsed.metadata == {}


def test_long_yaml_is_cut_at_the_keys_within() -> None:
    text = "steps:\n  - name: one\n    run: |\n" + "      word word\n" * 200 + "  - name: two\n"
    parsed = read_yaml(text)
    assert [(b.place, b.headings) for b in parsed.blocks] == [
        ("steps", ("steps",)),
        ("steps[1]", ("steps",)),
        ("steps[1].run", ("steps", "run")),
        ("steps[2]", ("steps",)),
    ]
    assert visible("".join(spans(parsed))) == visible(text)


def test_offsets_of_yaml_count_characters() -> None:
    parsed = read_yaml("\U0001f600: '\u05d0\u2028 x'\ne\u0301: 1\nlast: 2\n")
    assert spans(parsed)[1:] == ["e\u0301: 1", "last: 2"]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        "a: {{ .Values.x }}: b: c\n\nd: [\n",
        "[" * DEEP,
        "- " * DEEP + "x",
        "a: &a x\nb: *missing_is_not_followed\n\n? [",
        "a: \x1b",
    ],
    ids=["template", "flow", "sequences", "open", "control"],
)
def test_what_is_no_yaml_is_cut_at_blank_lines(text: str) -> None:
    parsed = read_yaml(text)
    assert parsed.metadata == {"parser": "lines"}
    assert visible("".join(spans(parsed))) == visible(text)


@pytest.mark.timeout(30)
def test_aliases_are_not_followed() -> None:
    lines = ["a0: &a0 [ha, ha]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    parsed = read_yaml("\n".join(lines))
    assert spans(parsed) == lines
    assert parsed.metadata == {}


BOOK = """<?xml version="1.0"?>
<!DOCTYPE book SYSTEM "http://127.0.0.1:9/never.dtd" [<!ENTITY port "Aln harbour">]>
<book><info><title>Ports &amp; <emphasis>fees</emphasis></title><author>A. Lee</author>
<date>2024</date></info>
<chapter><title>One</title><para>At &port;&mdash;<b>all <i>fees</i></b>,<br/>always.</para>
<itemizedlist><listitem><para>first</para></listitem><listitem>second</listitem></itemizedlist>
<section><title>Sub</title><programlisting>x = 1
  y = 2</programlisting>
<table><title>Dues</title><tgroup><thead><row><entry>Port</entry><entry>Fee</entry></row></thead>
<tbody><row><entry>Aln</entry><entry>3 <b>crowns</b></entry></row></tbody></tgroup></table>
</section><para>After.</para></chapter></book>"""


def test_xml_has_headings_paragraphs_and_tables() -> None:
    parsed = read_xml(BOOK)
    title, one = "Ports & fees", "One"
    assert parsed.title == title
    found = zip(spans(parsed), parsed.blocks, strict=True)
    assert [(text, b.kind, b.headings) for text, b in found] == [
        (title, "heading", (title,)),
        ("author: A. Lee; date: 2024", "paragraph", (title,)),
        (one, "heading", (title, one)),
        ("At Aln harbour\u2014all fees, always.", "paragraph", (title, one)),
        ("first", "list", (title, one)),
        ("second", "list", (title, one)),
        ("Sub", "heading", (title, one, "Sub")),
        ("x = 1\n  y = 2", "code", (title, one, "Sub")),
        ("Dues", "paragraph", (title, one, "Sub")),
        ("Port | Fee\nAln | 3 crowns", "table", (title, one, "Sub")),
        ("After.", "paragraph", (title, one)),
    ]
    assert [block.header for block in parsed.blocks if block.kind == "table"] == ["Port | Fee"]


def test_xml_of_values_becomes_records() -> None:
    text = "<ports><port><name>Aln</name><fee>3</fee></port><port><name>Sk</name></port></ports>"
    assert spans(read_xml(text)) == ["name: Aln; fee: 3", "name: Sk"]


def test_attributes_are_read_where_there_is_nothing_else() -> None:
    assert spans(read_xml('<a><b x="1" y="Z"/><b x="2"/></a>')) == ["x: 1; y: Z", "x: 2"]
    assert spans(read_xml('<a><b x="1">text</b></a>')) == ["b: text"]


def test_declared_encodings_of_xml() -> None:
    text = '<?xml version="1.0" encoding="{}"?><p>\u65e5\u672c \u05d0</p>'
    for name in ("utf-16", "utf-8"):
        assert spans(XmlFormat().parse(text.format(name).encode(name), "a")) == [
            "\u65e5\u672c \u05d0"
        ]
    japanese = '<?xml version="1.0" encoding="Shift_JIS"?><p>\u65e5\u672c</p>'.encode("shift_jis")
    assert spans(XmlFormat().parse(japanese, "a.xml")) == ["\u65e5\u672c"]


def entities(count: int, each: str) -> str:
    values = [each.replace("N", str(n - 1)) for n in range(1, count)]
    declared = "".join(f"<!ENTITY a{n} '{value}'>" for n, value in enumerate(values, start=1))
    return f"<!DOCTYPE x [<!ENTITY a0 'ha'>{declared}]><x>&a{count - 1};</x>"


def attributes(count: int) -> str:
    declared = "".join(f"a{n} CDATA '1' " for n in range(count))
    return f"<!DOCTYPE x [<!ATTLIST x {declared}>]><x/>"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (entities(12, "&aN;" * 10), "entities that hold other entities"),
        (entities(12, "&#38;aN;" * 10), "entities that hold other entities"),
        (entities(2, "&lt;b>" * 10), "entities that hold other entities or elements"),
        (
            f"<!DOCTYPE x [<!ENTITY a '{'A' * 100_000}'>]><x>{'&a;' * 10_000}</x>",
            "expand to far more",
        ),
        (attributes(500), "declares more than 100"),
        ("<a>" * DEEP, "nested more than 200 deep"),
        ("<a><b></a>", "not well-formed XML: mismatched tag at line 1"),
        ("<a>&nosuch;</a>", "not well-formed XML: undefined entity"),
        ("just text", "not well-formed XML"),
    ],
    ids=["laughs", "hidden", "markup", "quadratic", "attributes", "deep", "tags", "entity", "text"],
)
def test_xml_that_is_refused(text: str, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        read_xml(text)


def test_files_named_by_entities_are_not_read() -> None:
    text = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>before &e; after</x>'
    assert read_xml(text).text == "x: before after"


@pytest.mark.timeout(60)
def test_a_line_without_end_is_read() -> None:
    words = "word \U0001f600 " * 430_000
    assert len(read_json(json.dumps({"a": words}, ensure_ascii=False)).blocks) == 1
    assert len(read_yaml(f"a: {words}").blocks) == 1
    assert len(read_xml(f"<a>{words}</a>").blocks) == 1
