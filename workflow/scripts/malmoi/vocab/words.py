"""What BERT's basic tokenizer does with each character, as one number per code point.

BERT's normalizer and pre-tokenizer judge every character by itself: it is dropped, ends a word, is a word of
its own (punctuation, hanja) or belongs to the word around it. Asking them once about each
distinct character gives a table that cuts whole corpora into their words at the speed of numpy.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from tokenizers import normalizers, pre_tokenizers

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
