"""The law of every format: blocks lie in the text, ascend and do not overlap."""

from rag.connectors.formats.format import Parsed


def spans(parsed: Parsed) -> list[str]:
    """The text of each block, after checking that the law holds."""
    end = 0
    for block in parsed.blocks:
        assert end <= block.start < block.end <= len(parsed.text)
        end = block.end
    texts = [parsed.text[block.start : block.end] for block in parsed.blocks]
    assert all(text == text.strip("\n") and text.strip() for text in texts)
    assert "\0" not in parsed.text
    parsed.text.encode("utf-8")
    return texts


def visible(text: str) -> str:
    """`text` without its white space."""
    return "".join(text.split())
