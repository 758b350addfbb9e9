"""What is analysed by itself: lines, headings and items, and what must not be taken for them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi.morphology.blocks import blocks

#: What headings and numbers are made of, so that arbitrary texts hold many of them.
PIECES = st.sampled_from(
    [
        *"\n\t .:,)(][/-○●□※①②⑳㉠㉮【】다가나하",
        "1.",
        "2.",
        "2)",
        "(1)",
        "[1]",
        "제3조(정의)",
        "경고",
        "효능효과 ",
        "판결",
        "Ⅰ.",
    ]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=30).map("".join))


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in blocks(text)]


@pytest.mark.parametrize(
    "parts",
    [
        ["【주문】", "상고를 기각한다.", "【이유】", "상고이유를 본다."],
        ["【원고, 상고인】", "원고 (소송대리인 변호사 ○○○)", "【피고】", "피고"],
        ["[1] 사실이 아니다(판결 참조)", "[2] 사해행위는 그렇다."],
        ["[1] 민법 제268조 /", "[2] 민법 제269조 /", "[3] 민법 제270조"],
        ["[인정 근거]", "다툼 없는 사실, 갑 제1호증의 기재"],
        ["1. 가. 피고는 돈을 내라.", "나. 비용은 피고가 부담한다.", "2. 가집행할 수 있다."],
        ["제3조(정의)", "뜻은 다음과 같다.", '1. "약사"란 갑을 말한다.', '2. "약국"이란 을을 말한다.'],
        ["제5조(책무)", "① 시장은 조사한다. <개정 2021. 6. 8.>", "② 소유자는 돕는다."],
        ["제1장 총칙", "제1조(목적)", "이 영은 그 시행에 필요한 사항을 정한다."],
        ["다음 환자에는 투여하지 말 것.", "1) 과민증 환자", "2) 신장애 환자", "4) 임부"],
        ["【사용상의 주의사항】", "1. 경고", "신중히 쓴다.", "2. 이상반응", "1) 두통", "2) 발열"],
        ["용법·용량", "성인은 하루 세 번 먹는다."],
        ["Impression:", "1. 폐렴", "2. 무기폐", "3. r/o TB"],
        ["약값은 환자가 부담함.", "- 아 래 -", "가. 투여대상", "나. 투여방법"],
        ["하루는 쉬십시오.", "• 금식은 두 시간입니다.", "• 물은 드셔도 됩니다."],
        ["인정하지 아니함.", "※ 고시를 볼 것"],
        ["(1) 궤양 환자", "(2) 천식 환자(그 병력을 포함)"],
        ["제1조 【기간】", "한 해로 한다."],
        ["가) 첫 소변은 버림.", "나) 20mL를 받음."],
    ],
    ids=lambda parts: parts[0],
)  # fmt: skip
def test_headings_and_items_are_blocks(parts: list[str]) -> None:
    assert cut(" ".join(parts)) == parts


@pytest.mark.parametrize(
    "text",
    [
        "대법원 2001. 2. 9. 선고 99다38613 판결 참조.",
        "피고는 2015. 1.경 빌려 2016. 2. 15. 갚았고 같은 해 3. 다시 빌렸다.",
        "같은 법 제5조의2 제1항 1. 및 2.의 뜻은 같은 항 3.과 같다.",
        "별표 1의 가. 나. 다.에 해당하는 자",
        "갑은 제1호 가목, 나목 1) 및 2)를 위반하였다.",
        "피고는 ① 계약을 맺은 점, ② 돈을 치른 점 및 ③ 물건을 받은 점을 들어 다툰다.",
        "②부터 ④까지 생략",
        "합계 87,491원(= ①+②+③)",
        "1.5mg을 2. 5mL에 녹여 37.5℃에서 두었다.",
        "제3조(정의)에 따른 제4조(책무) 제1항의 뜻",
        "몸체 (1)이 덮개 (2)와 맞물리는 돌기 (3)을 가진다.",
        "수도이다.[2] 그러나 옛 이름은 다르다.[3] 지금은 쓰지 않는다.",
        "재판장 판사 ○○○, 판사 □□□, 판사 ◇◇◇",
        "위 【별지】에 적은 부동산",
    ],
)
def test_dates_doses_and_references_are_not_cut(text: str) -> None:
    assert cut(text) == [text]


def test_a_header_glued_to_its_text_is_a_block() -> None:
    assert cut("【이유】상고이유를 본다.") == ["【이유】", "상고이유를 본다."]
    assert cut("아니다(갑 판결 참조)\n[2] 그렇다.") == ["아니다(갑 판결 참조)", "[2] 그렇다."]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_blocks_hold_all_but_white_space_and_stay_within_lines(text: str) -> None:
    reached = 0
    for start, end in blocks(text):
        assert reached <= start < end <= len(text)
        assert not text[reached:start].strip()
        assert "\n" not in text[start:end]
        assert text[start:end] == text[start:end].strip()
        reached = end
    assert not text[reached:].strip()


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS)
def test_a_line_is_cut_alike_whatever_stands_around_it(first: str, second: str) -> None:
    assert cut(f"{first}\n{second}") == cut(first) + cut(second)
