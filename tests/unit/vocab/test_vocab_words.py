"""Marked words: together they are exactly the words that BERT's own tokenizer sees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi.vocab.words import marked_words, normalizer, unmarked, word_splitter
from tokenizers import pre_tokenizers

SPLITTER, NORMALIZER, BERT = word_splitter(), normalizer(), pre_tokenizers.BertPreTokenizer()

#: Hangul, jamo, hanja of several blocks, Latin, digits, punctuation, white space, invisible characters.
CHARACTERS = st.sampled_from(
    "가나다각뷁에게은을하였ㄱㅏ\u1100\u1161漢字學\u3400\uf900aBé\u0301019.,()「」ㆍ·①㎎~ \t\n\r\u3000\xa0\u2028"
    "\x00\x0b\x1c\x85\xad\u200b\u200d\ufeff\ufffd\ue000"
    "\U0001f600\U00020000\U0002a700\U0002b820\U0002b920\U0002f800\U000f0041\U0010ffff"
)
TEXTS = st.text(
    CHARACTERS | st.characters(exclude_categories=["Cs"], max_codepoint=0xEFFFF), max_size=40
)


def bert_words(text: str) -> list[str]:
    return [word for word, _ in BERT.pre_tokenize_str(NORMALIZER.normalize_str(text))]


def plain_words(text: str, boundaries: list[int]) -> list[list[str]]:
    """Return the parts of each word without their marks; a part with a mark goes on with its word."""
    words: list[list[str]] = []
    for part in marked_words(text, np.array(boundaries, dtype=np.int64), SPLITTER):
        plain = unmarked(part, "##")
        if part != plain:
            words[-1].append(plain.removeprefix("##"))
        else:
            words.append([part])
    return words


@given(TEXTS, st.sets(st.integers(0, 40)))
def test_parts_join_to_the_words_of_bert(text: str, places: set[int]) -> None:
    boundaries = sorted(place for place in places if place < len(text))
    assert ["".join(parts) for parts in plain_words(text, boundaries)] == bert_words(text)


@given(TEXTS)
def test_without_boundaries_words_are_whole(text: str) -> None:
    empty = np.zeros(0, dtype=np.int64)
    assert list(marked_words(text, empty, SPLITTER)) == bert_words(text)


@pytest.mark.parametrize(
    ("text", "boundaries", "expected"),
    [
        ("피고에게 책임을", [0, 2, 5, 7], [["피고", "에게"], ["책임", "을"]]),
        ("원고의", [], [["원고의"]]),
        # Punctuation and hanja are words of their own, so what follows them needs no mark.
        ("民法은", [0, 2], [["民"], ["法"], ["은"]]),
        ("(갑)이", [0, 1, 2, 3], [["("], ["갑"], [")"], ["이"]]),
        # An invisible character is gone before BERT sees the word; a boundary after it stays in place.
        ("피고\u200b에게", [0, 3], [["피고", "에게"]]),
        ("피\xad고에게", [0, 3], [["피고", "에게"]]),
        # A boundary at the invisible character itself is one at the next visible one.
        ("피고\u200b에게", [0, 2, 3], [["피고", "에게"]]),
        ("가\u200b 나에", [0, 1, 3, 4], [["가"], ["나", "에"]]),
        # Characters beyond the first plane cannot carry the mark.
        ("약😀을", [0, 1, 2], [["약😀", "을"]]),
    ],
)
def test_words_are_cut_where_a_morpheme_begins(
    text: str, boundaries: list[int], expected: list[list[str]]
) -> None:
    assert plain_words(text, boundaries) == expected


def test_normalizer_keeps_hangul_case_and_accents() -> None:
    text = "각하 COVID-19 café ㎎"
    assert NORMALIZER.normalize_str(text) == text
