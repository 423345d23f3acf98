"""Small valid files of every format, by extension: what mutations start from."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from fpdf import FPDF

PROSE = (
    "The harbour master assigns a berth to every vessel that has announced its arrival a day "
    "ahead, and the pilot boards at the outer buoy unless the weather forbids it."
)
STRANGE = "e\u0301 \u05e9\u05dc\u05d5\u05dd \U0001d538\u200f \ufeff \u2028 Stra\xdfe"
ROWS = (("Port", "Fee", "Depth"), ("Aln", "1,50", "7"), ("Skerrin", "2.25", "11"))


def seeds(extension: str) -> list[bytes]:
    """Valid files with this extension; none where it is not known here."""
    return [make() for make in _MAKERS.get(extension, ())]


def packed(members: Mapping[str, str | bytes], stored: str = "") -> bytes:
    """A zip archive of `members`; the one named `stored` comes first and is not compressed."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            method = zipfile.ZIP_STORED if name == stored else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return made.getvalue()


def _text() -> bytes:
    return f"{PROSE}\n\n{STRANGE}\n\n  - a\n  - b\n\tindented\n".encode()


def _text_16() -> bytes:
    return f"{PROSE}\n\n{STRANGE}".encode("utf-16")


def _text_western() -> bytes:
    return f"{PROSE}\n\ncaf\xe9 stra\xdfe".encode("cp1252")


def _markdown() -> bytes:
    return f"""---
title: Harbours
tags: [a, b]
date: 2024-03-01
---
# One *strong* `code`

{PROSE} [link](http://a/b "t") ![image](x.png) <b>html</b> &amp; {STRANGE}

> quote
> > deeper

1. first
   - nested
     continued
2. second

| Port | Fee |
|:-----|----:|
| Aln  | 1   |

```python
print("x")
```

Setext
======

[ref]: http://a "title"
***
    indented code
""".encode()


def _html() -> bytes:
    return f"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Harbours</title>
<style>p {{}}</style><script>var a = "<p>";</script></head><body><nav><a href="/">home</a></nav>
<main><h1>One</h1><p>{PROSE} <b>bold <i>both</b> italic</i> {STRANGE}</p><ul><li>a<li>b<ul><li>c
</ul></ul><table><caption>t</caption><tr><th>Port<th>Fee<tr><td rowspan=2>Aln<td>1</table>
<pre>  code
  more</pre><!-- comment --><svg><text>x</text></svg><p hidden>no</p></main>
