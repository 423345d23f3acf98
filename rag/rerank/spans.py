"""Where tokens stand in a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rag.errors import ModelError


def spans_of(tokenizer: Any, texts: Sequence[str], name: str) -> list[list[tuple[int, int]]]:
    """The characters of each token of each text, special tokens left out.

    Raises ModelError where the tokenizer of model `name` does not tell.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(
            f"the tokenizer of model '{name}' does not tell where tokens stand: it needs a "
            "tokenizer.json"
        )
    # A text longer than the model reads is nothing to be warned of: it is cut.
    found = tokenizer(
        list(texts),
        add_special_tokens=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    spans: list[list[tuple[int, int]]] = found["offset_mapping"]
    return spans
