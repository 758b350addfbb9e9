"""A tokenizer that exists is kept piece for piece, unless it would spoil Hangul."""

from __future__ import annotations

import json

import pytest
from malmoi.errors import InputError
from malmoi.vocab.kept import keep_vocabulary
from malmoi.vocab.learn import SPECIAL_TOKENS, bert_tokenizer
from malmoi.vocab.wordpiece import WordpieceReader
from transformers import AutoTokenizer, BertConfig

# The special tokens of many published ones do not come first, and they keep places free.
PIECES = [
    "[PAD]",
    "[unused0]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "판결",
    "##은",
    "A",
    "##é",
    ".",
]


def published(folder, pieces=PIECES, **settings):
    """Write a tokenizer as older versions of transformers did: a vocabulary and a few settings."""
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    settings = {"do_lower_case": False, "tokenizer_class": "BertTokenizer", **settings}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    BertConfig(vocab_size=len(pieces)).save_pretrained(folder)
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_learned_folder_comes_out_as_it_is(tmp_path):
    own = tmp_path / "own"
    bert_tokenizer(PIECES).save_pretrained(own)
    (own / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    (own / "vocabulary.json").write_text('{"size": 11}\n')
    keep_vocabulary(own, tmp_path / "kept")
    assert contents(tmp_path / "kept") == contents(own)


def test_a_published_tokenizer_is_read_as_it_was(tmp_path):
    folder = published(tmp_path / "published")
    keep_vocabulary(folder, tmp_path / "kept")
    assert (tmp_path / "kept" / "vocab.txt").read_bytes() == (folder / "vocab.txt").read_bytes()
    text = "판결은 Aé. [MASK] 판결 없음"
    ids = AutoTokenizer.from_pretrained(folder)(text, add_special_tokens=False)["input_ids"]
    assert WordpieceReader(tmp_path / "kept").read(text).ids.tolist() == ids
    kept = AutoTokenizer.from_pretrained(tmp_path / "kept")
    assert kept(text)["input_ids"] == [3, *ids, 4]
    # The same from tokenizer.json alone.
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "tokenizer.json").write_bytes((tmp_path / "kept" / "tokenizer.json").read_bytes())
    keep_vocabulary(alone, tmp_path / "again")
    assert contents(tmp_path / "again") == contents(tmp_path / "kept")


@pytest.mark.parametrize(
    ("pieces", "settings", "message"),
    [
        (PIECES, {"do_lower_case": True}, "lower-cases.*do_lower_case: false"),
        (PIECES, {"strip_accents": True}, "strips accents.*jamo"),
        (PIECES, {"tokenize_chinese_chars": False}, "part hanja"),
        ([*SPECIAL_TOKENS[1:], "[PAD]", "가"], {}, r"\[PAD\] is not its first piece"),
        (["[PAD]", "[UNK]", "가"], {}, r"vocab.txt: its lines are not|has no \[CLS\]"),
        (PIECES, {"additional_special_tokens": ["[사건]"]}, r"tokens of its own.*\[사건\]"),
    ],
)
def test_one_that_reads_otherwise_is_refused(tmp_path, pieces, settings, message):
    folder = published(tmp_path / "published", pieces, **settings)
    with pytest.raises(InputError, match=message):
        keep_vocabulary(folder, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    folder = tmp_path / "mixed"
    bert_tokenizer(PIECES).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(sorted(PIECES)) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="its lines are not the pieces"):
        keep_vocabulary(folder, tmp_path / "kept")