<footer>end</footer></body></html>""".encode()


def _csv() -> bytes:
    return ("\n".join(";".join(row) for row in ROWS) + '\n"a ""quoted""\ncell";x;"";y\n').encode()


def _tsv() -> bytes:
    return ("\n".join("\t".join(row) for row in ROWS) + f"\n{STRANGE}\t1\t2\n").encode()


def _pdf(compress: bool = False) -> bytes:
    pdf = FPDF()
    pdf.set_compression(compress)
    pdf.set_creation_date(datetime(2024, 3, 1, tzinfo=UTC))
    pdf.set_title("Harbours")
    for page in range(1, 4):
        pdf.add_page()
        pdf.set_font("helvetica", size=18)
        pdf.start_section(f"Chapter {page}")
        pdf.cell(0, 10, f"Chapter {page}", new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("helvetica", size=11)
        pdf.multi_cell(0, 6, PROSE * page, new_x="LMARGIN", new_y="NEXT")
        with pdf.table() as table:
            for cells in ROWS:
                row = table.row()
                for cell in cells:
                    row.cell(cell)
        pdf.link(10, 10, 20, 20, "http://a/b")
    return bytes(pdf.output())


def _pdf_compressed() -> bytes:
    return _pdf(compress=True)


def _docx() -> bytes:
    import docx

    made = docx.Document()
    made.core_properties.title = "Harbours"
    made.add_heading("One", 1)
    made.add_paragraph(f"{PROSE} {STRANGE}")
    made.add_paragraph("item", style="List Bullet")
    table = made.add_table(0, 3)
    for cells in ROWS:
        for cell, text in zip(table.add_row().cells, cells, strict=True):
            cell.text = text
    made.add_heading("Two", 2)
    made.add_paragraph("end")
    return _saved(made.save)


def _pptx() -> bytes:
    import pptx
    from pptx.util import Inches

    made = pptx.Presentation()
    for number in range(2):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = f"Slide {number}"
        slide.placeholders[1].text = PROSE
        slide.notes_slide.notes_text_frame.text = "a note"
        frame = slide.shapes.add_table(3, 3, *(Inches(1),) * 4)
        for row, cells in enumerate(ROWS):
            for column, text in enumerate(cells):
                frame.table.cell(row, column).text = text
    return _saved(made.save)


def _xlsx() -> bytes:
    import xlsxwriter

    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as workbook:
        dated = workbook.add_format({"num_format": "yyyy-mm-dd"})
        sheet = workbook.add_worksheet("Fees")
        for number, row in enumerate(ROWS):
            sheet.write_row(number, 0, row)
        sheet.write_datetime(3, 0, datetime(2024, 3, 1), dated)
        sheet.write_formula(3, 1, "=B2+B3", value=3.5)
        sheet.merge_range("A5:C5", STRANGE)
        workbook.add_worksheet("Notes").write_row(0, 0, [PROSE, True, 1e300])
    return made.getvalue()


def _saved(save: Callable[[io.BytesIO], None]) -> bytes:
    made = io.BytesIO()
    save(made)
    return made.getvalue()


_ODF = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" '
    'xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
)


def opendocument(body: str, kind: str = "text", prolog: str = "") -> bytes:
    """An OpenDocument whose body is the XML `body`."""
    mime = f"application/vnd.oasis.opendocument.{kind}"
    content = (
        f"<?xml version='1.0' encoding='UTF-8'?>{prolog}<office:document-content {_ODF} "
        f'office:version="1.3"><office:body><office:{kind}>{body}</office:{kind}></office:body>'
        "</office:document-content>"
    )
    meta = (
        f"<?xml version='1.0' encoding='UTF-8'?><office:document-meta {_ODF} office:version='1.3'>"
        "<office:meta><dc:title>Harbours</dc:title></office:meta></office:document-meta>"
    )
    entries = "".join(
        f'<manifest:file-entry manifest:full-path="{path}" manifest:media-type="{media}"/>'
        for path, media in (("/", mime), ("content.xml", "text/xml"), ("meta.xml", "text/xml"))
    )
    manifest = f"<manifest:manifest {_ODF} manifest:version='1.3'>{entries}</manifest:manifest>"
    members = {"mimetype": mime, "content.xml": content, "meta.xml": meta}
    return packed({**members, "META-INF/manifest.xml": manifest}, stored="mimetype")


_ODF_CELL = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
_ODF_ROW = "<table:table-row>{}</table:table-row>"


def _odf_table() -> str:
    rows = (_ODF_ROW.format("".join(map(_ODF_CELL.format, row))) for row in ROWS)
    return f'<table:table table:name="Fees">{"".join(rows)}</table:table>'


def _odt() -> bytes:
    return opendocument(
        f'<text:h text:outline-level="1">One</text:h><text:p>{PROSE}<text:s text:c="3"/>'
        f"<text:tab/><text:line-break/>{STRANGE}</text:p><text:list><text:list-item><text:p>item"
        f"</text:p></text:list-item></text:list>{_odf_table()}"
    )


def _ods() -> bytes:
    return opendocument(_odf_table(), "spreadsheet")


def _odp() -> bytes:
    slide = "<draw:page><draw:frame><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>"
    slides = "".join(f"{slide.format(text)}</draw:page>" for text in (PROSE, STRANGE))
    return opendocument(slides, "presentation")


def _old_office() -> bytes:
    """The head of a compound file, which Word, Excel and PowerPoint kept to until 2007."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + b"\x3e\0\x03\0\xfe\xff" + b"\0" * 482


_CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" '
    'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile '
    'full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles>'
    "</container>"
)


