"""Find street and lot addresses down to the number of the house.

As the courts do when they publish a decision, the region stays (서울특별시 강남구) and what follows it goes:
the road or the 동/리, the number, and the building, floor and door after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from malmoi.text.pii_spans import Span

#: Every 시, 군 and 구 there is or was since 1990, by its name without the last syllable.
_CITIES_LIST = """
서울특별 서울 부산광역 부산 대구광역 대구 인천광역 인천 광주광역 광주 대전광역 대전 울산광역 울산
세종특별자치 세종 부산직할 대구직할 인천직할 광주직할 대전직할
수원 성남 고양 용인 부천 안산 안양 남양주 화성 평택 의정부 시흥 파주 광명 김포 군포 이천 양주 오산
구리 안성 포천 의왕 하남 여주 동두천 과천 춘천 원주 강릉 동해 태백 속초 삼척 청주 충주 제천 천안 공주
보령 아산 서산 논산 계룡 당진 전주 군산 익산 정읍 남원 김제 목포 여수 순천 나주 광양 포항 경주 김천
안동 구미 영주 영천 상주 문경 경산 창원 마산 진해 진주 통영 사천 김해 밀양 거제 양산 제주 서귀포
온양 송탄 미금 이리 대천 점촌 삼천포 충무 여천 장승포
"""
_CITIES = frozenset(_CITIES_LIST.split())
_COUNTIES_LIST = """
기장 달성 군위 강화 옹진 울주 연천 가평 양평 여주 포천 양주 파주 김포 화성 용인 안성 평택 이천 광주
홍천 횡성 영월 평창 정선 철원 화천 양구 인제 고성 양양 보은 옥천 영동 증평 진천 괴산 음성 단양 청원
금산 부여 서천 청양 홍성 예산 태안 당진 연기 논산 공주 아산 천안 서산 보령 완주 진안 무주 장수 임실
순창 고창 부안 정읍 남원 김제 익산 옥구 담양 곡성 구례 고흥 보성 화순 장흥 강진 해남 영암 무안 함평
영광 장성 완도 진도 신안 나주 광산 승주 여천 의성 청송 영양 영덕 청도 고령 성주 칠곡 예천 봉화 울진
울릉 경산 달성 선산 월성 영일 금릉 상주 문경 안동 영천 의령 함안 창녕 남해 하동 산청 함양 거창 합천
양산 밀양 김해 진양 창원 거제 통영 사천 북제주 남제주 명주 삼척 원주 춘천 춘성 원성 제원 중원 대덕
"""
_COUNTIES = frozenset(_COUNTIES_LIST.split())
_DISTRICTS_LIST = """
종로 중 용산 성동 광진 동대문 중랑 성북 강북 도봉 노원 은평 서대문 마포 양천 강서 구로 금천 영등포 동작
관악 서초 강남 송파 강동 서 동 남 북 영도 부산진 동래 해운대 사하 금정 연제 수영 사상 수성 달서
미추홀 대 연수 남동 부평 계양 광산 유성 대덕 장안 권선 팔달 영통 수정 중원 분당 덕양 일산동 일산서 일산
처인 기흥 수지 상록 단원 만안 동안 원미 소사 오정 상당 서원 흥덕 청원 동남 서북 완산 덕진 의창 성산
마산합포 마산회원 진해
"""
_DISTRICTS = frozenset(_DISTRICTS_LIST.split())
_NAMES = {"시": _CITIES, "군": _COUNTIES, "구": _DISTRICTS}

#: A number of a house is no amount, time or rank.
_NO_UNIT = (
    r"(?![0-9]|-[0-9]|[.,][0-9]|[.] [0-9]|(?!번지)[가-힣]{1,3}[0-9]"
    r"| ?(?:년|월|일(?![대원])|회|차[로선도]?|개|명|억|만|천|원(?![심고판])|%|퍼센트|[mk㎡㎞㎝㎜]"
    r"|미터|킬로|평|시간|분|순위|번째|필지|세대|가구|인|위|점|배|건|조|항|가|동|구|리|번길|길))"
)
_NUMBER = rf"[0-9]{{1,5}}(?:-[0-9]{{1,4}})?{_NO_UNIT}"
_ROAD = (
    r"(?P<road>[가-힣](?:[가-힣0-9·]{0,10}(?<!으))?(?:로|길)(?:\s?[0-9]{1,4}(?:번|[가-하])?길)?)"
    rf"\s?(?:지하\s?)?{_NUMBER}"
)
_LOT = (
    r"(?P<lot>[가-힣]{1,6}?(?:[0-9]?(?:동|리)|(?:동|로)\s?[0-9]가|[가-힣]가))\s?(?:산\s?)?"
    rf"[0-9]{{1,4}}(?:-[0-9]{{1,4}}|의\s?[0-9]{{1,3}})?{_NO_UNIT}"
)
_BLOCK = r"[가-힣A-Za-z0-9]{1,15}"
_BUILDING = r"[가-힣A-Za-z0-9]{1,12}(?:아파트|빌라|빌딩|오피스텔|맨션|타워|연립|하이츠|빌리지|원룸)"
_TAIL = (
    r"(?: ?번지(?:의? ?[0-9]{1,3}(?:호)?)?"
    rf"|,? {{0,2}}(?:{_BLOCK} ?)?(?:[0-9]{{1,4}}|[가-하A-Z])동 ?[0-9]{{1,4}}호"
    rf"|(?:, {{0,2}}(?:{_BLOCK} )?| {{0,2}}(?:{_BUILDING} )?)(?:지하 ?|B)?[0-9]{{1,4}}(?:층|호)(?!선)"
    rf"|,? {{0,2}}{_BUILDING}"
    r"| ?\((?:[가-힣]{1,5}[0-9]{0,2}(?:동|리|가)(?:[0-9]가)?)(?:, ?[가-힣A-Za-z0-9 ]{1,20})?\)){0,5}"
)
_ADDRESS = re.compile(
    r"(?P<region>[시군구])\s{1,2}(?:[가-힣]{1,5}(?:[시군구읍면])\s{1,2}){0,2}"
    rf"(?P<detail>(?:{_ROAD}|{_LOT}){_TAIL})"
)
_LABELLED = re.compile(
    r"(?<!\[)[주거소본등](?:(?<=주)소지?|(?<=주)거지?|(?<=거)주지|(?<=소)재지|(?<=본)적|(?<=등)록기준지)"
    r"\s?(?:은|는|이|가)?[\s:：|()\[\]]{1,5}(?:[가-힣0-9]{1,8}\s{1,2}){0,4}?"
    rf"(?P<detail>(?:{_ROAD}|{_LOT}){_TAIL})"
)
_NO_ROAD_LIST = "도로 대로 선로 경로 통로 진로 항로 수로 철로 활로 서로 별로 새로 바로 따로"
_NO_ROAD = frozenset(_NO_ROAD_LIST.split())
_NO_LOT_LIST = (
    "행동 활동 운동 이동 변동 노동 공동 합동 자동 아동 거리 권리 처리 관리 수리 심리 법리"
)
_NO_LOT = frozenset(_NO_LOT_LIST.split())
_WORD = re.compile(r"[가-힣]+\Z")
#: The longest name of a region with what it may be attached to.
_REACH = 12


def find_addresses(text: str) -> Iterator[Span]:
    """Yield the spans of the numbered part of the addresses of ``text``, in ascending order of each kind."""
    match = _ADDRESS.search(text)
    while match:
        word = _WORD.search(text, max(0, match.start() - _REACH), match.start())
        name = word[0] if word else ""
        found = _is_region(name, match["region"]) and _is_place(match)
        if found:
            yield Span(*match.span("detail"), "address")
        match = _ADDRESS.search(text, match.end() if found else match.start() + 1)
    for match in _LABELLED.finditer(text):
        if _is_place(match):
            yield Span(*match.span("detail"), "address")


def _is_region(name: str, kind: str) -> bool:
    """Whether a word, or the end of one (위서울), names a 시, 군 or 구."""
    names = _NAMES[kind]
    return name in names or any(name[cut:] in names for cut in range(1, len(name) - 1))


def _is_place(match: re.Match[str]) -> bool:
    return match["road"] not in _NO_ROAD and match["lot"] not in _NO_LOT
