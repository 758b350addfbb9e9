"""Encodings are found by content, and what cannot be decoded is refused or marked, never guessed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi.text.charset import REPLACEMENT, DecodeError, decode

SENTENCE = "피고인은 무죄. 원심판결을 파기하고 사건을 대법원에서 다시 심리한다.\n"
OLD = "原告의 請求를 棄却한다. 訴訟費用은 原告의 負擔으로 한다. 被告人은 無罪.\n"
TABLE = "코드,단위,상한금액,비고\n642100510,1T,214,급여\n" + "642100511,1T,98,\n" * 30
ENCODINGS = ["utf-8", "utf-8-sig", "cp949", "johab", "utf-16", "utf-16-le", "utf-16-be"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", [SENTENCE, SENTENCE * 40, OLD, TABLE])
def test_every_korean_encoding_comes_back(encoding, text):
    assert decode(text.encode(encoding))[0] == text


def test_cp949_beyond_euc_kr():
    text = "똠방각하와 펲시콜라를 샾에서 샀다는 증언이 있었다"
    data = text.encode("cp949")
    assert decode(data) == (text, "cp949")
    with pytest.raises(UnicodeDecodeError):
        data.decode("euc-kr")


def test_ascii_in_utf_16_without_a_mark():
    assert decode("plain text".encode("utf-16-le")) == ("plain text", "utf-16-le")


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 4,
        b"\xff\xfe\x00",
        SENTENCE.encode() + b"\xff" * 9,
        (SENTENCE * 9).encode("utf-16-le")[:100] + (SENTENCE * 9).encode("utf-16-le")[101:],
    ],
)
def test_other_bytes_are_refused(data):
    with pytest.raises(DecodeError):
        decode(data)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_character_cut_off_at_the_end_is_marked(encoding):
    text = SENTENCE * 3 + "원고는 다시"
    assert decode(text.encode(encoding)[:-1])[0] == text[:-1] + REPLACEMENT


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "johab"])
def test_a_damaged_byte_costs_a_word_and_is_marked(encoding):
    data = bytearray((SENTENCE * 6).encode(encoding))
    # The first byte of a syllable in the third line.
    data[data.index("파기".encode(encoding.removesuffix("-sig")), len(data) // 3)] = 0xFF
    lines = decode(bytes(data))[0].split("\n")
    damaged = [line for line in lines if line != SENTENCE.strip()]
    assert len(damaged) == 2 and damaged[-1] == ""
    assert REPLACEMENT in damaged[0]
    assert damaged[0].startswith("피고인은 무죄. ") and damaged[0].endswith("다시 심리한다.")


def test_parts_in_different_encodings_each_come_back():
    parts = [SENTENCE * 3, OLD * 2, SENTENCE]
    data = b"".join(
        part.encode(encoding)
        for part, encoding in zip(parts, ["utf-8", "cp949", "utf-8"], strict=True)
    )
    assert decode(data) == ("".join(parts), "utf-8+cp949")


def test_fields_filled_with_zeros_become_blanks():
    data = b"\0".join(word.encode("cp949") for word in SENTENCE.split(" "))
    assert decode(data + b"\0" * 40) == (SENTENCE + " " * 40, "cp949")


def test_one_control_character_does_not_cost_the_file():
    data = (SENTENCE * 3).encode("cp949") + b"\x1f" + SENTENCE.encode("cp949")
    assert decode(data) == (SENTENCE * 3 + "\x1f" + SENTENCE, "cp949")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(data):
    try:
        text, encoding = decode(data)
    except DecodeError:
        return
    assert encoding and isinstance(text, str)
