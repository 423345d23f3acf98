"""A random two-layer T5 for tests, with the tokenizer that a test makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, processors


def word_tokenizer(words: tuple[str, ...], splits: Any = None) -> Tokenizer:
    """Each of `words` is a token."""
    made = Tokenizer(models.WordLevel({w: n for n, w in enumerate(words)}, unk_token="<unk>"))
    made.pre_tokenizer = splits or pre_tokenizers.Whitespace()
    return made


def save_tiny_t5(
    folder: Path, made: Tokenizer, *, seed: int, longest: int | None = None, **settings: Any
) -> Path:
    """A T5 in `folder` with as many tokens as `made` has; `settings` are of its configuration."""
    import torch
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    made.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    length = {} if longest is None else {"model_max_length": longest}
    PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", **length
    ).save_pretrained(folder)
    torch.manual_seed(seed)
    config = T5Config(
        vocab_size=made.get_vocab_size(),
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=2,
        decoder_start_token_id=0,
        initializer_factor=1.0,
        **settings,
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder
