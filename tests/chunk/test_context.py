"""What stands before a passage for the encoder and BM25, and what it is good for."""

from __future__ import annotations

import pytest

from rag.chunk.context import ContextKind
from rag.chunk.fixed import FixedChunker
from rag.chunk.sentence import SentenceChunker
from rag.chunk.words import WordTokenizer
from rag.connectors.formats.blocks import Writer
from rag.encode.sentence_transformers import SentenceTransformersEncoder
from rag.types import Document

LEAD = "This handbook says how the ferry is run."


def document() -> Document:
    writer = Writer()
    writer.heading("Handbook", 1)
    writer.add(f"{LEAD} It is for the crew.")
    writer.heading("Oil", 2)
    writer.add("The lamp burns two litres. " * 4)
    writer.heading("Fares", 2)
    writer.add("Dogs travel free. " * 3)
    return Document("d", "d.md", writer.text, "Brannoch Ferries", writer.blocks)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("none", ""),
        ("title", "Brannoch Ferries"),
        ("headings", "Brannoch Ferries > Handbook > Fares"),
        ("summary", f"Brannoch Ferries > Handbook > Fares\n{LEAD}"),
    ],
)
def test_kinds(kind: ContextKind, expected: str) -> None:
    found = list(SentenceChunker(context=kind).chunk(document(), WordTokenizer()))
    assert found[-1].context == expected
    assert found[-1].text == "Dogs travel free."
    assert found[-1].indexed == (f"{expected}\n{found[-1].text}" if expected else found[-1].text)


def test_a_passage_with_the_lead_has_no_summary() -> None:
    first, *_ = SentenceChunker(context="summary").chunk(document(), WordTokenizer())
    assert LEAD in first.text and LEAD not in first.context


def test_context_is_of_where_the_text_begins() -> None:
    found = FixedChunker(max_tokens=24, overlap=8).chunk(document(), WordTokenizer())
    for passage in found:
        assert passage.headings
        for heading in passage.context.split(" > ")[1:]:
            assert heading in passage.headings


def test_text_without_blocks_has_a_summary_too() -> None:
    plain = Document("p", "p.txt", f"\n{LEAD} More of it.\n\nDogs travel free.", "Ferries")
    last = list(SentenceChunker(context="summary").chunk(plain, WordTokenizer()))[-1]
    assert last.context == f"Ferries\n{LEAD}"


class TestSamePassageInTwoReports:
    """DAPR (Wang et al. 2024): only the document says which of two equal passages is meant."""

    encoder = SentenceTransformersEncoder(device="cpu")
    text = "Revenue rose by 12 per cent to 340 million, driven by demand in Europe."
    question = "How much did revenue of Globex rise?"

    def scores(self, kind: ContextKind) -> dict[str, float]:
        found = {}
        for name in ("Acme", "Globex"):
            report = Document(name, f"{name}.txt", self.text, f"{name} annual report 2021")
            (passage,) = FixedChunker(context=kind).chunk(report, self.encoder.tokenizer)
            assert passage.text == self.text
            found[name] = passage.indexed
        vectors = self.encoder.encode_passages(list(found.values()))
        query = self.encoder.encode_queries([self.question])[0]
        return dict(zip(found, (vectors @ query).tolist(), strict=True))

    def test_they_tie_without_context(self) -> None:
        scores = self.scores("none")
        assert scores["Acme"] == pytest.approx(scores["Globex"], abs=1e-6)

    @pytest.mark.parametrize("kind", ["title", "headings", "summary"])
    def test_the_right_one_wins_with_its_title(self, kind: ContextKind) -> None:
        scores = self.scores(kind)
        assert scores["Globex"] - scores["Acme"] >= 0.2
