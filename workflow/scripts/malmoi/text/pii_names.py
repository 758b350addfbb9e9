"""Find names of persons, where the words around them say that they are names.

A label (성명: 홍길동), a part in a case or in a treatment (피고인 홍길동, 환자 홍길동) or a title (홍길동 씨)
has to be there. Judges, prosecutors and lawyers act in public and stay, as do names that are hidden already
(홍○○, 김모, 공소외 1, A 씨). Surnames and the syllables of given names are the frequent ones; a longer name
or a rarer syllable is believed only behind a label with a colon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from malmoi.text.pii_spans import Span
from malmoi.text.pii_words import NOUN_ENDINGS, NOUNS, WORDS

_SURNAME = (
    "[김이박최정강조윤장임한오서신권황안송류유홍전고문양손배백허남심노하곽성차주우구민진지엄채원천방공현함변염여추"
    "도소석선설마길연위표명기반왕금옥육인맹제모탁국어은편용나봉태]"
)
_LONG_SURNAME = "(?:남궁|황보|제갈|선우|독고|사공|서문|동방|어금)"
_FIRST = (
    "[가강건겨겸경계관광교국규균근금기길나남누다단달대덕도동두라란래로루리린만말명모무문미민방범별병보복봉산상새샘"
    "서석선설섭성세소솔송수숙순슬승시신아안애양언여연영예오옥완왕용우운웅원월유윤율은을의이익인일임자재점정제"
    "조종주준중지진찬창채천철청초춘충치칠쾌태택평표필하학한해향혁현형혜호홍화환효후훈휘흥희]"
)
_LAST = (
    "[강건걸겸결경곤관광구국권규균근금기길나남녀년늘단달담대덕도돈동두라락란람래련렬령례로록롱룡루률름리린림만명모목무묵문"
    "미민배백범벽별병복봉분빈빛삼상서석선섭성세솔솜송수숙순슬승식신실심아안애양언업여연열엽영예오옥온완용우욱운울웅원"
    "월유윤율은음의이익인일임자재전점정제조종주준중지직진찬창채천철초춘출충치칠태택팔평표필하학한해향혁현협형혜호홍화"
    "환회효후훈휘흠흥희]"
)
_NAME = f"(?:{_SURNAME}{_FIRST}{_LAST}|{_LONG_SURNAME}{_FIRST}{_LAST}?)"

_PARTICLE = (
    "(?:에게서|에게|께서|께|으로부터|로부터|으로|로|이라는|이라고|이라|이며|이고|이나|입니다|이다|인|은|는|이|가"
    "|을|를|의|와|과|도|만|측|외|란)"
)
_TITLE = r"(?:\s?(?:씨|님|군|양|귀하)(?![가-힣]{2}))"
#: What may follow a name: no Hangul, or a particle that ends the word, or a title.
_END = rf"(?=[^가-힣]|\Z|{_PARTICLE}(?![가-힣])|{_TITLE})"

_PARTS = (
    r"[피원망소공환증신청상항보고참채임매의수](?<![가-힣].)(?:"
    r"(?<=피)(?:고인?|해자|의자|신청인|청구인|상고인|항소인|상속인|고소인)|(?<=원)고|(?<=소)외|(?<=공)소외"
    r"|(?<=망)|(?<=환)자|(?<=증)인|(?<=신)청인|(?<=청)구인|(?<=상)고인|(?<=항)소인|(?<=보)호자"
    r"|(?<=고)(?:소인|객)|(?<=참)고인|(?<=채)[무권]자|(?<=임)[차대]인|(?<=매)[수도]인|(?<=의)뢰인|(?<=수)진자)"
)
_PART = re.compile(
    rf"(?:{_PARTS}(?:\s{{1,2}}(?:망|고)(?=\s))?(?:\s{{1,3}}|\()"
    r"|】[ \t\u3000]{0,4})"
    rf"(?P<name>{_NAME}){_END}",
    re.S,
)
_HEADING = re.compile(
    r"【[^【】\n]{0,30}(?:원\s?고|피\s?고|피\s?고\s?인|신\s?청\s?인|청\s?구\s?인|항\s?[소고]\s?인|상\s?고\s?인"
    r"|참가인)[^【】\n]{0,20}】\Z"
)

_COLON = r"(?:\s{0,3}[:：|=]\s{0,3}|\]\s{0,2}|\t\s?)"
#: Fields that hold nothing but a name, so that a short or a rare one is believed.
_FIELD = (
    r"[성이환수신보예고의피대입가](?<![가-힣\[].)(?:(?<=성)\s{0,4}명|(?<=이)\s{0,4}름|(?<=예)금주\s?명?"
    r"|(?<=가)입자\s?성?명"
    r"|(?:(?<=환)자|(?<=수)진자|(?<=수)검자|(?<=수)령인|(?<=신)청인|(?<=보)호자|(?<=고)객|(?<=고)소인|(?<=의)뢰인"
    r"|(?<=피)보험자|(?<=피)해자|(?<=피)고인|(?<=대)표자|(?<=대)리인|(?<=입)원자)\s?(?:성\s?)?(?:명|이름))"
)
_FIELD_NAME = re.compile(
    rf"{_FIELD}{_COLON}(?P<name>{_NAME}|{_LONG_SURNAME}[가-힣]{{1,2}}"
    rf"|(?P<rare>{_SURNAME}[가-힣][가-힣](?<![과와를는을에명란처일액]))|(?P<short>{_SURNAME}{_LAST}))(?:(?=[^가-힣○]|\Z|{_TITLE})|(?(short)(?!)|{_END}))",
    re.S,
)
#: Parts that a colon parts from a name, or from a remark.
_LABEL = (
    r"[환수신보주담진작고의피간대입](?<![가-힣\[].)(?:(?<=환)자|(?<=수)(?:진자|검자|령인|신인)|(?<=신)청인|(?<=보)호자"
    r"|(?<=주)치의|(?<=담)당(?:의사?|자|간호사|교수)?|(?<=진)료의사?|(?<=작)성자|(?<=고)(?:객|소인)|(?<=의)(?:사|뢰인)"
    r"|(?<=피)(?:보험자|해자|고인)|(?<=간)호사|(?<=대)(?:표자|리인)|(?<=입)원자)"
)
_LABELLED = re.compile(rf"{_LABEL}{_COLON}(?P<name>{_NAME}){_END}", re.S)
#: Names behind 성명 or 예금주 without a colon.
_BARE_LABELLED = re.compile(
    r"[성예주담](?<![가-힣\[].)(?:(?<=성)명|(?<=예)금주|(?<=주)치의|(?<=담)당의사?)(?:은|는|이)?\s{1,2}"
    rf"(?P<name>{_NAME}){_END}",
    re.S,
)
_TITLED = re.compile(rf"[씨님](?=[^가-힣○A-Z]|\Z|{_PARTICLE}(?![가-힣]))(?! ?[○A-Z])")
_BEFORE_TITLE = re.compile(rf"(?<![가-힣])(?P<name>{_NAME})\s?\Z")
_BEFORE_TITLE_REACH = 6

#: Seats of clans: 전주이씨 is a family, no person.
_SEATS_LIST = """
경주 여산 기계 남원 온양 여흥 동래 이천 성주 연일 제주 우봉 함안 해주 문화 연안 풍산 의성 순흥 순천 창녕
광산 현풍 선산 인동 나주 남평 하동 영월 은진 교하 양천 양성 여주 안동 안산 안악 장흥 장수 진주 진양 진천 수성
수원 신창 원주 전주 전의 정선 고성 고령 공주 한양 한산 함평 함양 화순 홍천 김해 남양 강릉 신평 하양
광주 창원 추계
"""
_SEATS = frozenset(_SEATS_LIST.split())


def find_names(text: str) -> Iterator[Span]:
    """Yield the spans of names of ``text`` that a label, a part in a case or a title marks; some overlap."""
    for match in _PART.finditer(text):
        if text[match.start()] == "】" and not _HEADING.search(
            text, max(0, match.start() - 50), match.start() + 1
        ):
            continue
        if not _is_word(match["name"]):
            yield Span(*match.span("name"), "name")
    for match in _FIELD_NAME.finditer(text):
        # Things have an 이름 too (상품 이름: 신라면), but no 성명.
        if match["rare"] and match[0].startswith("이"):
            continue
        if match["name"] not in WORDS and match["name"] not in NOUNS:
            yield Span(*match.span("name"), "name")
    for pattern in (_LABELLED, _BARE_LABELLED):
        for match in pattern.finditer(text):
            if not _is_word(match["name"]):
                yield Span(*match.span("name"), "name")
    for title in _TITLED.finditer(text):
        start = max(0, title.start() - _BEFORE_TITLE_REACH)
        found = _BEFORE_TITLE.search(text, start, title.start())
        if found and found["name"][:2] not in _SEATS and not _is_word(found["name"]):
            yield Span(*found.span("name"), "name")


def _is_word(name: str) -> bool:
    """Whether what looks like a name is a noun with an ending (명의의, 소유자) or another word."""
    return name in WORDS or (name[:2] in NOUNS and name[2:] in NOUN_ENDINGS)
