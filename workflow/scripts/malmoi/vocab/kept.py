"""Keep the vocabulary of a tokenizer that exists, of malmoi's own or of another cased Korean BERT."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from malmoi.atomic import replacing_folder
from malmoi.errors import InputError
from malmoi.progress import LOG
from malmoi.vocab.comparison import load_folder
from malmoi.vocab.learn import SPECIAL_TOKENS, bert_tokenizer


def keep_vocabulary(folder: str | Path, output: str | Path) -> None:
    """Write the folder that learning would write, with the pieces of the tokenizer in ``folder``.

    ``vocab.txt`` is taken byte for byte, or made of ``tokenizer.json`` where there is none. The folder of a
    vocabulary that malmoi learned comes out as it is.

    Raises:
        InputError: it is not the WordPiece tokenizer of a BERT that keeps case and accents.
    """
    pieces = _pieces(Path(folder))
    tokenizer = bert_tokenizer(pieces)
    with replacing_folder(output) as temporary:
        tokenizer.save_pretrained(temporary)
        given = Path(folder) / "vocab.txt"
        text = ("\n".join(pieces) + "\n").encode("utf-8")
        (temporary / "vocab.txt").write_bytes(given.read_bytes() if given.is_file() else text)
        learned = Path(folder) / "vocabulary.json"
        if learned.is_file():
            shutil.copyfile(learned, temporary / "vocabulary.json")
    LOG.info("vocabulary: %d pieces of %s are kept", len(pieces), folder)


def _pieces(folder: Path) -> list[str]:
    """Return the pieces of a folder's tokenizer in id order after checking how it cuts text."""
    try:
        tokenizer = load_folder(folder)
    except ValueError as error:
        raise InputError(f"vocabulary.tokenizer: {folder}: {error}") from None
    saved = json.loads(tokenizer.to_str())
    numbers = tokenizer.get_vocab()
    pieces = sorted(numbers, key=numbers.__getitem__)
    differences = _differences(saved, numbers)
    if differences:
        raise InputError(
            f"vocabulary.tokenizer: {folder}: {differences[0]}; name the tokenizer of a cased BERT, or leave "
            "vocabulary.tokenizer out to learn one"
        )
    path = folder / "vocab.txt"
    if (
        path.is_file()
        and path.read_bytes().decode("utf-8").removesuffix("\n").split("\n") != pieces
    ):
        raise InputError(
            f"vocabulary.tokenizer: {path}: its lines are not the pieces that transformers loads from "
            "the folder; delete the file that is wrong: vocab.txt or tokenizer.json"
        )
    return pieces


def _differences(saved: dict, numbers: dict[str, int]) -> list[str]:
    """Return how a ``tokenizer.json`` and its pieces differ from a cased BERT's, most telling first."""
    found = []
    model, normalizer = saved["model"], saved["normalizer"] or {}
    if model["type"] != "WordPiece" or model["continuing_subword_prefix"] != "##":
        return [f"it is of type {model['type']}, not BERT's WordPiece"]
    if normalizer.get("type") != "BertNormalizer":
        return ["its normalizer is not BERT's"]
    if normalizer["lowercase"]:
        # Without a word on accents, lower-casing strips them.
        found.append(
            "it lower-cases text, and most that do take Hangul apart into jamo (where the pieces are "
            "cased, say do_lower_case: false in its tokenizer_config.json)"
        )
    if normalizer["strip_accents"]:
        found.append("it strips accents, which takes Hangul apart into jamo")
    if not (normalizer["clean_text"] and normalizer["handle_chinese_chars"]):
        found.append("it does not clean text or part hanja as BERT does")
    if saved["pre_tokenizer"] != {"type": "BertPreTokenizer"}:
        found.append("its pre-tokenizer is not BERT's")
    if model["max_input_chars_per_word"] != 100:
        found.append("its longest word is not of 100 characters")
    missing = [piece for piece in SPECIAL_TOKENS if piece not in numbers]
    if missing:
        found.append(f"it has no {', '.join(missing)}")
    elif numbers["[PAD]"] != 0 or model["unk_token"] != "[UNK]":
        found.append("[PAD] is not its first piece, or [UNK] is not what stands for the unknown")
    added = [each["content"] for each in saved["added_tokens"]]
    others = [piece for piece in added if piece not in SPECIAL_TOKENS]
    if others:
        found.append(f"it has tokens of its own beside BERT's, such as {others[0]}")
    if sorted(numbers.values()) != list(range(len(numbers))):
        found.append("its ids have gaps")
    return found
