from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fpdf import FPDF
from printed import PROSE, blank

RUNS = 300
# In a process of its own: what PDFium does with a broken file could end the tests'.
PROGRAM = """
import random, sys
from rag.connectors.formats.pdf import PdfFormat
from rag.connectors.parsing.here import parse_here
from rag.errors import DocumentError

data = open(sys.argv[1], "rb").read()
for seed in range(int(sys.argv[2])):
    choice = random.Random(seed)
    made = bytearray(data)
    if seed % 3 == 0:
        made = made[: choice.randrange(1, len(made))]
        made += b"\\nstartxref\\n0\\n%%EOF" if seed % 2 else b""
    else:
        for _ in range(choice.choice((1, 5, 40))):
            made[choice.randrange(len(made))] = choice.randrange(256)
    try:
        print("text", len(parse_here(PdfFormat(), bytes(made), "made.pdf").text))
    except DocumentError as error:
        print("told", error)
"""


def made() -> FPDF:
    pdf = blank()
    pdf.set_title("Harbour handbook")
    for number in range(3):
        pdf.add_page()
        pdf.set_font("helvetica", style="B", size=14)
        pdf.text(50, 50, f"Chapter {number}")
        pdf.set_font("helvetica", size=11)
        pdf.set_xy(50, 70)
        pdf.multi_cell(400, 14, PROSE * 2)
        for row in range(4):
            pdf.text(60, 300 + 16 * row, f"Berth {row}")
            pdf.text(300, 300 + 16 * row, f"{row * 100}")
    return pdf


def test_damage_ends_in_text_or_in_a_line_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "made.pdf"
    made().output(str(path))
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, path, str(RUNS)],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, f"ended after {len(ran.stdout.splitlines())}: {ran.stderr[-500:]}"
    lines = ran.stdout.splitlines()
    assert len(lines) == RUNS  # a message is one line
    assert [line for line in lines if "cannot be read as PDF" in line] == []
    texts = sum(1 for line in lines if line.startswith("text"))
    assert 0 < texts < RUNS
