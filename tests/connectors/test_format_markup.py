"""reStructuredText, AsciiDoc, notebooks and subtitles."""

import json
from collections.abc import Mapping

import pytest
from block_law import spans, visible
from hypothesis import given
from hypothesis import strategies as st

from rag.connectors.formats.asciidoc import AsciiDocFormat
from rag.connectors.formats.format import Parsed
from rag.connectors.formats.notebook import NotebookFormat
from rag.connectors.formats.restructuredtext import ReStructuredTextFormat
from rag.connectors.formats.subtitles import SubtitleFormat
from rag.errors import DocumentError

RST = """=======
 Ports
=======
:Author: A. Lee
:Date: 2024

Intro with ``code``
over lines.

Fees of :ref:`Aln <aln>`
------------------------

- one
- two

  more

Example::

   x = 1

   y = 2

.. code-block:: python

   z = 3

.. include:: /etc/passwd

+------+-----+
| Port | Fee |
+======+=====+
| Aln  | 3   |
+------+-----+

====  ====
Port  Fee
====  ====
Aln   3
====  ====

Deeper
~~~~~~

>>> 1 + 1
2

Other
-----

text
"""

ADOC = """= Port Guide
Ann Lee <ann@example.org>
v1.2, 2024-03-01
:description: About ports
:toc:

Intro text.

== Fees *and* dues

* one
* two
+
----
code

more
----
* three

.Listing
[source,python]
----
== not a heading
----

[options="header"]
|===
|Port |Fee
|Aln |3
|===

include::/etc/passwd[]

Old style
---------

 literal

term:: meaning
"""

VTT = """WEBVTT - Harbour talk

NOTE not said

1
00:00:01.000 --> 00:00:04.000 align:start
<v Ann Lee>We are in <i>New</i>
<00:00:02.000><c.x>Aln</c> &amp; glad

named cue
00:05.000 --> 00:06.000
<v Bo>So am I.

01:00:05.000 --> 01:00:06.000
Later
"""

SRT = """1
00:00:01,000 --> 00:00:04,000
<i>Hello</i> {\\an8}there
if 3 < 4

2
00:00:05,000 --> 00:00:06,000
JOHN: Yes.
"""

ASS = """[Script Info]
Title: Walks
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,not said
Dialogue: 0,0:01:23.00,0:01:24.00,Default,Anna,0,0,0,,{\\i1}Hello\\Nthere, you
Dialogue: 0,0:01:24.00,0:01:25.00,Default,,0,0,0,,{\\p1}m 0 0 l 1 1
"""


def rst(text: str) -> Parsed:
    return ReStructuredTextFormat().parse(text.encode(), "a.rst")


def adoc(text: str) -> Parsed:
    return AsciiDocFormat().parse(text.encode(), "a.adoc")


def subtitles(text: str) -> list[tuple[str, str]]:
    parsed = SubtitleFormat().parse(text.encode(), "a.srt")
    return [(b.place, t) for t, b in zip(spans(parsed), parsed.blocks, strict=True)]


def notebook(value: object) -> Parsed:
    return NotebookFormat().parse(json.dumps(value).encode(), "a.ipynb")


def outline(parsed: Parsed) -> list[tuple[str, tuple[str, ...], str]]:
    spans(parsed)
    return [(b.kind, b.headings, b.header) for b in parsed.blocks]


def test_structure_of_restructuredtext() -> None:
    parsed = rst(RST)
    ports, fees = ("Ports",), ("Ports", "Fees of Aln")
    assert parsed.text == RST
    assert (parsed.title, parsed.metadata) == ("Ports", {"author": "A. Lee", "date": "2024"})
    assert outline(parsed) == [
        ("heading", ports, ""),
        ("list", ports, ""),
        ("paragraph", ports, ""),
        ("heading", fees, ""),
        ("list", fees, ""),
        ("paragraph", fees, ""),
        ("code", fees, ""),
        ("code", fees, ""),
        ("paragraph", fees, ""),
        ("table", fees, "Port | Fee"),
        ("table", fees, "Port | Fee"),
        ("heading", (*fees, "Deeper"), ""),
        ("code", (*fees, "Deeper"), ""),
        ("heading", ("Ports", "Other"), ""),
        ("paragraph", ("Ports", "Other"), ""),
    ]
    assert spans(parsed)[6] == "   x = 1\n\n   y = 2"


