"""Tiny real models, saved to a folder as published ones are."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = (
    *("the", "a", "of", "and", "is", "at", "ferry", "leave", "##s", "nine", "dog", "travel"),
    *("free", "lamp", "oil", "storm", "light", "keeper", "island", "stair", "when", "does"),
    *("who", "climb", "every", "evening", "o", "##i", "##l", "x", "##x", ".", "?", ","),
)


def word_piece() -> Tokenizer:
    """A WordPiece tokenizer of some forty words, as BERT has it."""
    vocabulary = {word: number for number, word in enumerate((*SPECIAL, *WORDS))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def save_encoder(folder: Path, length: int = 64) -> Path:
    """A random two-layer BERT of 16 components with mean pooling, saved to `folder`."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(SPECIAL) + len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=length,
        initializer_range=0.5,
    )
    source = folder.with_name(f"{folder.name}-bert")
    BertModel(config).save_pretrained(source)
    named = {name.strip("[]").lower() + "_token": name for name in SPECIAL}
    PreTrainedTokenizerFast(
        tokenizer_object=word_piece(), model_max_length=length, **named
    ).save_pretrained(source)
    transformer = Transformer(str(source), max_seq_length=length)
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    SentenceTransformer(modules=[transformer, pooling], device="cpu").save(str(folder))
    return folder


def save_byte_level(folder: Path) -> Path:
    """A byte-level BPE tokenizer, as GPT-2 has it, trained on a little English."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    text = "The lighthouse keeper climbs ninety-one steps every evening. She lights the lamp. "
    tokenizer.train_from_iterator([text] * 20, trainer)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
