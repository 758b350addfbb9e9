"""Find numbers given to persons: resident, business, licence, passport, phone, account, patient numbers.

The rules prefer precision: case numbers, dates, statute references, money, barcodes and document numbers
have to stay. A shape that belongs to one kind of number is enough by itself; other shapes need words
before them (계좌번호, 환자번호). A number may be followed by a particle (``010-1234-5678로``), so no rule
asks for a word boundary that Hangul would hide. Check digits break ties but are not required: resident
numbers given out since October 2020 and corporate numbers since 2025 have none.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator

from malmoi.text.pii_spans import DASH, REGIONS, Span

#: A number may not continue a longer one on either side, nor end a word of Latin letters.
_BEFORE = r"(?<![0-9A-Za-z])(?<![0-9][-.:])(?<![A-Za-z]-)"
_AFTER = rf"(?![0-9A-Za-z])(?!{DASH}[0-9]|[.:][0-9])"
_JOIN = rf" ?{DASH} ?"
#: Between a word and the number it speaks of: little, and nothing after a closing bracket.
_FILLER = r"[^\n0-9\])]{0,14}(?:[\])][\s:：]{0,3})?"
#: The same, where numbers may stand between them.
_REMARK = r"[^\n\])]{0,20}(?:[\])][\s:：]{0,3})?"

#: Where a number can begin: seven or more digits, hardly apart, or a letter and eight digits. A year and
#: a full stop (2020. 1. 2.) is passed over here, since dates are by far the most frequent candidates.
_CANDIDATE = re.compile(
    r"[0-9MSRODG](?<![0-9A-Za-z].)(?:"
    r"(?<=[0-9])(?!(?<=[1-9])[0-9]{3}\. ?[0-9])"
    rf"(?=(?:(?:{DASH}|[.) ]){{0,3}}[0-9*●○xX]){{6}})"
    r"|(?<=[A-Z])[0-9]{3}[0-9A-Z][0-9]{4})",
    re.S,
)

_RESIDENT = re.compile(
    rf"{_BEFORE}(?P<birth>[0-9]{{2}}[01][0-9][0-3][0-9])"
    rf"(?P<separator>{_JOIN}| ?)"
    rf"(?P<rest>[1-8](?:[0-9]{{6}}|[*●○xX]{{6}})|[*●○]{{7}}){_AFTER}(?![*●○])"
)
_DATED = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
_BARCODE_WORDS = re.compile(r"(?:코드|품목|[Gg][Tt][Ii][Nn]|[Ee][Aa][Nn])[^\n0-9]{0,8}\Z")
_RESIDENT_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_RESIDENT_WORDS = re.compile(rf"(?:주민|외국인\s?등록|거소\s?신고|[Rr]esident){_REMARK}\Z")

_CORPORATE = re.compile(
    rf"{_BEFORE}(?P<office>[0-9]{{6}}){_JOIN}(?P<serial>[0-9]{{7}}){_AFTER}"
    rf"|{_BEFORE}[0-9]{{13}}{_AFTER}"
)
_CORPORATE_WORDS = re.compile(
    r"(?:법인\s?(?:등록)?\s?(?:번호)?|등기용\s?등록\s?번호)\s?(?:은|는|이|가)?[\s:：|()\[\]]{0,4}\Z"
)
_COMPANY_WORDS = re.compile(r"(?:회사|법인|조합|종중|문중|[(]주[)]|㈜)[^\n0-9]{0,20}\Z")

_BUSINESS = re.compile(rf"{_BEFORE}[1-9][0-9]{{2}}{_JOIN}[0-9]{{2}}{_JOIN}[0-9]{{5}}{_AFTER}")
_BUSINESS_PLAIN = re.compile(rf"{_BEFORE}[1-9][0-9]{{2}} ?[0-9]{{2}} ?[0-9]{{5}}{_AFTER}")
_BUSINESS_WORDS = re.compile(
    r"(?:사업자|고유)\s?(?:등록)?\s?(?:번호|증)?\s?(?:은|는|이|가)?[\s:：|()\[\]]{0,4}\Z"
)

_LICENSE = re.compile(
    rf"{_BEFORE}(?P<office>1[1-9]|2[0-8]){_JOIN}[0-9]{{2}}{_JOIN}[0-9]{{6}}{_JOIN}[0-9]{{2}}{_AFTER}"
    rf"|{_BEFORE}[0-9]{{2}}{_JOIN}[0-9]{{6}}{_JOIN}[0-9]{{2}}{_AFTER}"
)
_LICENSE_PLAIN = re.compile(rf"{_BEFORE}(?:1[1-9]|2[0-8])(?: ?[0-9]){{10}}{_AFTER}")
_LICENSE_WORDS = re.compile(r"(?:면허증?)\s?(?:번호)?\s?(?:은|는|이|가)?[\s:：|()\[\]]{0,4}\Z")
_LICENSE_REGION = re.compile(rf"(?<![가-힣])(?:{REGIONS})[ -]{{0,2}}\Z")

_PASSPORT = re.compile(
    rf"(?<![0-9A-Za-z-])(?:[MSRODG][0-9]{{8}}|(?P<new>[MSRODG][0-9]{{3}}[A-Z][0-9]{{4}})){_AFTER}"
)
_PASSPORT_WORDS = re.compile(rf"(?:여권|[Pp]assport|PASSPORT){_REMARK}\Z")

_SEPARATOR = rf"(?:{_JOIN}|[. ])"
_AREA = r"0(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4])"
_SERVICE = r"0(?:70|80|50[2-8]?)"
_MOBILE = r"01[016-9]"
_PREFIX = rf"(?:{_MOBILE}|{_AREA}|{_SERVICE})"
_ABROAD = (
    rf"(?:(?:(?:\+ ?|00)82{_SEPARATOR}?|82{_SEPARATOR}(?=10))"
    r"(?:\(0\) ?)?0?(?:1[016-9]|2|[3-6][1-5]|70|80|50[2-8]))"
)
_PHONE_BEFORE = rf"{_BEFORE}(?<!제)(?<!제 )"
_PHONE_AFTER = rf"(?: ?[~\u223c] ?[0-9]{{1,4}})?{_AFTER}(?! ?호(?!실))"
_REST = rf"[0-9]{{3,4}}{_SEPARATOR}[0-9]{{4}}"
_PHONE = re.compile(
    "|".join(
        (
            rf"{_PHONE_BEFORE}(?:{_ABROAD}|{_PREFIX}){_SEPARATOR}{_REST}{_PHONE_AFTER}",
            rf"(?<![0-9A-Za-z])\({_PREFIX}\)(?:{_JOIN}| ?){_REST}{_PHONE_AFTER}",
            rf"{_PHONE_BEFORE}{_PREFIX}\)(?:{_JOIN}| ?){_REST}{_PHONE_AFTER}",
            rf"{_PHONE_BEFORE}{_MOBILE}{_SEPARATOR}?[0-9]{{8}}{_PHONE_AFTER}",
            rf"{_PHONE_BEFORE}01[16-9][0-9]{{7}}{_PHONE_AFTER}",
            rf"{_PHONE_BEFORE}(?:\+ ?|00)82 ?0?10[0-9]{{8}}{_PHONE_AFTER}",
        )
    )
)
_PHONE_PLAIN = re.compile(rf"{_PHONE_BEFORE}{_PREFIX}[0-9]{{7,8}}{_PHONE_AFTER}")
_REPRESENTATIVE = re.compile(
    rf"{_PHONE_BEFORE}(?P<first>15(?:22|33|44|5[15]|66|77|88|99)|16(?:00|44|6[0168]|70|88)"
    rf"|18(?:00|11|33|55|77|99))(?P<separator>{_SEPARATOR}|)(?P<last>[0-9]{{4}})"
    rf"{_AFTER}(?! ?(?:호(?!실)|쪽|면(?![가-힣])|페이지|년))"
)
_PHONE_WORDS = re.compile(
    r"(?:전화|연락|휴대|핸드폰|팩스|대표\s?번호|고객\s?센터|콜\s?센터|상담|문의|☎|☏"
    r"|[Tt][Ee][Ll]|[Ff][Aa][Xx]|ARS|H[.]?P|번호)"
    rf"{_FILLER}\Z"
)
_PHONE_WORDS_AFTER = re.compile(r"(?:으로|로|에|번으로)?\s?(?:전화|연락|문의|상담)")
#: Two years closer than this are a span of years, and so are two pages.
_RANGE = 200

_ACCOUNT = re.compile(
    rf"{_BEFORE}(?:[0-9]{{2,6}}(?:{_JOIN}[0-9]{{1,8}}){{1,4}}|[0-9]{{2,6}}(?: [0-9]{{2,8}}){{1,4}}"
    rf"|[0-9]{{10,16}}){_AFTER}"
)
_BANKS = (
    r"(?:은행|뱅크|농협|수협|신협|새마을\s?금고|우체국|저축은행|금융투자|증권"
    r"|(?<![가-힣])(?:국민|신한|우리|하나|기업|KB|IBK|NH|SC제일|씨티|iM)(?=[\s:()]{0,3}(?:\Z|[(),]|예금주)))"
)
_ACCOUNT_WORDS = re.compile(
    rf"(?:계좌\s?번호|통장\s?번호|계좌|구좌|입금처|환불|{_BANKS}){_FILLER}\Z"
)
_ACCOUNT_WORDS_AFTER = re.compile(
    rf" ?(?:[(（] ?[가-힣A-Za-z]{{0,8}}?)?{_BANKS}| ?[(（,]? ?예금주| ?(?:번 ?)?계좌"
    r"|으?로 ?(?:입금|송금|이체)"
)
_ACCOUNT_DIGITS = range(10, 17)

_CARD = re.compile(
    rf"{_BEFORE}(?:(?P<first>[0-9]{{4}})(?P<separator>{_JOIN}| ?)[0-9*xX●]{{4}}(?P=separator)"
    rf"[0-9*xX●]{{4}}(?P=separator)[0-9*xX●]{{4}}"
    rf"|3[47][0-9]{{2}}(?P<amex>{_JOIN}| ?)[0-9]{{6}}(?P=amex)[0-9]{{5}}){_AFTER}(?![*●]|,[0-9])"
)
_CARD_WORDS = re.compile(rf"(?:카드|[Cc]ard|CARD){_REMARK}\Z")
_CARD_ISSUERS = "34569"

_LABELLED = re.compile(
    r"(?P<label>[번MCI챠차](?:(?<=번)호|(?<=M)RN|(?<=C)(?:hart|HART)|(?<=[차챠])트|(?<=I)D))"
    r"(?:\s?(?:No|NO|no|ID|#)[.]?)?(?:은|는|이|가)?(?:[\s:：=|()\[]|(?<!환자번호)(?<!보험증번호)\]){0,5}"
    rf"(?P<number>(?:[A-Za-z]{{1,3}}-?)?[0-9](?:{DASH}?[0-9]){{3,14}})(?![0-9A-Za-z])"
    rf"(?!{DASH}[0-9]| ?[년월일]|[호원명건])"
)
_CHART_LABEL = re.compile(
    r"(?:(?:차트|챠트|환자|병록|의무\s?기록|진료\s?기록|진료|진찰권|입원|병원|수진자)\s?(?:등록\s?)?번호"
    r"|MRN|[Cc]hart|CHART|[차챠]트|환자\s?ID)\Z"
)
_REGISTRATION_LABEL = re.compile(r"(?<![가-힣])등록\s?번호\Z")
_OTHER_REGISTERS = re.compile(
    r"(?:주민|외국인|사업자|법인|등기용|차량|자동차|상표|특허|디자인|서비스표|제품|품목|허가)"
    r"\s?등록\s?번호\Z"
)
_PATIENT_WORDS = re.compile(r"환자|성명|진료|병원|성별|입원|퇴원|차트|수진|생년|나이|병동")
_INSURANCE_LABEL = re.compile(
    r"(?:(?:건강|의료)\s?보험\s?(?:증|카드)?\s?(?:의\s?)?번호|(?:보험|급여)증\s?(?:의\s?)?번호"
    r"|의료\s?급여\s?번호|(?<![가-힣])증\s?번호)\Z"
)
#: Between the numbers of a list, all of which are what the first one is.
_LIST = re.compile(r"\s?(?:[,/·]|및|와|과|또는)?\s{0,2}")
_LIST_REACH = 6
_PATIENT_REACH = 80
_CONTEXT = 40


def find_numbers(text: str) -> Iterator[Span]:
    """Yield the spans of personal numbers of ``text`` in ascending order of their start, none overlapping.

    Their kinds are ``resident_number``, ``business_number``, ``corporate_number``, ``driver_license``,
    ``passport``, ``phone``, ``account`` and ``card``.
    """
    end = 0
    kind = ""
    for candidate in _CANDIDATE.finditer(text):
        start = candidate.start()
        if start < end:
            continue
        if kind and not (start - end <= _LIST_REACH and _LIST.fullmatch(text, end, start)):
            kind = ""
        for find in _LETTERED if text[start].isalpha() else _FINDERS:
            found = find(text, start, kind)
            if found and found.start >= end:
                end, kind = found.end, found.kind
                yield found
                break


def find_patient_numbers(text: str) -> Iterator[Span]:
    """Yield the spans of ``text`` labelled as a chart number or as a health insurance number."""
    for match in _LABELLED.finditer(text):
        before = text[max(0, match.start() - 12) : match.end("label")]
        start, end = match.span("number")
        if _INSURANCE_LABEL.search(before):
            yield Span(start, end, "insurance_number")
        elif _CHART_LABEL.search(before) or (
            _REGISTRATION_LABEL.search(before)
            and not _OTHER_REGISTERS.search(before)
            and _PATIENT_WORDS.search(
                text, max(0, match.start() - _PATIENT_REACH), end + _PATIENT_REACH
            )
        ):
            yield Span(start, end, "chart_number")


def _window(text: str, start: int) -> str:
    """Return what precedes ``start`` on the same line, at most 40 characters."""
    before = text[max(0, start - _CONTEXT) : start]
    return before[before.rfind("\n", 0, max(0, len(before) - 2)) + 1 :]


def _resident(text: str, start: int, follows: str) -> Span | None:
    match = _RESIDENT.match(text, start)
    if not match:
        return None
    try:
        # A leap year, since the century and so the year are not known yet.
        datetime.date(2000, int(match["birth"][2:4]), int(match["birth"][4:]))
    except ValueError:
        return None
    before = text[max(0, start - _CONTEXT) : start]
    if _CORPORATE_WORDS.search(before) or follows == "corporate_number":
        return None
    known = follows == "resident_number" or _RESIDENT_WORDS.search(before)
    if match["separator"] or not match["rest"].isdigit():
        # Two bare numbers in a row of numbers are cells of a table.
        crowded = before[-2:-1].isdigit() and before[-1:] == " "
        crowded = crowded or bool(re.match(r" [0-9]", text[match.end() : match.end() + 2]))
        if match["separator"] == " " and crowded:
            return None
        if not match["separator"] and not known:
            return None
    elif not known:
        digits = [int(digit) for digit in match["birth"] + match["rest"]]
        # Thirteen digits in a row are as often a key that begins with a date (20041231 07311).
        if _DATED.match(text, start) or _is_account(text, match):
            return None
        # Or a barcode; Korean ones begin with 880.
        if _BARCODE_WORDS.search(before) or (
            digits[:3] == [8, 8, 0] and not _has_resident_check(digits)
        ):
            return None
    return Span(start, match.end(), "resident_number")


def _has_resident_check(digits: list[int]) -> bool:
    total = sum(weight * digit for weight, digit in zip(_RESIDENT_WEIGHTS, digits, strict=False))
    base = 13 if digits[6] >= 5 else 11
    return (base - total % 11) % 10 == digits[12]


def _corporate(text: str, start: int, follows: str) -> Span | None:
    match = _CORPORATE.match(text, start)
    if not match:
        return None
    digits = [int(each) for each in match[0] if each.isdigit()]
    if not any(digits):
        return None
    before = _window(text, start)
    if follows != "corporate_number" and not _CORPORATE_WORDS.search(before):
        # The first two digits of the office are 11 (서울) to 28, and the check digit must fit.
        if not match["office"] or not 11 <= 10 * digits[0] + digits[1] <= 28:
            return None
        if not _COMPANY_WORDS.search(before) and not _has_corporate_check(digits):
            return None
    return Span(start, match.end(), "corporate_number")


def _has_corporate_check(digits: list[int]) -> bool:
    total = sum(digit * (1 + place % 2) for place, digit in enumerate(digits[:12]))
    return -total % 10 == digits[12]


def _business(text: str, start: int, follows: str) -> Span | None:
    match = _BUSINESS.match(text, start)
    if (
        match
        and text[start - 1 : start] != "제"
        and follows != "account"
        and not _ACCOUNT_WORDS.search(_window(text, start))
    ):
        return Span(start, match.end(), "business_number")
    match = _BUSINESS_PLAIN.match(text, start)
    if match and (follows == "business_number" or _BUSINESS_WORDS.search(_window(text, start))):
        return Span(start, match.end(), "business_number")
    return None


def _license(text: str, start: int, follows: str) -> Span | None:
    match = _LICENSE.match(text, start)
    before = _window(text, start)
    region = _LICENSE_REGION.search(before)
    known = follows == "driver_license" or _LICENSE_WORDS.search(before)
    if match:
        if region:
            return Span(start - len(before) + region.start(), match.end(), "driver_license")
        if match["office"] or known:
            return Span(start, match.end(), "driver_license")
        return None
    match = _LICENSE_PLAIN.match(text, start)
    if match and known:
        return Span(start, match.end(), "driver_license")
    return None


def _passport(text: str, start: int, follows: str) -> Span | None:
    match = _PASSPORT.match(text, start)
    if match and (
        match["new"]
        or text[start] == "M"
        or follows == "passport"
        or _PASSPORT_WORDS.search(_window(text, start))
    ):
        return Span(start, match.end(), "passport")
    return None


def _phone(text: str, start: int, follows: str) -> Span | None:
    if text[start] in "08":
        begin = start
        if text[start - 1 : start] in ("(", "+"):
            begin -= 1
        elif start > 1 and text[start - 2 : start] == "+ ":
            begin -= 2
        match = _PHONE.match(text, begin)
        if begin < start and (not match or _is_bracket_apart(text, begin, match.end())):
            begin = start
            match = _PHONE.match(text, start)
        start = begin
        if match:
            return Span(start, match.end(), "phone")
        match = _PHONE_PLAIN.match(text, start)
        if match and (follows == "phone" or _near_phone(text, match)):
            return Span(start, match.end(), "phone")
        return None
    if text[start] == "1":
        match = _REPRESENTATIVE.match(text, start)
        if match and (follows == "phone" or _near_phone(text, match) or _alone(text, match)):
            return Span(start, match.end(), "phone")
    return None


def _is_bracket_apart(text: str, start: int, end: int) -> bool:
    """Whether the bracket before a prefix closes after the number, as in (02) 123-4567) it does not."""
    line = _window(text, start)
    inside = line.count("(") > line.count(")")
    return text[start] == "(" and text[end : end + 1] == ")" and not inside


def _near_phone(text: str, match: re.Match[str]) -> bool:
    return bool(
        _PHONE_WORDS.search(_window(text, match.start()))
        or _PHONE_WORDS_AFTER.match(text, match.end())
    )


def _alone(text: str, match: re.Match[str]) -> bool:
    """Whether 1588-1234 is a phone number without words that say so, and no range of years or pages."""
    apart = int(match["last"]) - int(match["first"])
    attached = "가" <= text[match.start() - 1 : match.start()] <= "힣"
    return bool(match["separator"].strip(". ")) and not (attached or 0 <= apart < _RANGE)


def _account(text: str, start: int, follows: str) -> Span | None:
    match = _ACCOUNT.match(text, start)
    if not match:
        return None
    digits = [each for each in match[0] if each.isdigit()]
    if len(digits) not in _ACCOUNT_DIGITS or set(digits) == {"0"}:
        return None
    if follows == "account" or _is_account(text, match):
        return Span(start, match.end(), "account")
    return None


def _is_account(text: str, match: re.Match[str]) -> bool:
    return bool(
        _ACCOUNT_WORDS.search(_window(text, match.start()))
        or _ACCOUNT_WORDS_AFTER.match(text, match.end())
    )


def _card(text: str, start: int, follows: str) -> Span | None:
    match = _CARD.match(text, start)
    if not match:
        return None
    digits = [int(each) for each in match[0] if each.isdigit()]
    separator = match["separator"] or match["amex"] or ""
    if follows != "card" and not _CARD_WORDS.search(_window(text, start)):
        if match[0][0] not in _CARD_ISSUERS:
            return None
        dashed = bool(separator.strip())
        complete = len(digits) >= 15
        if not dashed and not (complete and _has_luhn_check(digits)):
            return None
        if separator == " " and (
            text[max(0, start - 2) : max(0, start - 1)].isdigit()
            or text[match.end() + 1 : match.end() + 2].isdigit()
        ):
            return None
    return Span(start, match.end(), "card")


def _has_luhn_check(digits: list[int]) -> bool:
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


_FINDERS: tuple[Callable[[str, int, str], Span | None], ...] = (
    _resident,
    _license,
    _card,
    _corporate,
    _business,
    _phone,
    _account,
)
_LETTERED = (_passport,)
