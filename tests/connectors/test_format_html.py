import pytest
from block_law import spans

from rag.connectors.formats.format import Parsed
from rag.connectors.formats.html import HtmlFormat
from rag.errors import DocumentError

PAGE = """<!doctype html><html lang="en-GB"><head><title>  Port
 fees </title><style>.x{}</style></head><body>
<header>Site name</header><nav>Menu</nav><div class="gdpr-cookie-bar">Accept all</div>
<main><header><h1>Fees <em>2025</em></h1></header>
<p>Hello   <b>bold</b>,<br>line&nbsp;two &amp; more<script>alert(1)</script></p>
<ul><li>One<ul><li>Nested</li></ul></li><li><p>Two</p></li></ul>
<h3>Tariff</h3>
<table><caption>In euros</caption>
<thead><tr><th>Port</th><th>Fee</th></tr></thead>
<tr><td>Aln</td><td>3 <br> or 4</td></tr></table>
<pre><code>def f():
    return 1
</code></pre>
<p hidden>secret</p><p aria-hidden="true">#</p><svg><text>drawn</text></svg>
<noscript>no script</noscript><template><p>later</p></template><form>Subscribe</form>
<div role="navigation">Next</div><aside>See also</aside>
loose <i>text</i></main><footer>Imprint</footer></body></html>"""


def parse(markup: str) -> Parsed:
    return HtmlFormat().parse(markup.encode(), "a.html")


def test_a_page_is_read_as_a_reader_sees_it() -> None:
    parsed = parse(PAGE)
    texts = spans(parsed)
    main, tariff = ("Fees 2025",), ("Fees 2025", "Tariff")
    found = [(b.kind, b.headings, t) for b, t in zip(parsed.blocks, texts, strict=True)]
    assert found == [
        ("heading", main, "Fees 2025"),
        ("paragraph", main, "Hello bold,\nline\xa0two & more"),
        ("list", main, "- One\n  - Nested\n- Two"),
        ("heading", tariff, "Tariff"),
        ("paragraph", tariff, "In euros"),
        ("table", tariff, "Port | Fee\nAln | 3 or 4"),
        ("code", tariff, "def f():\n    return 1"),
        ("paragraph", tariff, "loose text"),
    ]
    assert parsed.title == "Port fees"
    assert parsed.metadata == {"language_declared": "en-GB"}


def test_the_only_article_is_the_page_but_not_one_of_many() -> None:
    article = "<article><header>By Ann</header><p>{}</p></article>"
    page = "<body><p>around</p>{}</body>"
    assert parse(page.format(article.format("one"))).text == "By Ann\n\none"
    two = article.format("one") + article.format("two")
    assert parse(page.format(two)).text == "around\n\nBy Ann\n\none\n\nBy Ann\n\ntwo"


def test_an_empty_main_part_is_not_the_page() -> None:
    assert parse("<main><nav>x</nav></main><p>text").text == "text"


def test_a_page_within_one_form_is_read() -> None:
    assert parse("<body><form><p>text</p></form>").text == "text"


def test_content_named_for_cookies_is_kept() -> None:
    assert parse("<body class='no-cookies'><p>text").text == "text"
    assert parse("<div id='cookie-recipes'><h1>Cookies</h1><p>Bake.</div>").text == (
        "Cookies\n\nBake."
    )
    assert parse("<p>a</p><div id='acceptCookies'>Accept</div>").text == "a"


def test_layout_tables_are_no_tables() -> None:
    parsed = parse("<table><tr><td><h2>Head</h2><p>a</p><p>b</p></td></tr></table>")
    assert [b.kind for b in parsed.blocks] == ["heading", "paragraph", "paragraph"]
    parsed = parse("<table><tr><td>a<table><tr><td>1<td>2</table></td></tr></table>")
    assert [(b.kind, t) for b, t in zip(parsed.blocks, spans(parsed), strict=True)] == [
        ("paragraph", "a"),
        ("table", "1 | 2"),
    ]


def test_code_within_a_list() -> None:
    parsed = parse("<ol><li>Run<pre>make\n  all</pre>then wait</li></ol>")
    assert spans(parsed) == ["- Run", "make\n  all", "then wait"]


def test_title_falls_back_to_the_heading() -> None:
    assert parse("<h1>A <b>b</b></h1><p>x").title == "A b"
    assert parse("<p>x").title == ""


@pytest.mark.parametrize(
    ("head", "codec", "recorded"),
    [
        ('<meta charset="shift_jis">', "shift_jis", "shift_jis"),
        ('<meta charset="ISO-2022-JP">', "iso2022_jp", "iso2022_jp"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=gbk">', "gbk", "gbk"),
        ('<?xml version="1.0" encoding="euc-jp"?>', "euc-jp", "euc_jp"),
        ('<meta charset="utf-8">', "utf-8", None),
        ('<meta charset="nonsense">', "utf-8", None),
    ],
)
def test_the_declared_encoding_is_honoured(head: str, codec: str, recorded: str | None) -> None:
    parsed = HtmlFormat().parse(f"{head}<p>港の料金</p>".encode(codec), "a.html")
    assert parsed.text == "港の料金"
    assert parsed.metadata.get("encoding") == recorded


def test_utf8_that_declares_latin_1_is_utf8() -> None:
    parsed = HtmlFormat().parse('<meta charset="iso-8859-1"><p>Škerrin'.encode(), "a.html")
    assert parsed.text == "Škerrin"


def test_character_references_leave_nothing_unstorable() -> None:
    spans(parse("<p>a&#0;b&#xD800;c</p>"))


def test_a_pdf_by_another_name_is_refused() -> None:
    with pytest.raises(DocumentError, match=r"not HTML although its name says so: .* a PDF"):
        HtmlFormat().parse(b"%PDF-1.7", "a.html")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "tag",
    ["div", "span", "ul", "blockquote", "ul><li", "table><tr><td", "b><p", "div class=cookie"],
)
def test_depth_costs_neither_stack_nor_square_time(tag: str) -> None:
    parsed = parse(f"<body><p>before</p>{f'<{tag}>' * 50_000}<!-- -->deep")
    spans(parsed)
    assert parsed.text.startswith("before")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "one", ["a%d=1 ", "a%d ", "a%d/", "a%d='>' ", 'a%d="<p>"', "<a%d ", "=%d="]
)
def test_attributes_of_a_tag_take_linear_time(one: str) -> None:
    attributes = "".join(one % number for number in range(100_000))
    parsed = parse(f"<p>before <b {attributes}>harbour</b> after")
    assert parsed.text == "before harbour after"


def test_comparisons_in_scripts_end_with_them() -> None:
    script = f"<script>for (i=0;i<n;i++) {{ {'a word of it ' * 500}}}</script>"
    assert parse(f"<p>before{script}<p>after").text == "before\n\nafter"


def test_text_after_great_depth_is_kept() -> None:
    deep = "<div>" * 3000 + "deep" + "</div>" * 3000
    assert parse(f"{deep}<p>after</p>").text == "deep\n\nafter"
