"""Find and mask personal data: resident and foreigner numbers, phone numbers, e-mail addresses.

The rules prefer precision: case numbers (99누1234), dates, statute references, money, barcodes and
document numbers have to stay. They expect text whose full-width digits are folded already. A number may be
followed by a particle (``010-1234-5678로``), so no rule asks for a word boundary that Hangul would hide.
Resident numbers need no valid check digit, since those given out since October 2020 have none.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Callable, Mapping

PLACEHOLDERS = {
    "resident_number": "[주민등록번호]",
    "phone": "[전화번호]",
    "email": "[이메일]",
}

_DASH = "[-\u2010-\u2015\u2212]"
#: A number may not continue a longer one on either side, nor end a word of Latin letters.
_BEFORE = r"(?<![0-9A-Za-z])(?<![0-9][-.:])(?<![A-Za-z]-)"
_AFTER = rf"(?![0-9A-Za-z])(?!{_DASH}[0-9]|[.:][0-9])"

_RESIDENT = re.compile(
    rf"{_BEFORE}(?P<birth>[0-9]{{2}}[01][0-9][0-3][0-9])"
    rf"(?P<separator> ?{_DASH} ?| ?)"
    rf"(?P<rest>[1-8](?:[0-9]{{6}}|[*●○xX]{{6}})){_AFTER}"
)
_RESIDENT_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_RESIDENT_CONTEXT = re.compile(r"(?:주민|외국인\s?등록|거소\s?신고|resident)[^\n]{0,20}\Z", re.I)
_CORPORATE_CONTEXT = re.compile(r"법인\s?(?:등록)?\s?(?:번호)?[\s:()\[\]]{0,4}\Z")

_SEPARATOR = rf"(?: ?{_DASH} ?|[. ])"
_AREA = r"0(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4])"
_SERVICE = r"0(?:70|80|50[2-8]?)"
_MOBILE = r"01[016-9]"
_PREFIX = rf"(?:{_MOBILE}|{_AREA}|{_SERVICE})"
_ABROAD = rf"(?:\+ ?82{_SEPARATOR}?(?:\(0\) ?)?0?(?:1[016-9]|2|[3-6][1-5]|70))"
_PHONE_BEFORE = rf"{_BEFORE}(?<!제)(?<!제 )"
_PHONE_AFTER = rf"(?: ?[~\u223c] ?[0-9]{{1,4}})?{_AFTER}(?! ?호(?!실))"
_REST = rf"[0-9]{{3,4}}{_SEPARATOR}[0-9]{{4}}"
_PHONE = re.compile(
    "|".join(
        (
            rf"{_PHONE_BEFORE}(?:{_ABROAD}|{_PREFIX}){_SEPARATOR}{_REST}{_PHONE_AFTER}",
            rf"(?<![0-9A-Za-z])\({_PREFIX}\) ?{_REST}{_PHONE_AFTER}",
            rf"{_PHONE_BEFORE}{_PREFIX}\) ?{_REST}{_PHONE_AFTER}",
            rf"{_PHONE_BEFORE}(?:010[0-9]{{8}}|01[16-9][0-9]{{7,8}}){_PHONE_AFTER}",
            rf"{_PHONE_BEFORE}\+ ?82 ?0?10[0-9]{{8}}{_PHONE_AFTER}",
        )
    )
)

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
)


def _is_resident_number(match: re.Match[str]) -> bool:
    try:
        # A leap year, since the century and so the year are not known yet.
        datetime.date(2000, int(match["birth"][2:4]), int(match["birth"][4:]))
    except ValueError:
        return False
    before = match.string[max(0, match.start() - 40) : match.start()]
    if _CORPORATE_CONTEXT.search(before):
        return False
    if match["separator"] or not match["rest"].isdigit():
        # Two bare numbers in a row of numbers are cells of a table.
        crowded = re.search(r"[0-9] \Z", before) or re.match(
            r" [0-9]", match.string[match.end() :][:2]
        )
        return match["separator"] != " " or not crowded
    digits = [int(digit) for digit in match["birth"] + match["rest"]]
    if _RESIDENT_CONTEXT.search(before):
        return True
    # Thirteen digits in a row are as often a barcode; Korean ones begin with 880.
    return digits[:3] != [8, 8, 0] or _has_check_digit(digits)


def _has_check_digit(digits: list[int]) -> bool:
    total = sum(weight * digit for weight, digit in zip(_RESIDENT_WEIGHTS, digits, strict=False))
    base = 13 if digits[6] >= 5 else 11
    return (base - total % 11) % 10 == digits[12]


_RULES: dict[str, tuple[re.Pattern[str], Callable[[re.Match[str]], bool]]] = {
    "email": (_EMAIL, lambda match: True),
    "resident_number": (_RESIDENT, _is_resident_number),
    "phone": (_PHONE, lambda match: True),
}


def mask(text: str, policy: Mapping[str, str]) -> tuple[str, dict[str, int]]:
    """Return the text with personal data replaced by placeholders, and how often each type was found.

    ``policy`` maps ``resident_number``, ``phone`` and ``email`` to ``mask``, ``drop`` or ``keep``; a type
    that is not mentioned is masked. ``drop`` masks as well: whether to drop is the caller's to decide by
    the counts. Types with ``keep`` are neither looked for nor counted. Masking twice changes nothing.
    """
    counts: Counter[str] = Counter()
    while True:
        masked = text
        for name, (pattern, is_found) in _RULES.items():
            if policy.get(name, "mask") == "keep" or (name == "email" and "@" not in masked):
                continue

            def replacement(
                match: re.Match[str], name: str = name, is_found: Callable[..., bool] = is_found
            ) -> str:
                if not is_found(match):
                    return match[0]
                counts[name] += 1
                return PLACEHOLDERS[name]

            masked = pattern.sub(replacement, masked)
        # A placeholder in place of a number can free its neighbour, so look until nothing is found.
        if masked == text:
            return masked, dict(counts)
        text = masked
