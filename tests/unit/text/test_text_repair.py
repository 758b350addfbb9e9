"""Repairs change what is broken, keep what has meaning, and settle at once."""

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi.text.mojibake import count_lost_pairs
from malmoi.text.repair import normalize_text

KOREAN = "원고의 청구를 기각한다"
LAYOUT = {"repeated_lines": 2, "join_broken_lines": True}


@pytest.mark.parametrize(
    ("raw", "repaired"),
    [
        ("시ㆍ도지사", "시·도지사"),
        ("갑상선\u119e부신", "갑상선·부신"),
        ("ᄒ\u119e니", "ᄒ\u119e니"),
        ("가・나‧다․라∙마⋅바\u0387사", "가·나·다·라·마·바·사"),
        ("｢민법｣", "「민법」"),
        ("제1조\u00a0\u3000(목적)", "제1조 (목적)"),
        ("민법\u200b 제\ufeff1조", "민법 제1조"),
        ("[36a\xad36d, 1996. 7. 4.\xad5.경]", "[36a-36d, 1996. 7. 4.-5.경]"),
        (
            "inter\xadnational treat\xad\n  ment, non\u2011small",
            "international treatment, non-small",
        ),
        ("1∼3회, 2〜4정, 5～6", "1~3회, 2~4정, 5~6"),
        ("\uf53a글 문서", "글 문서"),
        ("［１］ Ａ ￦1,000", "[1] A ₩1,000"),
        ("\uf9e1\uf967\uf98e", "李不年"),
        ("⼈⺟", "人母"),
        ("ﾃｽﾄ ﾡ", "テスト ㄱ"),
        ("가\r\n나\r다\x0c라", "가\n나\n다\n라"),
        ("가\t나   다  \n  라", "가 나 다\n라"),
        ("가\n\n\n \n나\n\n다", "가\n\n나\n\n다"),
        (unicodedata.normalize("NFD", KOREAN), KOREAN),
        ("가\ud800나", "가나"),
    ],
)
def test_characters(raw, repaired):
    assert normalize_text(raw)[0] == repaired


@pytest.mark.parametrize(
    ("raw", "repaired"),
    [
        ("\uf06e 가\n  \uf0d8\t나 | \uf0fc | 다", "■ 가\n➢ 나 | ✓ | 다"),
        ("5\uf06dg/mL, \uf062-차단제, x \uf0b3 3", "5μg/mL, β-차단제, x ≥ 3"),
        ("\U000f0854민법\U000f0855 시\U000f02ef도", "《민법》 시·도"),
        ("한\U0010e1cd칠레", "한칠레"),
    ],
)
def test_private_use_characters_are_read_where_they_are_known(raw, repaired):
    assert normalize_text(raw)[0] == repaired


@pytest.mark.parametrize(
    ("raw", "repaired"),
    [
        ("【주    문】", "【주문】"),
        ("【 이 유 】", "【이유】"),
        ("【피고, 상 고 인】", "【피고, 상고인】"),
        ("【법령의 적용】", "【법령의 적용】"),
        ("【청구취지 및 항소취지】", "【청구취지 및 항소취지】"),
        ("주    문\n1. 기각한다.\n이 유\n부\t칙", "주문\n1. 기각한다.\n이유\n부칙"),
        ("[주 문]\n- 아    래 -\n-다 음-", "[주문]\n- 아래 -\n- 다음 -"),
        ("원    고    홍길동\n변 론 종 결 2031. 4. 5.", "원고 홍길동\n변론종결 2031. 4. 5."),
        ("이 유 없다\n주 문 제1항\n비 고", "이 유 없다\n주 문 제1항\n비 고"),
    ],
)
def test_headings_set_wide_are_joined(raw, repaired):
    assert normalize_text(raw)[0] == repaired


@pytest.mark.parametrize(
    ("raw", "repaired"),
    [
        (r"1\. 상호의 변경 \(개정\) 2\~3", "1. 상호의 변경 (개정) 2~3"),
        (r"C:\.config 와 a\\.b", r"C:\.config 와 a\\.b"),
        ("&lt;개정 2015.12.29&gt; A&amp;amp;B &#9312; &nbsp;", "<개정 2015.12.29> A&B ①"),
        ("가<br/>나 <IMG id='1'>다</img>", "가\n나 다"),
        ("가<br>나 | 다", "가 나 | 다"),
        ("m<sup>2</sup> H<sub>2</sub>O <b>굵게</b> <span class='x'>글</span>", "m² H₂O 굵게 글"),
        ("<A>와 <b>의 <표 1> <개정 2015.12.29>", "<A>와 <b>의 <표 1> <개정 2015.12.29>"),
        ("AT&T; R&D & <i", "AT&T; R&D & <i"),
    ],
)
def test_markup_left_by_other_programs_goes(raw, repaired):
    assert normalize_text(raw)[0] == repaired


