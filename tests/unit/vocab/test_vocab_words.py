"""The classes of characters are what BERT's own normalizer and pre-tokenizer do with them."""

from __future__ import annotations

import numpy as np
import pytest
from malmoi.vocab.words import ALONE, DROPPED, PLAIN, SPACE, character_classes, normalizer


def classes(text: str) -> list[int]:
    codes = np.array([ord(character) for character in text], dtype=np.uint32)
    return character_classes(codes).tolist()


@pytest.mark.parametrize(
    ("characters", "expected"),
    [
        ("가뷁ㄱᄀaBé09①㎎℃ㆍ😀\u0301", PLAIN),
        (" \t\n\r\u3000\xa0\u2028", SPACE),
        ("\x00\x0b\x1c\x85\xad\u200b\u200d\ufeff\ufffd\ue000\U000f0041", DROPPED),
        (".,()「」【】·漢字甲\uf900\U00020000", ALONE),
    ],
)
def test_classes_of_characters(characters: str, expected: int) -> None:

    assert classes(characters) == [expected] * len(characters)
    assert classes(characters[::-1] + characters) == [expected] * 2 * len(characters)


def test_a_shape_is_kept_and_nothing_is_something() -> None:
    assert character_classes(np.array([[44032, 32], [0, 44]])).tolist() == [
        [PLAIN, SPACE],
        [DROPPED, ALONE],
    ]
    assert classes("") == []


def test_normalizer_keeps_hangul_case_and_accents() -> None:
    text = "각하 COVID-19 café ㎎"
    assert normalizer().normalize_str(text) == text
