"""Made-up Korean sentences with personal data of every type, and sentences that only look like it.

Written from the public layouts of the numbers (who gives them out, in which groups of digits) and from the
forms of courts, firms and hospitals, not from the rules it is to test. No number belongs to a person.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Sentence(NamedTuple):
    """A ``text`` in which characters ``start`` to ``end`` (exclusive) are personal data of type ``kind``.

    A sentence without personal data has an empty ``kind`` and no characters in the span.
    """

    text: str
    start: int
    end: int
    kind: str


#: Particles in both forms: after a consonant, after a vowel.
_PARTICLES = {
    "은": "은는",
    "이": "이가",
    "을": "을를",
    "과": "과와",
    "으로": ("으로", "로"),
    "이라": ("이라", "라"),
    "이나": ("이나", "나"),
    "이며": ("이며", "며"),
}
_PARTICLE = re.compile(r"\{(은|이|을|과|으로|이라|이나|이며)\}")
#: How the last digit is read: 영 일 이 삼 사 오 육 칠 팔 구. A final ㄹ takes 로.
_CLOSED = frozenset("013678")
_LIQUID = frozenset("178")

_SURNAMES_LIST = """
김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 류 홍 전 고 문 손 배 백 허 남 심 노
"""
_SURNAMES = _SURNAMES_LIST.split()
_GIVEN_LIST = """
민준 서준 도윤 예준 시우 주원 하준 지호 지훈 준서 현우 건우 우진 선우 서연 서윤 지우 서현
민서 하은 윤서 지유 채원 수아 지아 은서 예은 다은 영수 영호 성호 정호 상훈 성민 동현 준혁
승현 영희 순자 영숙 정숙 미숙 경숙 은주 미경 현정 은영 혜진 지영 수진 유진 보람 슬기 철수
재석 태희 민재 가영 나래 한결 종국 병철 광수 옥순 말숙 춘자
"""
_GIVEN = _GIVEN_LIST.split()
_AREAS = (
    "02",
    *(f"0{area}" for area in (31, 32, 33, 41, 42, 43, 44, 51, 52, 53, 54, 55, 61, 62, 63, 64)),
)
_MODERN_PLATES = "가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주아바사자배하허호"
_REGIONS_LIST = """
서울 부산 대구 인천 광주 대전 울산 경기 강원 충북 충남 전북 전남 경북 경남 제주
"""
_REGIONS = _REGIONS_LIST.split()
_BANKS_LIST = """
국민은행 신한은행 우리은행 하나은행 농협 기업은행 카카오뱅크 토스뱅크 새마을금고 신협 우체국
부산은행 SC제일은행
"""
_BANKS = _BANKS_LIST.split()


def _digits(rng: random.Random, count: int, first: str = "0123456789") -> str:
    return rng.choice(first) + "".join(rng.choice("0123456789") for _ in range(count - 1))


def _resident(rng: random.Random) -> str:
    year, month, day = rng.randint(0, 99), rng.randint(1, 12), rng.randint(1, 28)
    birth = f"{year:02d}{month:02d}{day:02d}"
    rest = _digits(rng, 7, "12345678")
    return rng.choice(
        [
            f"{birth}-{rest}",
            f"{birth}-{rest}",
            f"{birth} - {rest}",
            f"{birth}–{rest}",
            f"{birth}{rest}",
            f"{birth} {rest}",
            f"{birth}-{rest[0]}******",
            f"{birth}‑{rest}",
        ]
    )


def _business(rng: random.Random) -> str:
    first, second, third = _digits(rng, 3, "123456789"), _digits(rng, 2), _digits(rng, 5)
    return rng.choice(["{}-{}-{}", "{}-{}-{}", "{} - {} - {}", "{}–{}–{}"]).format(
        first, second, third
    )


def _corporate(rng: random.Random) -> str:
    office = rng.choice(["1101", "1201", "1301", "1401", "1501", "1601", "2801", "1844", "1346"])
    kind = rng.choice(["11", "14", "15", "21", "22", "31", "71"])
    return rng.choice(["{}{}-{}", "{}{}-{}", "{}{} - {}", "{}{}–{}"]).format(
        office, kind, "0" + _digits(rng, 6)
    )


def _license(rng: random.Random) -> str:
    office, year = rng.randint(11, 26), rng.randint(0, 99)
    serial, check = _digits(rng, 6), _digits(rng, 2)
    return rng.choice(
        [
            f"{office}-{year:02d}-{serial}-{check}",
            f"{office}-{year:02d}-{serial}-{check}",
            f"{office} - {year:02d} - {serial} - {check}",
            f"{office}–{year:02d}–{serial}–{check}",
            f"{rng.choice(_REGIONS)} {year:02d}-{serial}-{check}",
        ]
    )


def _passport(rng: random.Random) -> str:
    letter = rng.choice("MMMMMSRDG")
    if rng.random() < 0.5:
        return f"{letter}{_digits(rng, 8)}"
    return f"{letter}{_digits(rng, 3)}{rng.choice('ABCDEFGHJKLMNPRSTUVWXYZ')}{_digits(rng, 4)}"


def _phone(rng: random.Random) -> str:
    mobile = (rng.choice(["010", "010", "010", "011", "016", "019"]), _digits(rng, 4, "23456789"))
    area = (
        rng.choice(_AREAS),
        _digits(rng, rng.choice([3, 4]), "2345678"),
    )
    service = (rng.choice(["070", "0502", "0505", "0507", "080"]), _digits(rng, 4, "2345678"))
    prefix, middle = rng.choice([mobile, mobile, area, area, service])
    last = _digits(rng, 4)
    layouts = [
        f"{prefix}-{middle}-{last}",
        f"{prefix}.{middle}.{last}",
        f"{prefix} {middle} {last}",
        f"{prefix})-{middle}-{last}" if rng.random() < 0.2 else f"{prefix}) {middle}-{last}",
        f"({prefix}) {middle}-{last}",
        f"({prefix}){middle}-{last}",
        f"{prefix} - {middle} - {last}",
        f"{prefix}–{middle}–{last}",
        f"+82-{prefix[1:]}-{middle}-{last}",
        f"+82 {prefix[1:]} {middle} {last}",
        f"{mobile[0]}{mobile[1]}{last}",
        f"{rng.choice(['1544', '1566', '1577', '1588', '1599', '1600', '1644', '1670', '1800', '1899'])}"
        f"-{_digits(rng, 4, '23456789')}",
    ]
    return rng.choice(layouts).replace("+82-80", "+82-70")


def _email(rng: random.Random) -> str:
    name = rng.choice(
        ["hong", "gdhong", "minjun.kim", "su_jin", "lee-yh", "park99", "j.s.choi", "contact"]
    )
    number = rng.choice(["", "", str(rng.randint(1, 9999))])
    host = rng.choice(
        [
            "naver.com",
            "daum.net",
            "gmail.com",
            "hanmail.net",
            "korea.kr",
            "snu.ac.kr",
            "law-firm.co.kr",
            "ex.io",
        ]
    )
    return f"{name}{number}@{host}"


def _account(rng: random.Random) -> str:
    groups = rng.choice(
        [
            (6, 2, 6),
            (3, 3, 6),
            (4, 3, 6),
            (3, 6, 5),
            (3, 4, 4, 2),
            (4, 2, 7),
            (3, 2, 6),
            (6, 2, 6),
            (3, 2, 5, 1),
        ]
    )
    return rng.choice(["-", "-", "-", " - ", ""]).join(
        _digits(rng, size, "123456789") if place == 0 else _digits(rng, size)
        for place, size in enumerate(groups)
    )


def _card(rng: random.Random) -> str:
    if rng.random() < 0.1:
        number = "37" + _digits(rng, 12)
        number += _luhn(number)
        return rng.choice([f"{number[:4]}-{number[4:10]}-{number[10:]}", number])
    number = rng.choice(["4", "51", "54", "94", "35", "62"]) + _digits(rng, 14)
    number = number[:15]
    number += _luhn(number)
    groups = [number[place : place + 4] for place in range(0, 16, 4)]
    if rng.random() < 0.1:
        groups[1:3] = "****", "****"
        return "-".join(groups)
    return rng.choice(["-", "-", " ", " - ", "", "–"]).join(groups)


def _luhn(number: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def _plate(rng: random.Random) -> str:
    letter, last = rng.choice(_MODERN_PLATES), _digits(rng, 4, "123456789")
    two, three = f"{rng.randint(1, 69):02d}", str(rng.randint(100, 699))
    return rng.choice(
        [
            f"{two}{letter}{last}",
            f"{two}{letter} {last}",
            f"{three}{letter}{last}",
            f"{three}{letter}{last}",
            f"{three}{letter} {last}",
            f"{rng.choice(_REGIONS)} {two} {letter} {last}",
            f"{rng.choice(_REGIONS)}{two}{letter}{last}",
            f"{rng.choice(_REGIONS)} {two}{letter} {last}",
            f"{rng.choice(_REGIONS)} {rng.randint(1, 9)}{letter}{last}",
        ]
    )


_PLACES = [
    ("서울특별시 강남구", "테헤란로", "역삼동"),
    ("서울 마포구", "월드컵북로", "상암동"),
    ("부산광역시 해운대구", "센텀중앙로", "우동"),
    ("대구 수성구", "달구벌대로", "범어동"),
    ("인천 연수구", "컨벤시아대로", "송도동"),
    ("광주광역시 북구", "첨단과기로", "오룡동"),
    ("대전 서구", "둔산북로", "둔산동"),
    ("경기도 성남시 분당구", "판교역로", "삼평동"),
    ("경기 수원시 영통구", "광교중앙로", "이의동"),
    ("충청북도 청주시 흥덕구", "직지대로", "복대동"),
    ("전라남도 순천시", "백강로", "연향동"),
    ("경상남도 창원시 성산구", "창이대로", "상남동"),
    ("강원도 양양군 현북면", "하조대해안길", "하광정리"),
    ("제주특별자치도 제주시", "첨단로", "영평동"),
    ("세종특별자치시", "한누리대로", "어진동"),
    ("경기도 양평군 양서면", "양수로", "양수리"),
]


def _address(rng: random.Random) -> tuple[str, str]:
    region, road, village = rng.choice(_PLACES)
    number = rng.choice([str(rng.randint(1, 999)), f"{rng.randint(1, 400)}-{rng.randint(1, 40)}"])
    lot = f"{rng.randint(1, 1500)}-{rng.randint(1, 99)}"
    flat = f"{rng.randint(101, 120)}동 {rng.randint(1, 25)}{rng.randint(1, 9):02d}호"
    return f"{region} ", rng.choice(
        [
            f"{road} {number}",
            f"{road} {number}, {rng.randint(2, 20)}층",
            f"{road} {number} ({village})",
            f"{road} {number}, {flat}",
            f"{road} {number}, {flat} ({village}, 한빛아파트)",
            f"{road}{rng.randint(1, 80)}번길 {number}",
            f"{road}{rng.randint(1, 80)}길 {number}",
            f"{village} {lot}",
            f"{village} {lot}번지",
            f"{village} 산 {rng.randint(1, 90)}-{rng.randint(1, 9)}",
            f"{village} {lot} 한빛아파트 {flat}",
            f"{village} {rng.randint(1, 999)}번지",
        ]
    )


def _chart(rng: random.Random) -> str:
    return rng.choice(
        [
            _digits(rng, rng.choice([6, 7, 8])),
            _digits(rng, 8),
            f"{rng.randint(2010, 2026)}-{_digits(rng, 5)}",
        ]
    )


def _insurance(rng: random.Random) -> str:
    return rng.choice(
        [_digits(rng, 11, "1234578"), f"{rng.choice('1578')}-{_digits(rng, 10)}", _digits(rng, 10)]
    )


def _name(rng: random.Random) -> str:
    return rng.choice(_SURNAMES) + rng.choice(_GIVEN)


_OPEN_FRAMES = [
    "{x}{은} 기록에서 확인된다.",
    "원고가 적어 낸 {x}{을} 대조하였다.",
    "신청서에는 {x}{이라}고 적혀 있다.",
    "별지에 {x}{이} 기재되어 있음",
    "(확인: {x})",
    "위 서류의 \u201c{x}\u201d 부분",
    "{x}\n위와 같이 신고합니다.",
    "- {x}{과} 그 밖의 사항",
    "2023. 5. 17. 접수된 서류에 {x}{으로} 표시되어 있고, 제3조 제1항에 따른다.",
    "대법원 2019다276543 판결의 당사자가 {x}{이며} 다툼이 없다.",
]

_FRAMES: dict[str, list[str]] = {
    "resident_number": [
        *_OPEN_FRAMES,
        "주민등록번호 {x}",
        "주민등록번호: {x}, 직업: 회사원",
        "주민번호는 {x}입니다.",
        "외국인등록번호 | {x} | 체류자격 F-4",
        "갑({x}){은} 을에게 3,000만 원을 지급한다.",
    ],
    "business_number": [
        *_OPEN_FRAMES,
        "사업자등록번호 {x}",
        "사업자등록번호: {x} / 대표자",
        "공급자(사업자번호 {x}){이} 발행한 세금계산서",
        "고유번호 {x}",
    ],
    "corporate_number": [
        "법인등록번호 {x}",
        "법인등록번호: {x}",
        "법인등록번호는 {x}이다.",
        "법인등록번호({x}){이} 말소되었다.",
        "주식회사 한빛(법인등록번호 {x})",
        "법인번호: {x}, 본점: 서울",
        "| 법인등록번호 | {x} |",
        "법인등록번호 : {x}{으로} 등기된 회사",
        "등기사항증명서상 법인등록번호 {x}{을} 확인함",
        "법인 등록번호 {x}{과} 상호가 일치한다.",
        "원고(법인등록번호: {x}){은} 2020. 3. 4. 설립되었다.",
        "[법인등록번호 {x}]",
        "부동산등기용등록번호 {x}",
    ],
    "driver_license": [
        *_OPEN_FRAMES,
        "운전면허번호 {x}",
        "면허번호: {x} (1종 보통)",
        "자동차운전면허({x}){을} 2022. 8. 1.자로 취소한다.",
        "| 운전면허 | {x} |",
    ],
    "passport": [
        "여권번호 {x}",
        "여권번호: {x}, 국적: 대한민국",
        "여권번호는 {x}입니다.",
        "여권({x}){을} 분실하였다.",
        "| 여권번호 | {x} |",
        "대한민국 여권 {x}{으로} 출국하였다.",
        "Passport No. {x}",
        "여권번호({x}){이} 위조된 사실",
        "여권 번호 {x}{은} 유효하지 않다.",
        "피고인은 여권(번호: {x}){을} 제시하였다.",
        "여권번호 : {x}\n발급일 : 2019. 6. 3.",
        "여권 \u201c{x}\u201d의 사본",
    ],
    "phone": [
        *_OPEN_FRAMES,
        "연락처: {x}",
        "전화 {x}{으로} 문의하십시오.",
        "Tel. {x}",
        "담당자({x})에게 알린다.",
        "휴대전화 {x}{을} 개통하였다.",
        "☎ {x}",
    ],
    "email": [
        *_OPEN_FRAMES,
        "이메일: {x}",
        "E-mail {x}{으로} 보내 주십시오.",
        "메일은{x}입니다.",
        "전자우편 주소 <{x}>",
    ],
    "account": [
        "계좌번호 {x}",
        "계좌번호: {x} (예금주 생략)",
        "{b} {x}{으로} 송금하였다.",
        "{b} 계좌({x}){이} 압류되었다.",
        "피고 명의의 {b} 계좌 {x}{을} 개설하였다.",
        "입금계좌: {b} {x}",
        "{b} {x} 예금주 확인",
        "환급계좌 {b} {x}",
        "| 계좌번호 | {x} |",
        "{x} ({b})",
        "통장번호 {x}{은} 해지되었다.",
        "{b}({x})에서 500만 원을 인출하였다.",
        "치료비는 {b} 계좌번호 {x}{으로} 입금 바랍니다.",
    ],
    "card": [
        *_OPEN_FRAMES,
        "카드번호 {x}",
        "신용카드({x}){으로} 결제하였다.",
        "체크카드 번호: {x}",
        "| 카드번호 | {x} | 유효기간 05/27 |",
    ],
    "vehicle_plate": [
        "차량번호 {x}",
        "차량번호: {x}, 차종: 승용",
        "피고 소유의 {x} 승용차",
        "피고인은 {x}호 화물차를 운전하였다.",
        "{x} 택시에 승차하였다.",
        "자동차등록번호 {x}{을} 말소하였다.",
        "위 차량({x}){은} 도난 차량이다.",
        "사고 차량은 {x}{이며} 수리 중이다.",
        "| 차량번호 | {x} |",
        "{x} 오토바이가 역주행하였다.",
        "번호판 {x}{이} 훼손되었다.",
        "주차장에 세워 둔 자동차 {x}{을} 손괴하였다.",
        "{x} 버스의 운전자",
    ],
    "address": [
        "주소: {x}",
        "주소 {x}",
        "{x}에 거주하는 사람",
        "{x}에서 발생한 사고",
        "피고인의 주거지인 {x}{으로} 송달하였다.",
        "본점을 {x}에 둔다.",
        "환자 주소는 {x}입니다.",
        "| 주소 | {x} |",
        "2021. 4. 8. {x} 소재 건물을 매수하였다.",
        "({x}){은} 주민등록지이다.",
        "위 부동산({x})의 임차인",
        "송달장소: {x}\n전화: 생략",
    ],
    "chart_number": [
        "차트번호 {x}",
        "차트번호: {x}",
        "환자번호 {x}{은} 외래로 등록됨",
        "환자번호: {x}, 진료과: 내과",
        "병록번호 {x}",
        "MRN: {x}",
        "MRN {x}{으로} 조회함",
        "환자 등록번호: {x}",
        "등록번호: {x} 환자 생년월일 생략",
        "| 환자번호 | {x} |",
        "Chart No. {x}",
        "차트번호({x}){을} 확인하였다.",
        "진료기록(차트번호 {x}){이} 첨부됨",
    ],
    "insurance_number": [
        "건강보험증 번호 {x}",
        "건강보험증번호: {x}",
        "건강보험증 번호는 {x}입니다.",
        "보험증번호 {x}{으로} 조회하였다.",
        "증번호: {x}",
        "| 건강보험증번호 | {x} |",
        "의료급여증 번호 {x}",
        "의료급여증번호: {x}, 종별: 1종",
        "건강보험 증번호 {x}{을} 기재함",
        "보험증 번호({x}){이} 다르다.",
        "의료보험증 번호 {x}{은} 말소됨",
        "건강보험증 번호 : {x}\n세대주 : 생략",
    ],
    "name": [
        "성명: {x}",
        "성명 : {x} (남, 45세)",
        "이름: {x}, 나이: 37",
        "| 성명 | {x} |",
        "환자명: {x}",
        "환자 {x}{은} 2022. 3. 4. 입원하였다.",
        "피고인 {x}{을} 징역 1년에 처한다.",
        "원고 {x}{이} 소를 제기하였다.",
        "보호자: {x}(모)",
        "담당의: {x}",
        "{x} 씨가 찾아왔다.",
        "{x}님께서 동의하셨습니다.",
        "예금주: {x}",
        "증인 {x}의 증언",
    ],
}

_MAKERS: dict[str, Callable[[random.Random], str]] = {
    "resident_number": _resident,
    "business_number": _business,
    "corporate_number": _corporate,
    "driver_license": _license,
    "passport": _passport,
    "phone": _phone,
    "email": _email,
    "account": _account,
    "card": _card,
    "vehicle_plate": _plate,
    "chart_number": _chart,
    "insurance_number": _insurance,
    "name": _name,
}


def positives(seed: int, each: int) -> Iterator[Sentence]:
    """Yield ``each`` sentences for every type, one piece of personal data in each, beside what is none."""
    rng = random.Random(seed)
    for kind, frames in _FRAMES.items():
        for number in range(each):
            prefix, secret = "", ""
            if kind == "address":
                prefix, secret = _address(rng)
            else:
                secret = _MAKERS[kind](rng)
            frame = frames[number % len(frames)].replace("{b}", rng.choice(_BANKS))
            before, _, after = frame.partition("{x}")
            after = _PARTICLE.sub(
                lambda match, last=secret: _particle(last, match[1]), after, count=1
            )
            after = _PARTICLE.sub(lambda match: _PARTICLES[match[1]][0], after)
            lead, trail = "", ""
            if rng.random() < 0.5:
                lead = next(_negative_texts(rng)) + rng.choice(["\n", " ", "\n\n"])
            if rng.random() < 0.5:
                trail = rng.choice(["\n", " ", "\n\n"]) + next(_negative_texts(rng))
            text = lead + before + prefix + secret + after + trail
            start = len(lead + before + prefix)
            yield Sentence(text, start, start + len(secret), kind)


def _particle(word: str, particle: str) -> str:
    last = word[-1]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
        closed, liquid = final > 0, final == 8
    elif last.isdigit():
        closed, liquid = last in _CLOSED, last in _LIQUID
    else:
        closed, liquid = last in "lmn", last == "l"
    if particle == "으로" and liquid:
        closed = False
    return _PARTICLES[particle][0 if closed else 1]


_COURTS_LIST = """
대법원 서울고등법원 서울고법 부산지방법원 수원지법 특허법원 헌법재판소 대전지법 서울행정법원
인천지방법원
"""
_COURTS = _COURTS_LIST.split()
_OLD_CODES_LIST = """
다 누 도 나 노 라 마 모 그 스 구 두 므 르 후 허 바 카 머 드 느 가합 고단 다카 헌마 헌바 카합
구합 고합 가단
"""
_OLD_CODES = _OLD_CODES_LIST.split()
_CODES = [
    *_OLD_CODES,
    "가소",
    "드단",
    "느단",
    "카단",
    "타경",
    "하단",
    "회합",
    "초기",
    "재나",
    "헌가",
    "너",
    "주",
    "수",
    "우",
    "부",
]


def negatives(seed: int, count: int) -> Iterator[Sentence]:
    """Yield ``count`` sentences full of numbers and words that are no personal data."""
    rng = random.Random(seed)
    texts = _negative_texts(rng)
    for _ in range(count):
        yield Sentence(next(texts), 0, 0, "")


def _negative_texts(rng: random.Random) -> Iterator[str]:
    while True:
        yield _SLOT.sub(lambda match: _fill(rng, match[1]), rng.choice(_NEGATIVES))


def _fill(rng: random.Random, slot: str) -> str:
    """Return what stands in a slot: {1-300} a number from 1 to 300, {#5} five digits, {case} a case number."""
    if slot.startswith("#"):
        return _digits(rng, int(slot[1:]), "123456789")
    if slot[0].isdigit():
        low, high = slot.split("-")
        return str(rng.randint(int(low), int(high)))
    return _SLOTS[slot](rng)


def _case(rng: random.Random) -> str:
    if rng.random() < 0.4:
        return f"{rng.randint(46, 99)}{rng.choice(_OLD_CODES)}{rng.randint(1, 99999)}"
    return f"{rng.randint(2000, 2026)}{rng.choice(_CODES)}{rng.randint(1, 999999)}"


def _date(rng: random.Random) -> str:
    year, month, day = rng.randint(1950, 2026), rng.randint(1, 12), rng.randint(1, 28)
    return rng.choice(
        [
            f"{year}. {month}. {day}.",
            f"{year}.{month}.{day}.",
            f"{year}-{month:02d}-{day:02d}",
            f"{year}{month:02d}{day:02d}",
            f"{year}년 {month}월 {day}일",
            f"{year}/{month:02d}/{day:02d}",
        ]
    )


def _statute(rng: random.Random) -> str:
    article = f"제{rng.randint(1, 999)}조" + rng.choice(["", f"의{rng.randint(2, 19)}"])
    return article + rng.choice(
        [
            "",
            f" 제{rng.randint(1, 9)}항",
            f"제{rng.randint(1, 9)}항제{rng.randint(1, 30)}호{rng.choice('가나다라')}목",
        ]
    )


def _money(rng: random.Random) -> str:
    amount = rng.randint(1, 999_999_999_999)
    return rng.choice(
        [
            f"{amount:,}원",
            f"금 {amount}원",
            f"{amount // 10**8}억 {rng.randint(1, 9999)}만 원",
            f"US${amount / 100:,.2f}",
        ]
    )


_AFTER_PARTS = (
    "소유의 토지",
    "명의로 등기",
    "주장은 이유 없다",
    "상태가 호전되었다",
    "진료비를 청구",
    "전원이 출석",
    "측은 다투지 아니한다",
    "본인의 동의",
    "이송 중에",
    "신체에 위해",
    "조합의 정관",
    "안전을 위하여",
    "은행의 예금",
    "사이에 체결된",
    "연구에 참여",
    "이외의 사람",
    "정보를 수집",
    "회사의 이사",
    "대리인이 제출",
    "문중이 보존",
)

_SLOT = re.compile(r"\{([#a-z0-9-]+)\}")
_SLOTS: dict[str, Callable[[random.Random], str]] = {
    "case": _case,
    "date": _date,
    "statute": _statute,
    "money": _money,
    "name": _name,
    "court": lambda rng: rng.choice(_COURTS),
    "place": lambda rng: rng.choice(_PLACES)[0],
    "part": lambda rng: rng.choice(("원고", "피고", "환자", "피고인", "피해자")),
    "after": lambda rng: rng.choice(_AFTER_PARTS),
    "hidden": lambda rng: rng.choice(_SURNAMES) + rng.choice(("○○", "모", "△△", "**", "OO")),
    "letter": lambda rng: rng.choice("ABCDEFGHIJKN"),
}
_NEGATIVES = (
    "{court} {date} 선고 {case} 판결 참조",
    "{court} {case}, {case}(병합) 사건",
    "원심은 {case}호로 제기된 소를 {date} 각하하였다.",
    "사건번호 {case} 손해배상(자), 차량 파손에 따른 {money}",
    "{case} 자동차운전면허취소처분취소",
    "같은 법 시행령 {statute} 및 {statute}에 따라",
    "{date}부터 {date}까지의 차임 {money}",
    "손해액은 {money}에서 {money}을 뺀 금액이다.",
    "제품 바코드 880{#10}, 수량 {1-500}",
    "의약품 표준코드 880{#10} ({1-500}mg)",
    "상병코드 {letter}{#2}.{0-9}, 보험코드 6{#8}",
    "1회 {1-4}정, 1일 {1-4}회, {5-500}~{501-2000} mg",
    "ISO {#5}-{1-9}:{1990-2026}, KS X {#4}",
    "공보 {100-900}호 {1000-9999}면, {100-999}-{1000-1999}쪽",
    "특허 제10-{#7}호, 상표등록 제40-{#7}호",
    "수입신고번호 {#5}-{#2}-{#6}M, HSK {#4}.{#2}-{#4}",
    "품목허가번호 제{1-9999}호, 허가일 {date}",
    "서버 192.168.{0-255}.{1-254}, 버전 {0-9}.{0-99}.{0-999}",
    "{1000-1900}-{1901-2026}년, {1-12}:{10-59}",
    "면적 {10-9999}.{10-99}㎡ 중 {1-9}/{10-99} 지분",
    "공소외 {1-300}이 {2000-2026}. {1-12}.경 피고인 {1-30}에게",
    "{part} {after}",
    "판사 {name}(재판장) {name}",
    "대법관 {name}(재판장) {name} 주심",
    "{hidden} 씨는 {date} 진술하였다.",
    "{place}에서 열린 {1-40}차 회의, {1-50}명 참석",
    "{place} 일대 {1-90}개 필지와 {2-9}개 동",
    "측정값 {100-999} {100-999} {1000-9999} {10-99}",
    "{100-130}동 {101-2500}호, {101-130}호 {1900-2026}년",
    "CAS {50-9999}-{#2}-{0-9}, 로트 {letter}{#6}",
    "@사용자{1-99} 3@5 단가, {1-99}%@{1-99}",
    "제{1-20}회 공판조서 {1-900}-{1-900}면, 증거기록 제{1-9}권",
)
