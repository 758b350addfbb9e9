"""A random BERT with a tokenizer of its own, small enough to be made on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import BertConfig, BertForPreTraining, BertTokenizerFast

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SYLLABLES = "가나다라마바사아자차카타파하법원판결의병약"
PIECES = [*SPECIAL, *SYLLABLES, *("##" + syllable for syllable in SYLLABLES)]


def make_tiny_bert(
    folder: Path, pieces: Sequence[str] = PIECES, positions: int = 64, layers: int = 1
) -> BertTokenizerFast:
    """Write a ``BertForPreTraining`` of random weights with its tokenizer to a folder; return the tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = write_tokenizer(folder, pieces)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=positions,
    )
    torch.manual_seed(7)
    BertForPreTraining(config).save_pretrained(folder)
    return tokenizer


def write_tokenizer(folder: Path, pieces: Sequence[str]) -> BertTokenizerFast:
    """Write a WordPiece tokenizer of these pieces to a folder, ``vocab.txt`` among its files."""
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(pieces) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast(vocab=str(vocabulary), do_lower_case=False, strip_accents=False)
    tokenizer.save_pretrained(folder)
    vocabulary.write_text("\n".join(pieces) + "\n", encoding="utf-8")
    return tokenizer
