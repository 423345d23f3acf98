"""Files of several formats, made of synthetic text; the same for the same seed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping

from benchmarks.corpus import Corpus

_SECTIONS = 8
_WORDS = 250
_ROWS = 200


def mixed(count: int, extensions: set[str], seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """`count` files, name and bytes: of each kind that is known here and is in `extensions`."""
    corpus = Corpus(seed=seed)
    makers = [(one, make) for one, make in _MAKERS.items() if one in extensions]
    for number in range(count):
        extension, make = makers[number % len(makers)]
        yield f"file{number:04}{extension}", make(corpus)


def _sections(corpus: Corpus) -> list[tuple[str, list[str]]]:
    """Headings, each with paragraphs."""
    return [
        (" ".join(corpus.draw(4)), [corpus.text(_WORDS // 2) for _ in range(2)])
        for _ in range(_SECTIONS)
    ]


def _rows(corpus: Corpus, count: int = _ROWS) -> list[list[str]]:
    head = [f"{word} name" for word in corpus.words[200:206]]
    return [head, *([*corpus.draw(5), str(number)] for number in range(count))]


def _text(corpus: Corpus) -> bytes:
    return "\n\n".join("\n\n".join([title, *body]) for title, body in _sections(corpus)).encode()


def _markdown(corpus: Corpus) -> bytes:
    parts = (f"## {title}\n\n" + "\n\n".join(body) for title, body in _sections(corpus))
    return ("# Report\n\n" + "\n\n".join(parts)).encode()


def _html(corpus: Corpus) -> bytes:
    parts = (
        f"<h2>{title}</h2>" + "".join(f"<p>{text}</p>" for text in body)
        for title, body in _sections(corpus)
    )
    return f"<!DOCTYPE html><title>Report</title><main>{''.join(parts)}</main>".encode()


def _csv(corpus: Corpus) -> bytes:
    made = io.StringIO()
    csv.writer(made).writerows(_rows(corpus))
    return made.getvalue().encode()


def _pdf(corpus: Corpus) -> bytes:
    from fpdf import FPDF

    made = FPDF()
    made.add_page()
    for title, body in _sections(corpus):
        for size, text in ((16, title), *((10, text) for text in body)):
            made.set_font("helvetica", size=size)
            made.multi_cell(0, size * 0.5, text, new_x="LMARGIN", new_y="NEXT")
            made.ln(4)
    return bytes(made.output())


def _docx(corpus: Corpus) -> bytes:
    import docx

    made = docx.Document()
    for title, body in _sections(corpus):
        made.add_heading(title, 2)
        for text in body:
            made.add_paragraph(text)
    return _saved(made.save)


def _pptx(corpus: Corpus) -> bytes:
    import pptx

    made = pptx.Presentation()
    for title, body in _sections(corpus):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = "\n".join(body)
    return _saved(made.save)


def _xlsx(corpus: Corpus) -> bytes:
    import xlsxwriter

    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet("Data")
        for number, row in enumerate(_rows(corpus)):
            sheet.write_row(number, 0, row)
    return made.getvalue()


def _saved(save: Callable[[io.BytesIO], None]) -> bytes:
    made = io.BytesIO()
    save(made)
    return made.getvalue()


_MAKERS: Mapping[str, Callable[[Corpus], bytes]] = {
    ".txt": _text,
    ".md": _markdown,
    ".html": _html,
    ".csv": _csv,
    ".pdf": _pdf,
    ".docx": _docx,
    ".pptx": _pptx,
    ".xlsx": _xlsx,
}
