"""Texts from elsewhere, made such that tokenizers and stores take them."""

from __future__ import annotations


def encodable(text: str) -> str:
    """`text` with a question mark for each half of a surrogate pair, which nothing can write."""
    return text.encode("utf-8", "replace").decode()
