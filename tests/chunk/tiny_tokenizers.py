"""Tiny real tokenizers of the families that encoders have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from models import save_byte_level, word_piece
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from tokenizers.trainers import BpeTrainer, UnigramTrainer

from rag.encode.tokens import ModelTokenizer

LIMIT = 48
TEXT = (
    "The lighthouse keeper climbs ninety-one steps every evening. She lights the lamp. "
    "Does the storm frighten her? It does not; storms are why she is there.\n"
)


def tokenizers(folder: Path) -> Iterator[tuple[str, ModelTokenizer]]:
    """Each by name, saved to `folder` and loaded as encoders load theirs."""
    byte_level = Tokenizer.from_file(str(save_byte_level(folder / "bpe") / "tokenizer.json"))
    made = {
        "WordPiece": word_piece(),
        "byte-level BPE": byte_level,
        "byte-level BPE, spaced": _spaced(byte_level),
        "Unigram": _unigram(),
        "Unigram across words": _across_words(),
        "SentencePiece BPE": _sentence_piece_bpe(),
    }
    for name, tokenizer in made.items():
        place = folder / name.replace(" ", "-")
        place.mkdir()
        tokenizer.save(str(place / "tokenizer.json"))
        yield name, ModelTokenizer(place, LIMIT + tokenizer.num_special_tokens_to_add(False))


def _spaced(tokenizer: Tokenizer) -> Tokenizer:
    """With a space before every text, as RoBERTa could have it."""
    spaced = Tokenizer.from_str(tokenizer.to_str())
    spaced.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    return spaced


def _unigram() -> Tokenizer:
    """A Unigram model of words, as XLM-RoBERTa has it."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    tokenizer.train_from_iterator([TEXT] * 20, _trainer())
    return tokenizer


def _across_words() -> Tokenizer:
    """A Unigram model whose tokens may span several words."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(split=False)
    tokenizer.train_from_iterator([TEXT] * 20, _trainer())
    return tokenizer


def _trainer() -> UnigramTrainer:
    return UnigramTrainer(
        vocab_size=90, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False
    )


def _sentence_piece_bpe() -> Tokenizer:
    """A BPE model without words, as Llama has it: a space is a letter like any other."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    trainer = BpeTrainer(vocab_size=150, special_tokens=["<unk>"], show_progress=False)
    tokenizer.train_from_iterator([TEXT] * 20, trainer)
    return tokenizer
