from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from rag.errors import MissingExtraError
from rag.evaluate import charts
from rag.evaluate.intervals import Interval
from rag.evaluate.page import Picture, Table, Text, page
from rag.evaluate.report_page import check_installed

HOSTILE = '<script src="https://example.org/x.js">alert("&")</script>'


class Tags(HTMLParser):
    """Every tag with its attributes, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def drawings() -> list[str]:
    mean = Interval(0.5, 0.4, 0.7)
    series = [charts.Series(HOSTILE, [1, 5], [0.2, 0.4], [0.1, 0.3], [0.3, 0.5])]
    return [
        charts.svg(charts.dots({HOSTILE: {"a": mean, "b": mean}, "R@10": {"a": mean}})),
        charts.svg(charts.bars([0.5, -0.25, 0.0], y=HOSTILE)),
        charts.svg(charts.lines(series, x="k", y="hit", marks={"here": 2.0}, level=0.3)),
    ]


def test_everything_is_escaped_and_nothing_is_fetched() -> None:
    pictures = [Picture(svg, HOSTILE) for svg in drawings()]
    table = Table([HOSTILE], [[HOSTILE]], HOSTILE)
    html = page(HOSTILE, [Text([HOSTILE], heading=HOSTILE), table, *pictures])
    read = Tags(html)
    names = {name for name, _ in read.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "image"}
    assert [name for name, _ in read.tags].count("svg") == 3
    assert read.text.count(HOSTILE) >= 6
    fetched = re.findall(
        r"""(?:src|href|url)\s*[=(]\s*["']?([^"')]+)""", re.sub("&lt;.*?&gt;", "", html)
    )
    assert fetched and all(target.startswith("#") for target in fetched)
    assert "@import" not in html


def test_pictures_and_tables_say_what_they_are() -> None:
    table = Table(["pipeline", "nDCG@10"], [["bm25", "0.612 [0.50, 0.71]"]], "Means of all")
    read = Tags(page("Report", [table, Picture(drawings()[0], "Dots & lines")]))
    attributes = [given for _, given in read.tags]
    assert {"role": "img", "aria-label": "Dots & lines"} in attributes
    assert read.tags.count(("th", {"scope": "col"})) == 2
    assert read.tags.count(("th", {"scope": "row"})) == 1
    assert read.tags.count(("td", {"class": "number"})) == 1
    assert "Means of all" in read.text
    ids = [given["id"] for given in attributes if given.get("id")]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("cell", ["12", "-0.5", "+0.034 [-0.01, +0.08]", "1,204", "1.2 s", "35 %"])
def test_numbers_are_flush_right(cell: str) -> None:
    assert '<td class="number">' in page("t", [Table(["a", "b"], [["x", cell]], "c")])
    assert '<td class="number">' not in page("t", [Table(["a", "b"], [["x", f"q{cell}"]], "c")])


def test_charts_are_the_same_each_time_and_hold_their_text() -> None:
    first, again = drawings(), drawings()
    assert first == again
    assert "mean with its 95 % interval" in first[0]
    assert "better (1)" in first[1] and "worse (1)" in first[1]
    assert "1 of them equal" in first[1]


def test_names_are_shown_as_they_are() -> None:
    mean = Interval(0.5, 0.4, 0.7)
    svg = charts.svg(charts.dots({"$R$": {"_hidden": mean, "a $b$ c": mean, "検索": mean}}))
    assert all(name in svg for name in ("$R$", "_hidden", "a $b$ c", "検索"))


def test_png() -> None:
    assert charts.png(charts.bars([0.1], y="difference")).startswith(b"\x89PNG")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    check_installed()
    for module, tried in (
        ("jinja2", lambda: page("t", [])),
        ("matplotlib.figure", check_installed),
    ):
        with monkeypatch.context() as patch:
            patch.setitem(__import__("sys").modules, module, None)
            with pytest.raises(MissingExtraError, match=r"pip install 'ragline\[plots\]'"):
                tried()
