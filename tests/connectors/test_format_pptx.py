from __future__ import annotations

from typing import Any

import pptx
from block_law import spans
from office_files import sample, saved, with_part
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from rag.connectors.formats.format import Parsed
from rag.connectors.formats.pptx import PptxFormat

BLANK = 6
TITLE_ONLY = 5
BULLETS = 1


def of(deck: Any) -> Parsed:
    return PptxFormat().parse(saved(deck.save), "a.pptx")


def box(shapes: Any, text: str, left: float, top: float, width: float = 3) -> None:
    size = (Inches(left), Inches(top), Inches(width), Inches(0.8))
    shapes.add_textbox(*size).text_frame.text = text


def test_slides_titles_lists_tables_and_notes() -> None:
    parsed = PptxFormat().parse(sample("PPTX", "one\ntwo"), "a.pptx")
    found = [
        (b.kind, b.page, b.place, b.headings, t)
        for b, t in zip(parsed.blocks, spans(parsed), strict=True)
    ]
    assert found == [
        ("heading", 1, "slide 1", ("Fees",), "Fees"),
        ("list", 1, "slide 1", ("Fees",), "- one\n- two"),
        ("table", 1, "slide 1", ("Fees",), "Port | Fee\nAln | 3"),
        ("paragraph", 1, "slide 1, notes", ("Fees",), "Say it."),
    ]
    assert parsed.blocks[2].header == "Port | Fee"
    assert (parsed.title, parsed.metadata["slides"]) == ("Fees", 1)


def test_a_slide_without_a_title_stands_beneath_none() -> None:
    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[TITLE_ONLY])
    first.shapes.title.text = "First"
    box(deck.slides.add_slide(deck.slide_layouts[BLANK]).shapes, "alone", 1, 1)
    parsed = of(deck)
    assert [(b.page, b.headings) for b in parsed.blocks] == [(1, ("First",)), (2, ())]


def test_slides_are_read_in_the_order_of_the_presentation() -> None:
    deck = pptx.Presentation()
    for text in ("one", "two", "three"):
        slide = deck.slides.add_slide(deck.slide_layouts[TITLE_ONLY])
        slide.shapes.title.text = text
    order = deck.slides._sldIdLst
    order.insert(0, order[2])
    assert spans(of(deck)) == ["three", "one", "two"]


def test_the_order_of_shapes_stays_where_it_reads_well() -> None:
    deck = pptx.Presentation()
    shapes = deck.slides.add_slide(deck.slide_layouts[BLANK]).shapes
    for text, left, top in (("a", 5, 1), ("b", 5, 3), ("c", 0, 1), ("d", 0, 3)):
        box(shapes, text, left, top)
    assert spans(of(deck)) == ["a", "b", "c", "d"]


def test_shapes_out_of_order_are_read_by_columns() -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[TITLE_ONLY])
    for text, left, top, width in (
        ("foot", 0, 6, 9), ("right below", 5, 4, 3), ("left below", 0, 4, 3),
        ("right", 5, 2, 3), ("left", 0, 2, 3),
    ):  # fmt: skip
        box(slide.shapes, text, left, top, width)
    slide.shapes.title.text = "Title"
    assert spans(of(deck)) == ["Title", "left", "left below", "right", "right below", "foot"]


def test_places_come_from_the_layout_where_a_shape_has_none() -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[BULLETS])
    slide.placeholders[1].text = "body of the slide"
    box(slide.shapes, "above the body", 0.5, 0, 9)
    assert spans(of(deck)) == ["above the body", "body of the slide"]


def test_groups_hold_together() -> None:
    deck = pptx.Presentation()
    shapes = deck.slides.add_slide(deck.slide_layouts[BLANK]).shapes
    inner = shapes.add_group_shape()
    box(inner.shapes, "below", 0, 2)
    box(inner.shapes, "above", 0, 1)
    deeper = inner.shapes.add_group_shape()
    box(deeper.shapes, "deep", 0, 5)
    box(shapes, "last", 0, 7)
    assert spans(of(deck)) == ["above", "below", "deep", "last"]


def test_merged_cells_of_tables() -> None:
    deck = pptx.Presentation()
    shapes = deck.slides.add_slide(deck.slide_layouts[BLANK]).shapes
    table = shapes.add_table(3, 3, 0, 0, Inches(5), Inches(2)).table
    for row in range(3):
        for column in range(3):
            table.cell(row, column).text = f"{row}{column}"
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(1, 0).merge(table.cell(2, 0))
    assert of(deck).text == "00 | 01 02 | \n10 20 | 11 | 12\n10 20 | 21 | 22"


def test_charts_are_tables_of_what_they_show() -> None:
    deck = pptx.Presentation()
    data = CategoryChartData()
    data.categories = ["Aln", "Skerrin"]
    data.add_series("2023", (1.5, None))
    data.add_series("2024", (3, 0.1 + 0.2))
    shapes = deck.slides.add_slide(deck.slide_layouts[BLANK]).shapes
    size = (0, 0, Inches(5), Inches(3))
    chart = shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *size, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Fees by port"
    parsed = of(deck)
    assert spans(parsed) == ["Fees by port", " | 2023 | 2024\nAln | 1.5 | 3\nSkerrin |  | 0.3"]


def test_numbers_of_slides_and_hidden_shapes_are_left_out() -> None:
    field = (
        '<a:fld id="{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}" type="slidenum"><a:t>7</a:t></a:fld>'
    )
    data = with_part(
        sample("PPTX", "one"),
        "ppt/slides/slide1.xml",
        lambda text: text.replace("<a:t>one</a:t></a:r>", f"<a:t>one</a:t></a:r>{field}").replace(
            'name="Table 3"', 'name="Table 3" hidden="1"'
        ),
    )
    assert spans(PptxFormat().parse(data, "a.pptx")) == ["Fees", "one", "Say it."]


def test_a_slide_listed_twice_is_read_once() -> None:
    data = with_part(
        sample("PPTX"),
        "ppt/presentation.xml",
        lambda text: text.replace(
            "</p:sldIdLst>", '<p:sldId id="300" r:id="rId7"/>' * 2 + "</p:sldIdLst>"
        ),
    )
    assert PptxFormat().parse(data, "a.pptx").metadata["slides"] == 1
