"""Repairs change what is broken, keep what has meaning, and settle at once."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi.text.mojibake import lost_share
from malmoi.text.repair import normalize_text

KOREAN = "원고의 청구를 기각한다"


@pytest.mark.parametrize(
    ("raw", "repaired"),
    [
        ("시ㆍ도지사", "시·도지사"),
        ("갑상선\u119e부신", "갑상선·부신"),
        ("ᄒ\u119e니", "ᄒ\u119e니"),
        ("가・나‧다․라∙마", "가·나·다·라·마"),
        ("｢민법｣", "「민법」"),
        ("제1조\u00a0\u3000(목적)", "제1조 (목적)"),
        ("민\u00ad법\u200b 제\ufeff1조", "민법 제1조"),
        ("\uf53a글 문서", "글 문서"),
        ("［１］ Ａ", "[1] A"),
        ("\uf9e1\uf967", unicodedata.normalize("NFC", "\uf9e1\uf967")),
        ("⼈⺟", "人⺟"),
        ("가\r\n나\r다\x0c라", "가\n나\n다\n라"),
        ("가\t나   다  \n  라", "가 나 다\n라"),
        ("가\n\n\n \n나\n\n다", "가\n\n나\n\n다"),
        (unicodedata.normalize("NFD", KOREAN), KOREAN),
        ("【주    문】", "【주문】"),
        ("【 이 유 】", "【이유】"),
        ("【피고, 상 고 인】", "【피고, 상고인】"),
        ("【법령의 적용】", "【법령의 적용】"),
        ("【청구취지 및 항소취지】", "【청구취지 및 항소취지】"),
        ("가\ud800나", "가나"),
    ],
)
def test_repairs(raw, repaired):
    assert normalize_text(raw)[0] == repaired


@pytest.mark.parametrize(
    "text",
    ["① ㉠ Ⅱ형 m² 5㎎ 10㏄ ㎖ 甲 乙 ○○○ 37.5℃ “인용” ‹개정 2015.12.29›", "공소외 1", "ㅋㅋ ㄱ."],
)
def test_meaningful_characters_stay(text):
    assert normalize_text(text) == (text, {})


def test_repairs_are_counted():
    assert normalize_text("시ㆍ군ㆍ구\u200b 【주  문】\ufffd")[1] == {
        "heading": 1,
        "invisible": 1,
        "middle_dot": 2,
        "replacement_character": 1,
    }


@pytest.mark.parametrize("inner", ["cp949", "utf-8"])
@pytest.mark.parametrize("outer", ["latin-1", "sloppy-windows-1252"])
def test_lines_read_as_latin_come_back(inner, outer):
    line = "피고는 원고에게 1,000원을 지급하라(소송비용 포함)."
    broken = line.encode(inner).decode(outer)
    assert normalize_text(f"{KOREAN}\n{broken}")[0] == f"{KOREAN}\n{line}"


@pytest.mark.parametrize(
    "line", ["Ärzte über größere Übungen", "20°±5° C, ½ µg·m²", "«Déjà vu» à l'été", "±°C ±°F ±°K"]
)
def test_latin_text_is_not_mistaken(line):
    assert normalize_text(line)[0] == line


def test_utf_8_read_as_cp949_is_told_from_text():
    broken = (f"{KOREAN}. 소송비용은 피고가 부담한다.\n" * 20).encode().decode("cp949", "replace")
    assert lost_share(normalize_text(broken)[0]) > 0.5
    ignored = (f"{KOREAN}. 소송비용은 피고가 부담한다.\n" * 20).encode().decode("cp949", "ignore")
    assert lost_share(normalize_text(ignored)[0]) > 0.5
    assert lost_share(f"{KOREAN} 被告人은 無罪 똠방 媛\n" * 20) == 0.0


@settings(max_examples=400, deadline=None)
@given(st.text(st.characters(codec=None), max_size=60))
def test_repairing_twice_changes_nothing(text):
    once = normalize_text(text)[0]
    assert normalize_text(once)[0] == once
    once.encode("utf-8")


@settings(max_examples=400, deadline=None)
@given(
    st.text(
        st.sampled_from(
            "가나ᄒ\u119eㆍ【】 \t\r\n\u200b\u00a0\u0301aＡ주문,°Á\x96\xb9®À©\xb1é€\u3000\uf900"
        )
    )
)
def test_repairing_twice_changes_nothing_in_nasty_text(text):
    once = normalize_text(text)[0]
    assert normalize_text(once)[0] == once
    assert unicodedata.is_normalized("NFC", once)
    assert not set(once) & set("\t\r\u200b\u00a0\u3000ㆍＡ")