def test_structure_of_asciidoc() -> None:
    parsed = adoc(ADOC)
    guide = ("Port Guide",)
    fees, old = (*guide, "Fees and dues"), (*guide, "Old style")
    assert parsed.text == ADOC
    assert parsed.title == "Port Guide"
    assert parsed.metadata == {
        "author": "Ann Lee",
        "email": "ann@example.org",
        "revdate": "2024-03-01",
        "revnumber": "1.2",
        "description": "About ports",
    }
    assert outline(parsed) == [
        ("heading", guide, ""),
        ("paragraph", guide, ""),
        ("paragraph", guide, ""),
        ("heading", fees, ""),
        ("list", fees, ""),
        ("code", fees, ""),
        ("table", fees, "Port | Fee"),
        ("paragraph", fees, ""),
        ("heading", old, ""),
        ("code", old, ""),
        ("list", old, ""),
    ]
    assert spans(parsed)[5].startswith(".Listing\n[source,python]\n----\n== not")


_RST_LINES = st.sampled_from(
    ["Title", "=====", "-", "----", "", "- a", "  b", "::", "x::", ".. a:: b", ".. c", "+--+",
     "|a|", "+==+", "== ==", "a  b", ":f: v", ":f:", "1. x", ">>> 1", "..", "__ x", "\x0b",
     "\u05d0\u05d1", "\U0001f600", "\u2028"]
)  # fmt: skip
_ADOC_LINES = st.sampled_from(
    ["= T", "== S", "Title", "-----", "----", "....", "|===", "|a |b", "", "* a", ". b", "+",
     ":a: b", ":a: b \\", "[x]", ".T", "t:: d", " lit", "```", "====", "//", "////", "A <b@c>",
     "v1, 2024-01-02", "\u05d0\u05d1", "\U0001f600", "\x0b"]
)  # fmt: skip


@given(st.lists(_RST_LINES).map("\n".join))
def test_blocks_cover_restructuredtext(text: str) -> None:
    parsed = rst(text)
    assert visible("".join(spans(parsed))) == visible(text)


@given(st.lists(_ADOC_LINES).map("\n".join))
def test_blocks_cover_asciidoc(text: str) -> None:
    parsed = adoc(text)
    assert visible("".join(spans(parsed))) == visible(text)


