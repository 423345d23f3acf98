import pytest
from block_law import spans, visible
from hypothesis import given
from hypothesis import strategies as st

from rag.connectors.formats.format import Parsed
from rag.connectors.formats.markdown import MarkdownFormat
from rag.errors import DocumentError

GUIDE = """---
title: Port guide
date: 2024-01-02
pages: 3
draft: true
tags: [a, b]
---
# Fees *and* [dues](x)

Intro text
over two lines.

## Tariff ##

- one
- two

| Port | Fee |
|------|-----|
| Aln  | 3   |

```py
# not a heading
```

> quoted

Other
=====
***
[ref]: http://example.org
"""


def parse(text: str) -> Parsed:
    return MarkdownFormat().parse(text.encode(), "a.md")


def test_kinds_and_heading_paths() -> None:
    parsed = parse(GUIDE)
    spans(parsed)
    found = [(b.kind, b.headings) for b in parsed.blocks]
    fees, tariff = ("Fees and dues",), ("Fees and dues", "Tariff")
    assert found == [
        ("heading", fees),
        ("paragraph", fees),
        ("heading", tariff),
        ("list", tariff),
        ("table", tariff),
        ("code", tariff),
        ("paragraph", tariff),
        ("heading", ("Other",)),
        ("paragraph", ("Other",)),
        ("paragraph", ("Other",)),
    ]


def test_text_is_the_source_and_front_matter_metadata() -> None:
    parsed = parse(GUIDE)
    assert parsed.text == GUIDE.split("---\n", 2)[2]
    assert parsed.title == "Port guide"
    assert parsed.metadata == {"date": "2024-01-02", "pages": 3, "draft": True}
    assert visible("".join(spans(parsed))) == visible(parsed.text)


@pytest.mark.parametrize(
    "head",
    [
        "---\nnot: [closed\n---\n",
        "---\ndate: 2024-99-99\n---\n",
        "---\njust text\n---\n",
        "---\nno end\n",
        "---\n" + "[" * 2000 + "\n---\n",
        "---\na: !!bool perhaps\n---\n",
    ],
)
def test_what_is_no_front_matter_stays_text(head: str) -> None:
    parsed = parse(head + "\nBody.\n")
    assert parsed.text == head + "\nBody.\n"
    assert parsed.metadata == {}


def test_front_matter_holds_nothing_unstorable() -> None:
    head = '---\na: "x\\uD800\\0y"\nbig: 99999999999999999999\nn: .nan\nnone: ~\n---\nBody'
    assert parse(head).metadata == {"a": "xy"}
    assert parse(head).text == "Body"


def test_title_is_the_first_main_heading() -> None:
    assert parse("## Sub\n\n# Main `code`\n").title == "Main code"
    assert parse("text only").title == ""


def test_windows_newlines() -> None:
    parsed = MarkdownFormat().parse(b"# A\r\n\r\ntext\r\n", "a.md")
    assert spans(parsed) == ["# A", "text"]


def test_binary_is_refused() -> None:
    with pytest.raises(DocumentError, match="is binary"):
        MarkdownFormat().parse(b"# A\0", "a.md")


_LINES = st.sampled_from(
    ["# h", "text", "", "- a", "  - b", "|a|b|", "|-|-|", "```", "> q", "---", "1. x", "    c",
     "<b>", "[r]: x", "===", "\ufeff", "\x0b", "\u2028", "a\x0cb", "<!--", "-->", "\t- t"]
)  # fmt: skip


@given(st.one_of(st.lists(_LINES).map("\n".join), st.text()))
def test_blocks_cover_every_visible_character(text: str) -> None:
    try:
        parsed = MarkdownFormat().parse(text.encode("utf-8", "surrogatepass"), "a.md")
    except DocumentError:
        assert "\0" in text or any("\ud800" <= c <= "\udfff" for c in text)
        return
    assert visible("".join(spans(parsed))) == visible(parsed.text)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("unit", ["word ", ">", "[", "* ", "`", "<", "_a", "![", "\t"], ids=repr)
def test_a_line_without_end_takes_linear_time(unit: str) -> None:
    parsed = parse("x" + unit * (1_000_000 // len(unit)))
    assert len(parsed.blocks) == 1
