"""Encodings are found by content."""

import pytest
from malmoi.text.charset import DecodeError, decode

SENTENCE = "피고인은 무죄. 원심판결을 파기하고 사건을 대법원에서 다시 심리한다.\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp949", "johab", "utf-16", "utf-16-le", "utf-16-be"]
)
@pytest.mark.parametrize("repeat", [1, 40])
def test_every_korean_encoding_comes_back(encoding, repeat):
    text = SENTENCE * repeat
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
    "data", [bytes(range(256)) * 4, b"\xff\xfe\x00", SENTENCE.encode() + b"\xff\xff\xff"]
)
def test_other_bytes_are_refused(data):
    with pytest.raises(DecodeError):
        decode(data)