def test_simple_tables_end_where_docutils_ends_them() -> None:
    tables = "== ==\na  b\n== ==\nc  d\n\ne  f\n== ==\nText.\n\n== ==\na  b\n== ==\n\nMore.\n"
    parsed = rst(tables)
    assert [(b.kind, t) for b, t in zip(parsed.blocks, spans(parsed), strict=True)] == [
        ("table", "== ==\na  b\n== ==\nc  d\n\ne  f\n== =="),
        ("paragraph", "Text."),
        ("table", "== ==\na  b\n== =="),
        ("paragraph", "More."),
    ]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit",
    ["word ", "- ", "[", "`", "| ", "=", "::", "\n- a", "\n----", "\n|===", "\n[a]", "\n:a: b",
     "\n.. a", "\n  - b", "\nA\n-", "\n+-+", "\n== ==", "\n== ==\na\n\n"],
    ids=repr,
)  # fmt: skip
def test_long_sources_take_linear_time(unit: str) -> None:
    for read in (rst, adoc):
        parsed = read("x" + unit * (600_000 // len(unit)))
        assert spans(parsed)


def cell(kind: str, source: object, **more: object) -> Mapping[str, object]:
    return {"cell_type": kind, "source": source, "metadata": {}, **more}


def test_cells_of_a_notebook() -> None:
    printed = [
        {"output_type": "stream", "text": ["hello\n"]},
        {"output_type": "error", "ename": "KeyError", "evalue": "\x1b[31mport\x1b[0m"},
        {"output_type": "execute_result", "data": {"text/plain": "z" * 3000, "text/html": "no"}},
        {"output_type": "display_data", "data": {"image/png": "no"}},
    ]
    cells = [
        cell("markdown", ["# Ports\n", "\n", "Text \U0001f600"]),
        cell("code", "x = 1", outputs=printed),
        cell("markdown", "## Fees\n\n- a"),
        cell("raw", "as it is"),
        cell("code", ""),
    ]
    parsed = notebook({"cells": cells, "metadata": {"language_info": {"name": "python"}}})
    texts = spans(parsed)
    ports, fees = ("Ports",), ("Ports", "Fees")
    assert [(b.kind, b.place, b.headings) for b in parsed.blocks] == [
        ("heading", "cell 1", ports),
        ("paragraph", "cell 1", ports),
        ("code", "cell 2", ports),
        ("code", "cell 2", ports),
        ("heading", "cell 3", fees),
        ("list", "cell 3", fees),
        ("paragraph", "cell 4", fees),
    ]
    assert texts[3].startswith("hello\nKeyError: port\nzzz")
    assert texts[3].endswith("z\n[1,021 more characters are in the notebook]")
    assert (parsed.title, parsed.metadata) == ("Ports", {"programming_language": "python"})


@pytest.mark.parametrize("value", [[], {}, {"cells": 3}, "x", {"worksheets": []}])
def test_what_is_no_notebook_is_refused(value: object) -> None:
    with pytest.raises(DocumentError, match="is no notebook"):
        notebook(value)


def test_odd_cells_are_survived() -> None:
    odd = [None, 3, {}, {"cell_type": []}, cell("markdown", {"a": "b"}), cell("code", [None, "x"])]
    assert notebook({"cells": odd}).text == "x"


def test_webvtt_keeps_who_speaks() -> None:
    assert subtitles(VTT) == [
        ("00:00:01", "Ann Lee: We are in New Aln & glad"),
        ("00:00:05", "Bo: So am I."),
        ("01:00:05", "Later"),
    ]
    assert SubtitleFormat().parse(VTT.encode(), "a.vtt").title == "Harbour talk"


def test_srt_and_ass() -> None:
    assert subtitles(SRT) == [("00:00:01", "Hello there if 3 < 4 JOHN: Yes.")]
    assert subtitles(ASS) == [("00:01:23", "Anna: Hello there, you")]
    assert SubtitleFormat().parse(ASS.encode(), "a.ass").title == "Walks"


def test_cues_are_joined_to_paragraphs_that_end_with_sentences() -> None:
    cues = [f"00:{n // 60:02}:{n % 60:02},000 --> x\nSix words make this\n" for n in range(600)]
    cues = [cue.replace("x\n", "00:59:00,000\n") for cue in cues]
    ended = [cue.replace("this", "end.") if n % 7 == 6 else cue for n, cue in enumerate(cues)]
    found = subtitles("\n".join(ended))
    assert all(text.endswith("end.") for _, text in found[:-1])
    assert all(300 <= len(text) <= 900 for _, text in found[:-1])
    unpunctuated = subtitles("\n".join(cues))
    assert max(len(text) for _, text in unpunctuated) < 1000


def test_a_line_said_again_is_read_once() -> None:
    text = "0:01.000 --> 0:02.000\nWe sail\n\n0:02.000 --> 0:03.000\nWe sail\n"
    assert subtitles(text) == [("00:00:01", "We sail")]


@pytest.mark.parametrize("text", ["no cue", "00:00:01,000 --> later\n\n", "[Events]\nDialogue: 1"])
def test_what_has_no_cue_is_refused(text: str) -> None:
    with pytest.raises(DocumentError, match="has no cue"):
        subtitles(text)
