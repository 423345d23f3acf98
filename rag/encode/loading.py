"""Models of the sentence-transformers library, loaded from a folder without a word."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import ModelError, RagError, RequestError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def load_model(
    name: str, folder: Path, dtype: str, device: str, length: int, *, layers: int | None = None
) -> SentenceTransformer:
    """The model in `folder`, reading `length` tokens, with its first `layers` or all of them.

    Raises ModelError where it cannot be loaded.
    """
    try:
        return _load(folder, dtype, device, length, layers)
    except RagError:
        raise
    except Exception as error:
        first = (str(error) or type(error).__name__).splitlines()[0]
        raise ModelError(f"model '{name}' cannot be loaded: {first}") from error


def _load(
    folder: Path, dtype: str, device: str, length: int, layers: int | None
) -> SentenceTransformer:
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    if device == "cuda" and not torch.cuda.is_available():
        raise RequestError("index.encode.device: no CUDA device here; use 'auto' or 'cpu'")
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model = SentenceTransformer(
            str(folder),
            device=None if device == "auto" else device,
            local_files_only=True,
            model_kwargs={"dtype": getattr(torch, dtype)},
            config_kwargs=None if layers is None else {"num_hidden_layers": layers},
        )
    finally:
        if shown:
            logging.enable_progress_bar()
    model.max_seq_length = length
    return model
