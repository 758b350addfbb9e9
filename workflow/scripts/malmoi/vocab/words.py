"""The words a BERT tokenizer sees, and how morpheme boundaries are written into them for training.

Plain BERT pre-tokenization splits at white space, punctuation and every hanja. Inside such a word, the first
character of each morpheme that is not the word's first is moved into a private-use plane and the word
is cut there: ``피고에게`` becomes ``피고`` and ``[에]게``. A WordPiece trainer then learns pieces for the two
positions apart, and reading the moved character as ``##`` plus the plain one gives an ordinary
vocabulary that respects morphemes on raw text.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache

import numpy as np
from tokenizers import Regex, normalizers, pre_tokenizers

#: Where the first character of a non-initial morpheme goes: U+F0000 plus its code point.
PLANE = 0xF0000

#: The blocks of Chinese characters that BERT's basic tokenizer isolates, as the tokenizers library has them:
#: it begins the block at U+2B820 of google-research/bert at U+2B920.
_HANJA = (
    "[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002b73f"
    "\U0002b740-\U0002b81f\U0002b920-\U0002ceaf\U0002f800-\U0002fa1f]"
)


#: Classes of characters: part of a word, white space, dropped, a word of its own.
PLAIN, SPACE, DROPPED, ALONE = range(4)
_UNKNOWN = 255


def normalizer() -> normalizers.Normalizer:
    """Return BERT's normalizer for Korean: case and accents stay.

    Lower-casing with its default accent stripping would take Hangul apart into jamo.
    """
    return normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False
    )


def word_splitter() -> pre_tokenizers.PreTokenizer:
    """Return a splitter into BERT's words of text that holds no character BERT drops."""
    return pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(_HANJA), "isolated"), pre_tokenizers.BertPreTokenizer()]
    )


def marked_words(
    text: str, boundaries: np.ndarray, splitter: pre_tokenizers.PreTokenizer
) -> Iterator[str]:
    """Yield the morpheme-marked parts of each word of ``text``.

    ``boundaries`` holds the offsets where a morpheme begins, ascending; the ones at a word's start
    need no mark. Control, invisible and private-use characters, which BERT drops, are left out; without
    the marks the parts of a word join to what BERT sees. Characters beyond the Basic Multilingual Plane
    cannot be moved and stay joined to what comes before them.
    """
    text, boundaries = _visible(text, boundaries)
    position, limit = 0, len(boundaries)
    for word, (start, end) in splitter.pre_tokenize_str(text):
        while position < limit and boundaries[position] <= start:
            position += 1
        if position == limit or boundaries[position] >= end:
            yield word
            continue
        begin = 0
        while position < limit and boundaries[position] < end:
            cut = int(boundaries[position]) - start
            position += 1
            if ord(word[cut]) > 0xFFFF:
                continue
            yield _marked(word[begin:cut], begin > 0)
            begin = cut
        yield _marked(word[begin:], begin > 0)


@lru_cache(maxsize=1 << 17)
def _dropped(character: str) -> bool:
    return not normalizer().normalize_str(character)


def _visible(text: str, boundaries: np.ndarray) -> tuple[str, np.ndarray]:
    """Return a text without the characters BERT drops, and its boundaries as offsets into that."""
    dropped = {character for character in set(text) if _dropped(character)}
    if not dropped:
        return text, boundaries
    gone = np.array([character in dropped for character in text])
    before = np.concatenate([[0], np.cumsum(gone)])
    kept = "".join(character for character in text if character not in dropped)
    return kept, np.unique(boundaries - before[boundaries])


def _marked(part: str, inside: bool) -> str:
    return chr(PLANE + ord(part[0])) + part[1:] if inside else part


def unmarked(piece: str, prefix: str) -> str:
    """Return a trained piece as it stands in ``vocab.txt``: a moved first character becomes ``##``."""
    if ord(piece[0]) >= PLANE:
        return prefix + chr(ord(piece[0]) - PLANE) + piece[1:]
    return piece


def character_classes(codes: np.ndarray) -> np.ndarray:
    """Return the class (uint8, same shape) of each code point (any integer type)."""
    table = _table()
    classes = table[codes]
    unknown = np.unique(codes[classes == _UNKNOWN])
    if len(unknown):
        clean, split = normalizer(), pre_tokenizers.BertPreTokenizer()
        for code in unknown.tolist():
            # The two letters show whether the character joins them, parts them or stands between them.
            words = split.pre_tokenize_str(clean.normalize_str(f"a{chr(code)}a"))
            table[code] = {1: PLAIN, 2: SPACE, 3: ALONE}[len(words)]
            if words[0][0] == "aa":
                table[code] = DROPPED
        classes = table[codes]
    return classes


@cache
def _table() -> np.ndarray:
    return np.full(0x110000, _UNKNOWN, dtype=np.uint8)
