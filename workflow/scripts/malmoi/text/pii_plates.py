"""Find car number plates, which look like the case numbers of a court (12가3456, 99누1234).

Where a plate could be a case number with a year of two digits, it is one only when words say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from malmoi.text.pii_spans import REGIONS, Span

_PLATE = re.compile(
    r"[0-9](?<![0-9A-Za-z].)(?<![0-9][-.,:].)[0-9]{0,2} ?"
    r"(?P<letter>[가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주바사아자배허하호차카타파육해공국합])"
    r" ?[0-9]{4}(?![0-9A-Za-z]|[.,-][0-9])",
    re.S,
)
#: Letters that no court writes after a year, so that two digits and one of them are a plate.
_PLATES_ONLY = frozenset("더러배")
#: Letters that are a unit or a particle after a number: 505호8237, 300조 5000, 을지로3가 1234.
_UNITS = frozenset("호조도구이해국공")
_WORDS = _UNITS | frozenset("가나다로고자하수부서어우합차")
_OLD_LETTERS = frozenset("차카타파육해공국합")
#: Courts numbered their cases by two digits of the year until 1999, and the first took up work in 1946.
_COURT_YEARS = range(46, 100)

_VEHICLES = (
    r"자동차|승용차|승합차|화물차|트럭|택시|버스|뻐스|오토바이|이륜차|트레일러"
    r"|덤프|견인차|렌터카|차량|차번|번호판"
)
#: Neither is followed by the bracket of a placeholder: a plate found says nothing of its neighbour.
_NEAR = re.compile(rf"(?:{_VEHICLES})(?!번호\])")
_LABEL = re.compile(
    r"(?:(?:차량|자동차)\s?(?:등록\s?)?번호|차\s?번호|번호판)\s?(?:은|는|이|가)?[\s:：|()\[]{0,4}\Z"
)
_AROUND = re.compile(rf"(?:{_VEHICLES}) ?[(（] ?\Z")
_BESIDE = re.compile(rf"(?:{_VEHICLES})[은는이가]? ?:? ?\Z")
_THEN = re.compile(rf"호? ?(?:{_VEHICLES})(?:에|[은는이가을를의와과로도])?(?![가-힣])")
_REGION = re.compile(rf"(?<![가-힣])(?:{REGIONS})\s?\Z")
#: A region may follow a word without a space: 소속경남 5아2556호.
_REGION_ATTACHED = re.compile(rf"(?:{REGIONS})\s?\Z")
_COURT = re.compile(
    r"(?:법원|지법|고법|지원|대법|선고|(?<!이 )사건|사건번호|판결|결정|원심)[에의]?[\s(:：]{0,2}\Z"
)
_JUDGED = re.compile(r"\s?호?\s?(?:판결|결정|사건(?!번호)|명령|선고)")
_NUMBERED = re.compile(r"제 ?\Z")
_REACH = 25


def find_plates(text: str) -> Iterator[Span]:
    """Yield the spans of car number plates of ``text`` in ascending order, with the region they begin with."""
    for match in _PLATE.finditer(text):
        start, end = match.span()
        before = text[max(0, start - _REACH) : start]
        before = before[before.rfind("\n") + 1 :]
        after = text[end : end + _REACH].partition("\n")[0]
        if _COURT.search(before) or _JUDGED.match(after) or _NUMBERED.search(before):
            continue
        digits = len(match[0].partition(match["letter"])[0].strip())
        spaced = " " in match[0]
        case = (
            digits == 2
            and int(match[0][:2]) in _COURT_YEARS
            and match["letter"] not in _PLATES_ONLY
        )
        near = bool(_NEAR.search(before) or _NEAR.search(after))
        region = (_REGION_ATTACHED if near else _REGION).search(before)
        if region:
            if near or not case:
                yield Span(start - len(before) + region.start(), end, "vehicle_plate")
        elif (_LABEL.search(before) or _AROUND.search(before)) or (
            digits > 1
            and match["letter"] not in _OLD_LETTERS
            and (
                (near and not case and (not spaced or match["letter"] not in _WORDS))
                or (not case and (_BESIDE.search(before) or _THEN.match(after)))
                or (digits == 3 and not spaced and match["letter"] not in _UNITS)
                or (match["letter"] in _PLATES_ONLY and not spaced)
            )
        ):
            yield Span(start, end, "vehicle_plate")