def book(chapters: Mapping[str, str | bytes], spine: int = 1, prolog: str = "") -> bytes:
    """An EPUB of XHTML `chapters` by name, the spine said `spine` times over."""
    items = "".join(
        f'<item id="c{n}" href="{name}" media-type="application/xhtml+xml"/>'
        for n, name in enumerate(chapters)
    )
    order = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters))) * spine
    package = (
        f'<?xml version="1.0" encoding="utf-8"?>{prolog}<package version="3.0" '
        'unique-identifier="id" xmlns="http://www.idpf.org/2007/opf"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Harbours</dc:title>'
        '<dc:identifier id="id">x</dc:identifier><dc:language>en</dc:language></metadata>'
        f"<manifest>{items}</manifest><spine>{order}</spine></package>"
    )
    parts = {f"OEBPS/{name}": content for name, content in chapters.items()}
    members = {"mimetype": "application/epub+zip", "META-INF/container.xml": _CONTAINER}
    return packed({**members, "OEBPS/book.opf": package, **parts}, stored="mimetype")


def chapter(body: str, prolog: str = "") -> str:
    """An XHTML page."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?>{prolog}<html '
        f'xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body>{body}</body>'
        "</html>"
    )


def _epub() -> bytes:
    pages = (f"<h1>Chapter {n}</h1><p>{PROSE} {STRANGE}</p><ul><li>a</li></ul>" for n in range(2))
    return book({f"chapter{n}.xhtml": chapter(page) for n, page in enumerate(pages)})


def _rst() -> bytes:
    return f"""=====
Title
=====

:Author: A

One
===

{PROSE} *emphasis* **strong** ``code`` |sub| [1]_ `link <http://a>`_ {STRANGE}

.. |sub| replace:: text
.. [1] footnote
.. note:: an admonition

- item

  - nested

+------+-----+
| Port | Fee |
+======+=====+
| Aln  | 1   |
+------+-----+

==== ===
Port Fee
==== ===
Aln  1
==== ===

.. code-block:: python

   print("x")

::

   literal

.. include:: /etc/passwd
.. csv-table:: t
   :file: /etc/passwd

Two
---
end
""".encode()


def _adoc() -> bytes:
    return f"""= Title
A <a@b.c>
:attribute: value

== One

{PROSE} *bold* _it_ `code` {{attribute}} {STRANGE}

* item
** nested

|===
|Port |Fee

|Aln |1
|===

[source,python]
----
print("x")
----

include::/etc/passwd[]

[quote]
____
a quote
____

=== Two
end
""".encode()


_RECORD = {
    "title": "Harbours",
    "ports": [{"name": "Aln", "fee": 1.5, "open": True, "note": None}, {"name": "Sk", "fee": 2}],
    "text": f"{PROSE} {STRANGE}",
    "deep": {"er": {"and": [1, [2, [3]]]}},
}


def _json() -> bytes:
    return json.dumps(_RECORD, indent=1, ensure_ascii=False).encode()


def _json_lines() -> bytes:
    return "\n".join(json.dumps({"id": n, "text": PROSE}) for n in range(3)).encode()


def _yaml() -> bytes:
    return f"""%YAML 1.1
---
title: Harbours
anchor: &a [1, two, 2024-03-01]
again: *a
text: |
  {PROSE}
  more
folded: >-
  folded
  text
