"""Personal data is masked in the layouts people use, and what is none stays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi.text.pii import PLACEHOLDERS, mask

PARTICLES = ["", "로", "는", "이다.", "에게", ") ", ", ", "\n"]

#: Numbers that need no word before them.
SHAPED = {
    "resident_number": [
        "900101-1234567",
        "900101 - 1234567",
        "900101 1234567",
        "9001011234567",
        "900101–1234567",
        "900101‑1234567",
        "051231-4123456",
        "850715-5123456",
        "900101-1******",
        "900101-*******",
    ],
    "business_number": ["123-45-67890", "617 - 82 - 01234", "220–81–62517"],
    "driver_license": ["11-12-345678-90", "28-05-012345-61", "서울 12-345678-90"],
    "passport": ["M12345678", "M123A4567", "S456B7890"],
    "phone": [
        "010-1234-5678",
        "010.1234.5678",
        "010 1234 5678",
        "01012345678",
        "010) 1234-5678",
        "011-234-5678",
        "010-12345678",
        "02-123-4567",
        "(02) 123-4567",
        "(02)1234-5678",
        "02)123-4567",
        "(031)-123-4567",
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
        "82-10-1234-5678",
        "010–1234–5678",
        "02-123-4567~8",
    ],
    "email": ["hong@example.com", "gil.dong+1@mail.co.kr", "A_b-c@sub.example.org"],
    "card": [
        "5412-7512-3412-3456",
        "4111 1111 1111 1111",
        "4111111111111111",
        "3782-822463-10005",
        "4518-****-****-1234",
    ],
    "vehicle_plate": ["123가4567", "12더3456", "서울 12가 3456", "경기37나5416"],
}

#: Sentences around a number, a name or an address that words before or after it reveal.
IN_WORDS = {
    "corporate_number": ["법인등록번호 {110111-1234567}", "법인 등록번호: {1101111234567}"],
    "business_number": ["사업자등록번호: {1234567890}", "사업자등록번호는 {123 45 67890}"],
    "driver_license": ["운전면허번호: {112345678901}", "면허 {98-123456-10}"],
    "passport": ["여권번호는 {S12345678}", "passport no. {G87654321}"],
    "phone": [
        "전화 {0212345678}",
        "대표번호 {15881234}",
        "고객센터는 {1544-1546}",
        "{0311234567}로 연락",
    ],
    "account": [
        "계좌번호 {110-123-456789}",
        "국민은행 {123456-01-123456}",
        "계좌 {010-1234-567890}",
        "{3333-01-1234567} (카카오뱅크)",
        "{1002123456789}으로 입금",
        "계좌번호: {123-45-67890}",
    ],
    "card": ["카드번호 {1234567890123456}"],
    "vehicle_plate": [
        "차량번호 {85누1234}",
        "피고의 {12나3456} 승용차",
        "이 사건 차량({12나3456})",
        "이 사건 {12나3456} 승용차",
        "자동차등록번호: {12 가 3456}",
    ],
    "chart_number": [
        "차트번호 {123456}",
        "환자번호는 {A-12345}",
        "MRN: {00123456}",
        "성명: 김○○, 등록번호: {20201234}",
        "병록번호 {2020-12345}",
    ],
    "insurance_number": ["건강보험증 번호 {1-2345678901}", "증번호: {12345678901}"],
    "address": [
        "서울특별시 강남구 {테헤란로 123}",
        "서울 마포구 {월드컵북로 400, 101동 1203호}",
        "경기도 양평군 양서면 {양수리 산 12-3번지}",
        "부산 해운대구 {우동 1234-5}",
        "대구 중구 {동성로1가 21}",
        "성남시 분당구 {판교역로 235, 4층 (삼평동)}",
        "주소: {한솔길 12-3}",
        "서울 동대문구 {회기동 62-34} 일대",
    ],
    "name": [
        "성명: {홍길동}",
        "성  명 : {김한솔}",
        "성명: {봉초롱}",
        "성명: {김솔}, 남",
        "| 환자명 | {남궁민수} |",
        "담당의: {박민수}",
        "피고인 {김철수}",
        "【피고, 상고인】   {이영희}",
        "환자 {정미경}(45세)",
        "{최은주} 씨",
        "{강하늘}님",
    ],
}

INNOCENT = [
    "대법원 2020다12345 판결",
    "서울고법 99누1234, 99누5678(병합)",
    "서울중앙지방법원 2018가합500000",
    "2018두62225",
    "2013헌마123",
    "2010. 12. 31. 선고 2009도1234567 판결",
    "99누1234호 자동차운전면허취소처분취소 사건",
    "버스 회사가 낸 98두1234, 97구12345",
    "2003. 10. 14.부터 2004. 2. 13.까지",
    "20100101-20101231",
    "국민은행 2020-01-02, 2020-01-03",
    "형법 제307조 제2항, 제309조의2 제1항 제3호",
    "금 6,113,800원, 010,000원",
    "바코드 8806421000123",
    "바코드 8806124567893",
    "부칙 2004123107311",
    "수입신고번호 40000-00-000000M",
    "HSK 제8479.89-9099호, 4011-10-1000",
    "제031-123-4567호로 허가한",
    "2023-010-1234-5678",
    "품목 202200413 0.02.123.4567",
    "950230-1234567",
    "991301-1234567",
    "000000-0000000",
    "임진왜란 1592-1598",
    "기록 1588-1590쪽",
    "KCT0011569, S12345678 규격",
    "0.5-1.0 mg, 100-200-3000 mL",
    "201012 1234567 2345678",
    "2010-2011-2012-2013",
    "변수 a@b, @mention",
    "허가증번호 12345678, 상표등록번호 1234567",
    "101동 1203호, 103호 1901",
    "서울특별시 강남구, 대전 서구 둔산동",
    "서울 강남구 상대로 3억 원",
    "청구 이유로 3가지",
    "서울특별시 중구 을지로2가 일대",
    "피고인 1은 공소외 2에게",
    "원고 소유의 토지, 피고 명의로, 환자 상태가, 원고 위원회는",
    "피고인 김모 씨, A 씨, 홍○○, 성명: 홍○○",
    "판사 김철수, 대법관 이영희, 소송대리인 변호사 박민수",
    "원고 전주이씨 종중",
    "환자: 경구 투여가 불가능한 경우, 피고: 주문과 같다",
    "성명: 원고",
    "| 성명 | 주소 | 연락처 |, | 이름 | 성분명 |, 상품 이름: 신라면, 이름\t이름",
]


def _around(template: str) -> tuple[str, str, str]:
    before, _, rest = template.partition("{")
    secret, _, after = rest.partition("}")
    return before, secret, after


@pytest.mark.parametrize("particle", PARTICLES)
@pytest.mark.parametrize("before", ["", "연락처는", "번호: ", "[", "가\n"])
def test_every_layout_is_masked(before, particle):
    for name, examples in SHAPED.items():
        for example in examples:
            # No region is attached to a word, and no bracket closes twice.
            if (example[0] > "z" and before == "연락처는") or (
                example[0] == "(" and particle == ") "
            ):
                continue
            masked, counts = mask(before + example + particle, {})
            assert masked == before + PLACEHOLDERS[name] + particle, example
            assert counts == {name: 1}


@pytest.mark.parametrize("name", IN_WORDS)
def test_words_reveal_what_a_number_is(name):
    for template in IN_WORDS[name]:
        before, secret, after = _around(template)
        for particle in ("",) if after else ("", "은", "에게 ", ", ", "\n"):
            masked, counts = mask(before + secret + particle + after, {})
            assert masked == before + PLACEHOLDERS[name] + particle + after
            assert counts == {name: 1}


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_personal_data_stays(text):
    assert mask(text, {}) == (text, {})


def test_a_barcode_with_the_words_before_it_is_a_resident_number():
    assert mask("주민등록번호 8806121234567", {})[0] == "주민등록번호 [주민등록번호]"


def test_brackets_around_a_phone_number_stay_in_pairs():
    assert mask("담당자(02)123-4567)에게", {})[0] == "담당자([전화번호])에게"
    assert mask("담당자((02)123-4567)에게", {})[0] == "담당자([전화번호])에게"


@pytest.mark.parametrize("separator", [", ", ",", "/", " / ", "\n", " "])
def test_lists_of_numbers(separator):
    masked, counts = mask(f"010-1234-5678{separator}02-123-4567", {})
    assert masked == f"[전화번호]{separator}[전화번호]"
    assert counts == {"phone": 2}


def test_policy():
    text = "hong@example.com 010-1234-5678"
    assert mask(text, {"email": "keep"}) == ("hong@example.com [전화번호]", {"phone": 1})
    assert mask(text, {"email": "drop", "phone": "keep"})[1] == {"email": 1}
    assert mask(text, dict.fromkeys(PLACEHOLDERS, "keep")) == (text, {})


def test_a_placeholder_does_not_make_a_case_number_a_plate():
    text = "12더3456 99누1234"
    assert mask(text, {})[0] == "[차량번호] 99누1234"


def test_long_lines_take_time_in_proportion():
    mask("가1-" * 50_000 + "@" * 50_000 + "a.b-" * 50_000, {})
    mask("성명: " * 20_000 + "서울 강남구 " * 20_000 + "1 2 3 4 5 6 7 8 9 0-" * 20_000, {})


EXAMPLES = [example for examples in SHAPED.values() for example in examples] + [
    template.replace("{", "").replace("}", "")
    for templates in IN_WORDS.values()
    for template in templates
]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(EXAMPLES + INNOCENT),
            st.text("0123456789-. ~(),@a가+*:\n", max_size=6),
        ),
        max_size=6,
    ).map("".join)
)
def test_masking_twice_changes_nothing(text):
    once = mask(text, {})[0]
    assert mask(once, {}) == (once, {})


LETTERS = [
    *("다", "도", "누", "두", "가합", "구합", "고단", "헌바", "머", "모", "나", "노", "허", "후"),
    *("카합", "그", "마", "라", "스", "느단", "드합", "재나", "초기", "타경", "하단", "회합", "푸"),
]
CASES = st.builds(
    "{}{}{}".format,
    st.one_of(st.integers(46, 99), st.integers(1946, 2026)),
    st.sampled_from(LETTERS),
    st.integers(1, 9_999_999),
)
STATUTES = st.builds(
    "제{}조의{} 제{}항 제{}호 {}목".format,
    *[st.integers(1, 999)] * 2,
    *[st.integers(1, 99)] * 2,
    st.sampled_from("가나다라마바사"),
)
DATES = st.builds(
    lambda form, year, month, day: form.format(year, month, day),
    st.sampled_from(["{}. {}. {}.", "{}.{}.{}.", "{}-{:02d}-{:02d}", "{}년 {}월 {}일"]),
    st.integers(1900, 2030),
    st.integers(1, 12),
    st.integers(1, 28),
)
BEFORE = [
    *(
        "",
        "대법원 ",
        "(",
        "서울고법 ",
        "같은 법원 ",
        "계좌 ",
        "국민은행 ",
        "전화 ",
        "카드 ",
        "사건 ",
    ),
    *(
        "원고의 차량이 ",
        "승용차 사고로 ",
        "성명: ",
        "주소: ",
        "환자번호 ",
        "서울 강남구 역삼동 ",
        "경기 ",
    ),
    *("10-", "1,", "여권 ", "면허 ", "법인 ", "구 도로교통법 ", "2020. 1. 2. 선고 ", "a@b.kr "),
]
AFTER = [
    *("", " 판결", "(병합)", "호", ", ", "로", "에 의하여", "\n", " 자동차", ". ", "부터 ", " 계좌")
]


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(BEFORE),
    st.one_of(CASES, STATUTES, DATES),
    st.sampled_from(AFTER),
    st.one_of(st.just(""), st.sampled_from(EXAMPLES)),
)
def test_case_numbers_statutes_and_dates_stay_wherever_they_are(before, citation, after, example):
    if before.endswith("-") and citation[0] != "제":
        before = ""
    text = f"{example} {before}{citation}{after} {example}"
    assert citation in mask(text, {})[0]
