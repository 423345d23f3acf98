"""Presentations: each slide beneath its title, with its tables, charts and speaker notes."""

from __future__ import annotations

from rag.connectors.formats.blocks import Writer
from rag.connectors.formats.format import Parsed
from rag.connectors.formats.zipped.flow import LONGEST_HEADING
from rag.connectors.formats.zipped.package import Package, reference
from rag.connectors.formats.zipped.part import children
from rag.connectors.formats.zipped.slide import SlideReader


class PptxFormat:
    """Presentations (.pptx); `page` is the number of the slide."""

    name = "PPTX"
    extensions: tuple[str, ...] = (".pptx", ".pptm", ".ppsx", ".potx")
    media_types: tuple[str, ...] = (
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    )
    version = 1

    def parse(self, data: bytes, name: str) -> Parsed:
        """Slide by slide: its title as heading, its text and tables, then its notes."""
        package = Package(data, self.name)
        reader = SlideReader(package)
        writer = Writer()
        slides = _slides(package)
        for page, part in enumerate(slides, start=1):
            writer.restart()
            writer.place = f"slide {page}"
            title, blocks = reader.read(part)
            if len(title) <= LONGEST_HEADING:
                writer.heading(title, 1, page)
            else:
                writer.add(title, page=page)
            for kind, text in blocks:
                writer.add(text, kind, page)
            writer.add(reader.notes(part), page=page, place=f"slide {page}, notes")
        declared = package.properties()
        title = declared.pop("title", "") or writer.first_heading
        return Parsed(writer.text, title, writer.blocks, {**declared, "slides": len(slides)})


def _slides(package: Package) -> list[str]:
    """The parts of the slides in their order, each once."""
    slides = children(package.tree(package.main), "sldIdLst")
    targets = package.targets(package.main)
    parts = (targets.get(reference(one), ("", ""))[1] for one in slides)
    return list(dict.fromkeys(filter(None, parts)))