nested: {{a: {{b: [c, d]}}, "q": 'x'}}
? complex
: value
merge: {{<<: {{k: v}}}}
---
second: document
""".encode()


def _xml() -> bytes:
    rows = "".join(f'<port fee="{row[1]}"><name>{row[0]}</name></port>' for row in ROWS)
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<!-- c --><harbours xmlns:x="urn:x"><title>H'
        f"</title><x:text>{PROSE} {STRANGE} &amp; &#x41;</x:text>{rows}<![CDATA[raw < text]]>"
        "<?pi data?></harbours>"
    ).encode()


def _ipynb() -> bytes:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# One\n", "\n", PROSE]},
        {
            "cell_type": "code",
            "metadata": {},
            "execution_count": 1,
            "source": "print('x')",
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["x\n"]},
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {"text/plain": ["y"], "image/png": "iVBORw0KGgo="},
                },
                {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t"]},
            ],
        },
        {"cell_type": "raw", "metadata": {}, "source": "raw"},
    ]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "P"}}
    made = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(made, indent=1).encode()


def _srt() -> bytes:
    return (
        f"1\n00:00:01,000 --> 00:00:04,000\n{PROSE}\n\n2\n00:00:05,500 --> 00:00:08,250\n"
        f"<i>{STRANGE}</i>\nsecond line\n\n3\n01:02:03,004 --> 01:02:05,006 X1:1\nend\n"
    ).encode()


def _vtt() -> bytes:
    return (
        f"WEBVTT - title\n\nNOTE a note\n\nSTYLE\n::cue {{}}\n\nid\n00:01.000 --> 00:04.000 "
        f"align:start\n<v Ann>{PROSE}</v>\n\n00:00:05.500 --> 00:00:08.250\n{STRANGE}\n"
    ).encode()


def _mail() -> bytes:
    from email.message import EmailMessage

    made = EmailMessage()
    made["From"], made["To"] = "Ann Odd <ann@a.test>", "b@a.test"
    made["Subject"] = f"Berths {STRANGE[:8]}"
    made["Date"] = "Fri, 01 Mar 2024 10:00:00 +0000"
    made["Message-ID"] = "<1@a.test>"
    made.set_content(f"{PROSE}\n{STRANGE}\n> quoted\n-- \nAnn")
    made.add_alternative(f"<p>{PROSE}</p>", subtype="html")
    made.add_attachment(_csv(), maintype="text", subtype="csv", filename="fees.csv")
    made.add_attachment(_docx(), maintype="application", subtype="zip", filename="../a.docx")
    return bytes(made)


def _mail_inside_mail() -> bytes:
    from email.message import EmailMessage

    made = EmailMessage()
    made["Subject"] = "Fwd"
    made.set_content("see below")
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content(PROSE)
    made.add_attachment(inner)
    return bytes(made)


_PYTHON = f'''"""Module."""
import os

class Walk(os.PathLike):
    """A walk."""

    @property
    def steps(self) -> int:
        return [n for n in range(3)][-1]

async def main(*, text="""{STRANGE}"""):
    async with open(f"{{text!r:>{{10}}}}") as f:
        lambda: (yield)
'''
_C_LIKE = """// comment
package a; import x.y;
#include <stdio.h>
namespace n {{ class Walk<T> extends Base {{ int steps(int a) {{ return a ? 1 : "{0}".length; }} }}
struct S {{ int a[3]; }};
func main() {{ if (a < b) {{ go(); }} }}
fn main() -> i32 {{ let x = |y| y + 1; match x {{ _ => 1 }} }}
function f(a, ...b) {{ return `t ${{a}}`; }}
const g = async (x) => {{ await x; }};
}}
"""
_SHELL = (
    "#!/bin/sh\n# comment\nwalk() {\n  echo \"$1\" | sed 's/a/b/' <<EOF\ntext\nEOF\n}\nwalk x\n"
)
_RUBY = 'module A\n  # comment\n  class B < C\n    def d(e) = puts "#{e}"\n  end\nend\n'
_PHP = "<?php\nnamespace A;\nclass B { function c($d) { return <<<X\n$d\nX; } }\n?>\n<p>html</p>\n"


def _code(text: str) -> Callable[[], bytes]:
    return text.encode


_C_KIN = (".js", ".ts", ".tsx", ".jsx", ".go", ".rs", ".java", ".c", ".h", ".cpp", ".cs", ".kt")
_MAKERS: Mapping[str, tuple[Callable[[], bytes], ...]] = {
    ".txt": (_text, _text_16, _text_western),
    ".md": (_markdown,),
    ".html": (_html,),
    ".csv": (_csv,),
    ".tsv": (_tsv,),
    ".pdf": (_pdf, _pdf_compressed),
    ".docx": (_docx,),
    ".pptx": (_pptx,),
    ".xlsx": (_xlsx,),
    ".odt": (_odt,),
    ".ods": (_ods,),
    ".odp": (_odp,),
    **dict.fromkeys((".doc", ".xls", ".ppt"), (_old_office,)),
    ".epub": (_epub,),
    ".rst": (_rst,),
    ".adoc": (_adoc,),
    ".json": (_json,),
    ".jsonl": (_json_lines,),
    ".yaml": (_yaml,),
    ".xml": (_xml,),
    ".ipynb": (_ipynb,),
    ".srt": (_srt,),
    ".vtt": (_vtt,),
    ".eml": (_mail, _mail_inside_mail),
    ".py": (_code(_PYTHON),),
    ".sh": (_code(_SHELL),),
    ".rb": (_code(_RUBY),),
    ".php": (_code(_PHP),),
    **dict.fromkeys(_C_KIN, (_code(_C_LIKE.format(STRANGE)),)),
}