@pytest.mark.parametrize(
    "text",
    [
        "① ㉠ Ⅱ형 m² 5㎎ 10㏄ ㎖ 甲 乙 ○○○ 37.5℃ “인용” ‹개정 2015.12.29›",
        "공소외 1\n피고인 2는\n△△△, ◇◇ 주식회사",
        "ㅋㅋ ㄱ. ⓐ ㈎ ½ × ÷ ± µ",
        "│ 구분 │ 금액 │\n가 | 나\n1. 가\n  나. 다".replace("  ", ""),
    ],
)
def test_meaningful_characters_stay(text):
    assert normalize_text(text, **LAYOUT) == (text, {})


def test_repairs_are_counted():
    assert normalize_text("시ㆍ군ㆍ구\u200b 【주  문】\ufffd \uf06e \uf53a \uf9e1")[1] == {
        "compatibility_hanja": 1,
        "heading": 1,
        "invisible": 1,
        "middle_dot": 2,
        "private_use": 1,
        "private_use_known": 1,
        "replacement_character": 1,
        "space_run": 1,
    }


@pytest.mark.parametrize(
    "text",
    [
        "<br>" * 30_000 + " | ",
        "a\uf06e" * 30_000,
        "&" + "amp;" * 30_000,
        "<im" * 5_000 + "<img>" + "g>" * 5_000,
        "a" + "\u0301\u0316" * 30_000,
        ("가나다 " * 12 + "라\n") * 5_000,
        "\u00b0\u00a1" * 30_000,
        " " * 100_000 + "\n" * 100_000,
    ],
)
def test_hostile_text_takes_time_in_proportion_and_settles(text):
    start = time.process_time()
    once = normalize_text(text, **LAYOUT)[0]
    assert time.process_time() - start < 3
    assert normalize_text(once, **LAYOUT)[0] == once


NASTY = (
    "가나ᄒ\u119eㆍ【】[]<> \t\r\n\u200b\u00a0\u0301aＡ주문,°Á\x96\xb9®À©\xb1é€\u3000\uf900\xad\uf06e"
    "\\.&lt;brsup/2-～|’”媛씠\ufffd다"
)


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(codec=None), max_size=60))
def test_repairing_twice_changes_nothing(text):
    once = normalize_text(text, **LAYOUT)[0]
    assert normalize_text(once, **LAYOUT) == (once, _lasting(once))
    once.encode("utf-8")


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from(NASTY)))
def test_repairing_twice_changes_nothing_in_nasty_text(text):
    once = normalize_text(text, **LAYOUT)[0]
    assert normalize_text(once, **LAYOUT) == (once, _lasting(once))
    assert unicodedata.is_normalized("NFC", once)
    assert not set(once) & set("\t\r\u200b\u00a0\u3000ㆍＡ\xad\uf900")


FRAGMENTS = [
    *(
        "&amp;",
        "&lt;",
        "&gt;",
        "&#65308;",
        "<br>",
        "<b>",
        "</b>",
        "<sup>2</sup>",
        "\\.",
        "\\&",
        "\\<",
    ),
    *(
        "주    문",
        "이 유",
        "- 아 래 -",
        "【피 고】",
        "원 고  ",
        "\n",
        "\n",
        "\n\n\n",
        " ",
        "  ",
        "\t",
    ),
    *(
        "＆lt;",
        "＼．",
        "‐ 다 음 ‐",
        "°¡³ª´Ù°í",
        "ì\x9b\x90ê³\xa0ì\x9d\x98",
        "媛쒖궗",
        "\xad",
        "\u200b",
    ),
    *(
        "소송비용은 피고가 부담한다.",
        "treat-",
        "ment",
        "- 3 -",
        "4쪽",
        "1. ",
        "서울중앙지방법원 판결문",
    ),
]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join))
def test_repairing_twice_changes_nothing_in_broken_documents(text):
    once = normalize_text(text, **LAYOUT)[0]
    assert normalize_text(once, **LAYOUT) == (once, _lasting(once))


def _lasting(text):
    """What is counted though it is no change."""
    lasting = {
        "mojibake_trace": count_lost_pairs(text),
        "replacement_character": text.count("\ufffd"),
    }
    return {rule: count for rule, count in lasting.items() if count}
