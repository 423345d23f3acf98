"""What is content and what is furniture: twenty layouts, and the rules one by one."""

from pathlib import Path

import pytest

from benchmarks.html import LAYOUTS, UNSEEN, layouts, score
from rag.connectors.formats.html import HtmlFormat

PROSE = (
    "The ferry leaves at six in the morning and comes back at dusk, unless there is fog on "
    "the river, in which case it waits for the pilot to come aboard. "
)


def read(markup: str) -> str:
    return HtmlFormat().parse(markup.encode(), "a.html").text


def test_precision_and_recall_on_twenty_layouts() -> None:
    found = {path.stem: score(read(path.read_text()), expected) for path, expected in layouts()}
    assert len(found) == 20
    assert sum(one.precision for one in found.values()) / 20 >= 0.9
    assert sum(one.recall for one in found.values()) / 20 >= 0.9
    # None may fall far behind, and content is worth more than its absence of furniture.
    assert {
        name for name, one in found.items() if one.precision < 0.7 or one.recall < 0.95
    } == set()


def test_layouts_that_the_rules_were_not_made_with() -> None:
    found = [score(read(path.read_text()), text) for path, text in layouts(UNSEEN)]
    assert len(found) == 5
    assert sum(one.precision for one in found) / 5 >= 0.9
    assert sum(one.recall for one in found) / 5 >= 0.9


def test_the_score_can_fail() -> None:
    path, expected = next(iter(layouts()))
    assert path.parent == LAYOUTS
    assert score("", expected) == score("nothing of it here", expected).__class__(0.0, 0.0)
    assert score(expected, expected).precision == score(expected, expected).recall == 1.0
    assert score(f"{expected} {expected}", expected).precision == 0.5


def test_layouts_keep_their_structure() -> None:
    parsed = HtmlFormat().parse((LAYOUTS / "02-docs.html").read_bytes(), "a.html")
    kinds = [block.kind for block in parsed.blocks]
    assert {"heading", "paragraph", "code", "table"} == set(kinds)
    (table,) = [block for block in parsed.blocks if block.kind == "table"]
    assert table.headings == ("Retries", "Backoff")
    assert table.header == "Option | Default | Meaning"


@pytest.mark.parametrize(
    "furniture",
    [
        "<div class='left-sidebar__inner'><p>Most read</p></div>",
        "<ul class='breadcrumbs'><li>Home</li><li>Docs</li></ul>",
        "<div id='relatedPosts'><p>Also read this</p></div>",
        "<div role='dialog'><p>Sign up now</p></div>",
        "<div class='x1'><a href='/a'>One</a> <a href='/b'>Two</a> <a href='/c'>Three</a></div>",
        "<a class='btn btn-primary' href='/buy'>Buy</a>",
    ],
)
def test_furniture_is_left_out(furniture: str) -> None:
    page = f"<body><div>{furniture}<h1>Ferry</h1><p>{PROSE * 3}</p>{furniture}</div>"
    assert read(page) == f"Ferry\n\n{(PROSE * 3).strip()}"


@pytest.mark.parametrize(
    "content",
    [
        "<section id='pagination'><h2>Pagination</h2><p>Ask for a page.</p></section>",
        "<div class='has-sidebar'><p>Wrapped.</p></div>",
        "<div class='footnotes'><p>A note.</p></div>",
        "<aside class='admonition note'><p>Mind the gap.</p></aside>",
        "<h3><button aria-expanded='false'>When?</button></h3><p>At six.</p>",
        "<table><tr><th>Port</th><th>Code</th></tr><tr><td><a href='/a'>Aln</a></td>"
        "<td><a href='/b'>ALN</a></td></tr></table>",
        "<div class='menu'><p>Soup of the day, with bread and butter</p></div>",
    ],
)
def test_content_with_names_of_furniture_is_kept(content: str) -> None:
    page = f"<body><div><h1>Ferry</h1><p>{PROSE * 3}</p>{content}<p>{PROSE}</p></div>"
    words = set(HtmlFormat().parse(f"<main>{content}".encode(), "a").text.split())
    assert words
    assert words <= set(read(page).split())


def test_lists_of_links_within_landmarks_are_content() -> None:
    page = f"<main><h1>Ports</h1><p>{PROSE}</p><ul><li><a href='/a'>Aln</a><li><a>Brack</a></ul>"
    assert read(page).endswith("- Aln\n- Brack")


def test_a_rule_that_would_take_most_of_the_prose_gives_way() -> None:
    page = f"<body><h1>Ferry</h1><div class='comments'><p>{PROSE * 4}</p></div><p>{PROSE}</p>"
    assert read(page).count("ferry") == 5


def test_a_page_of_links_alone_is_still_a_page() -> None:
    links = "".join(f"<li><a href='/{n}'>Port number {n}</a></li>" for n in range(30))
    assert "Port number 29" in read(f"<body><ul>{links}</ul>")
    assert "Port number 29" in read(f"<body><h1>Index of all ports</h1>{PROSE}<ul>{links * 9}</ul>")


def test_texts_in_scripts_without_spaces_count_as_prose() -> None:
    text = "港は朝六時に開き、夕方に閉まります。霧のときは水先案内人を待ちます。" * 4
    page = f"<body><div>港の時刻表</div><div><h1>港</h1><p>{text}</p></div><div>会社概要</div>"
    assert read(page) == f"港\n\n{text}"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "part",
    [
        "<div class=sidebar>", "<div class=related><h1>x</h1>", "<header>", "<button>",
        "<ul><li><a href=#>x</a>", "<a href='#x'><div>", "<table><tr><td><a href=x>y</a>",
    ],
)  # fmt: skip
def test_many_parts_cost_no_square_time(part: str) -> None:
    assert isinstance(read(f"<body><p>{PROSE}</p>{part * 8_000}deep"), str)


def test_the_layouts_are_whole() -> None:
    names = {path.stem for path in Path(LAYOUTS).iterdir()}
    assert {path.suffix for path in Path(LAYOUTS).iterdir()} == {".html", ".txt"}
    assert len(names) == 20
