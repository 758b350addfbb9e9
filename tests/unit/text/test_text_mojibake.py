"""Text decoded with the wrong encoding comes back where its bytes are all there, and is told where not."""

import pytest
from malmoi.text.mojibake import drop_lost_lines
from malmoi.text.repair import normalize_text

LINE = "피고는 원고에게 1,000원을 지급하라(소송비용 포함)."
KOREAN = "원고의 청구를 기각한다"


@pytest.mark.parametrize("inner", ["cp949", "utf-8"])
@pytest.mark.parametrize("outer", ["latin-1", "sloppy-windows-1252"])
@pytest.mark.parametrize(
    "line",
    [LINE, "성명", "【주문】 ㆍ 1. 「민법」 제1조", "原告는 被告에게", "똠방각하를 판결한다"],
)
def test_lines_read_as_latin_come_back(inner, outer, line):
    broken = line.encode(inner).decode(outer)
    expected = normalize_text(f"{KOREAN}\n{line}")[0]
    repaired, counts = normalize_text(f"{KOREAN}\n{broken}")
    assert repaired == expected
    assert counts["latin1_line"] >= 1


def test_cells_read_as_latin_come_back_beside_cells_that_are_right():
    broken = "홍길동".encode("cp949").decode("latin-1")
    assert normalize_text(f"이름: {broken}, 나이: 30")[0] == "이름: 홍길동, 나이: 30"


def test_no_break_spaces_that_were_tidied_are_restored():
    broken = "피고가 할 수 있다".encode().decode("latin-1").replace("\xa0", " ")
    assert normalize_text(broken)[0] == "피고가 할 수 있다"


@pytest.mark.parametrize(
    "line",
    [
        "Ärzte über größere Übungen",
        "20°±5° C, ½ µg·m²",
        "«Déjà vu» à l'été",
        "±°C ±°F ±°K",
        "“가”…’”“나”·×÷°",
        "Müller–Ångström’s “naïve” café",
    ],
)
def test_other_text_is_not_mistaken(line):
    assert normalize_text(line)[0] == line


def _read_by_windows(text):
    """UTF-8 read as Windows reads CP949: the byte 80 is a euro sign, and what is no pair a question mark."""
    data, read, at = text.encode(), [], 0
    while at < len(data):
        width = 1 if data[at] < 0x80 else 2
        character = data[at : at + width].decode("cp949", "replace")
        read.append("€" if data[at] == 0x80 else character.replace("\ufffd", "?"))
        at += 1 if data[at] == 0x80 else width
    return "".join(read)


@pytest.mark.parametrize(
    "read",
    [
        lambda text: text.encode().decode("cp949", "replace"),
        lambda text: text.encode().decode("cp949", "ignore"),
        _read_by_windows,
    ],
)
def test_utf_8_read_as_cp949_goes_and_is_counted(read):
    broken = read("소송비용은 피고가 부담한다. 이하 같다.\n원고의 청구를 기각한다.")
    repaired, counts = normalize_text(f"{KOREAN}\n{broken}\n{LINE}")
    assert repaired == f"{KOREAN}\n{LINE}"
    assert counts["lost_line"] == 2
    assert counts["lost_character"] == len(broken) + 1


@pytest.mark.parametrize(
    "line",
    [
        "피고 被告人은 無罪 똠방각하 媛",
        "員月元原園遠圓 怨恨 援用 偉大 僞造 委員會는 議決한다",
        "國家公務員法第一條(目的)",
        "펲시콜라 샾에서 뷁",
        "媛\ufffd",
        "그 중 한 자가 \ufffd 깨져 있는 긴 문장은 남는다",
    ],
)
def test_real_text_with_rare_characters_stays(line):
    assert drop_lost_lines(line) == (line, 0, 0)


def test_parts_too_small_to_tell_are_restored_with_the_rest():
    text = "이\n④ \n<호>\n별도)\n피고는 원고에게 1,000원을 지급하라."
    broken = text.encode("cp949").decode("latin-1")
    assert normalize_text(broken)[0] == normalize_text(text)[0]


def test_traces_in_sound_lines_are_counted():
    sound = "원고의 청구는 이유가 있어 이를 받아들이고 소송비용은 피고가 부담하게 하기로 한다. " * 3
    broken = "이 사건".encode().decode("cp949", "ignore")
    assert normalize_text(f"{sound}媛€ {broken}")[1] == {"mojibake_trace": 2}
