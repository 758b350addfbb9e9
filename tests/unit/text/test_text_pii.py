"""Personal data is masked in the layouts people use, and numbers that are none stay."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi.text.pii import PLACEHOLDERS, mask

PARTICLES = ["", "로", "는", "이다.", "에게", ") ", ", ", "\n"]

RESIDENT = [
    "900101-1234567",
    "900101 - 1234567",
    "900101 1234567",
    "9001011234567",
    "900101–1234567",
    "900101‑1234567",
    "051231-4123456",
    "850715-5123456",
    "900101-1******",
]
PHONES = [
    "010-1234-5678",
    "010.1234.5678",
    "010 1234 5678",
    "01012345678",
    "010) 1234-5678",
    "011-234-5678",
    "02-123-4567",
    "(02) 123-4567",
    "(02)1234-5678",
    "02)123-4567",
    "031-123-4567",
    "064.712.3456",
    "070-1234-5678",
    "0507-1234-5678",
    "0505-123-4567",
    "080-123-4567",
    "+82-10-1234-5678",
    "+82 10 1234 5678",
    "+821012345678",
    "+82-2-123-4567",
    "010–1234–5678",
    "02-123-4567~8",
]
EMAILS = ["hong@example.com", "gil.dong+1@mail.co.kr", "A_b-c@sub.example.org"]

INNOCENT = [
    "대법원 2020다12345 판결",
    "서울고법 99누1234, 99누5678(병합)",
    "2018두62225",
    "2010. 12. 31. 선고 2009도1234567 판결",
    "2003. 10. 14.부터 2004. 2. 13.까지",
    "20100101-20101231",
    "형법 제307조 제2항, 제309조의2 제1항 제3호",
    "금 6,113,800원, 010,000원",
    "바코드 8806421000123",
    "바코드 8806124567893",
    "수입신고번호 40000-00-000000M",
    "HSK 제8479.89-9099호",
    "제031-123-4567호로 허가한",
    "계좌 110-123-456789",
    "계좌 010-1234-567890",
    "법인등록번호 110111-1234567",
    "법인등록번호: 110111-1234567",
    "2023-010-1234-5678",
    "품목 202200413 0.02.123.4567",
    "950230-1234567",
    "991301-1234567",
    "임진왜란 1592-1598",
    "KCT0011569",
    "0.5-1.0 mg, 100-200-3000 mL",
    "201012 1234567 2345678",
    "변수 a@b, @mention",
]


@pytest.mark.parametrize("particle", PARTICLES)
@pytest.mark.parametrize("before", ["", "연락처는", "번호: ", "[", "가\n"])
def test_every_layout_is_masked(before, particle):
    for name, examples in (("resident_number", RESIDENT), ("phone", PHONES), ("email", EMAILS)):
        for example in examples:
            masked, counts = mask(before + example + particle, {})
            assert masked == before + PLACEHOLDERS[name] + particle, example
            assert counts == {name: 1}


@pytest.mark.parametrize("text", INNOCENT)
def test_other_numbers_stay(text):
    assert mask(text, {}) == (text, {})


def test_a_barcode_with_the_words_before_it_is_a_resident_number():
    assert mask("주민등록번호 8806121234567", {})[0] == "주민등록번호 [주민등록번호]"


@pytest.mark.parametrize("separator", [", ", ",", "/", " / ", "\n", " "])
def test_lists_of_numbers(separator):
    masked, counts = mask(f"010-1234-5678{separator}02-123-4567", {})
    assert masked == f"[전화번호]{separator}[전화번호]"
    assert counts == {"phone": 2}


def test_policy():
    text = "hong@example.com 010-1234-5678"
    assert mask(text, {"email": "keep"}) == ("hong@example.com [전화번호]", {"phone": 1})
    assert mask(text, {"email": "drop", "phone": "keep"})[1] == {"email": 1}


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(RESIDENT + PHONES + EMAILS + INNOCENT),
            st.text("0123456789-. ~(),@a가+*", max_size=6),
        ),
        max_size=6,
    ).map("".join)
)
def test_masking_twice_changes_nothing(text):
    once = mask(text, {})[0]
    assert mask(once, {}) == (once, {})


@settings(max_examples=300, deadline=None)
@given(
    st.integers(46, 2026),
    st.sampled_from(["다", "도", "누", "두", "가합", "구합", "고단", "헌바", "머", "모"]),
    st.integers(1, 9_999_999),
    st.sampled_from(["", " 판결", "(병합)", "호", ", "]),
)
def test_case_numbers_stay(year, sign, number, after):
    text = f"서울지법 {year % 100:02d}{sign}{number}{after}{year}{sign}{number}{after}"
    assert mask(text, {}) == (text, {})
