"""Mask personal data: numbers given to persons, addresses, car plates, e-mail addresses and names."""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from malmoi.text.pii_addresses import find_addresses
from malmoi.text.pii_names import find_names
from malmoi.text.pii_numbers import find_numbers, find_patient_numbers
from malmoi.text.pii_plates import find_plates
from malmoi.text.pii_spans import Span, is_citation

PLACEHOLDERS = {
    "resident_number": "[주민등록번호]",
    "business_number": "[사업자등록번호]",
    "corporate_number": "[법인등록번호]",
    "driver_license": "[운전면허번호]",
    "passport": "[여권번호]",
    "phone": "[전화번호]",
    "email": "[이메일]",
    "account": "[계좌번호]",
    "card": "[카드번호]",
    "vehicle_plate": "[차량번호]",
    "address": "[주소]",
    "chart_number": "[환자번호]",
    "insurance_number": "[보험증번호]",
    "name": "[이름]",
}

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
#: The longest part before the sign, and the longest after it.
_LOCAL_PART = 64
_DOMAIN = 1 + 8 * 64 + 25


def _find_emails(text: str) -> Iterator[Span]:
    at = text.find("@")
    end = 0
    while at >= 0:
        match = None
        if text[at - 1 : at].isascii() and text[at + 1 : at + 2].isalnum():
            match = _EMAIL.search(text, max(end, at - _LOCAL_PART), at + _DOMAIN)
        if match:
            yield Span(match.start(), match.end(), "email")
        end = max(at + 1, match.end() if match else 0)
        at = text.find("@", end)


#: In order of precedence: of two spans that overlap, the one found by the earlier finder counts.
_FINDERS: tuple[tuple[frozenset[str], Callable[[str], Iterator[Span]]], ...] = (
    (frozenset({"email"}), _find_emails),
    (frozenset({"chart_number", "insurance_number"}), find_patient_numbers),
    (
        frozenset(
            {
                "resident_number",
                "business_number",
                "corporate_number",
                "driver_license",
                "passport",
                "phone",
                "account",
                "card",
            }
        ),
        find_numbers,
    ),
    (frozenset({"vehicle_plate"}), find_plates),
    (frozenset({"address"}), find_addresses),
    (frozenset({"name"}), find_names),
)


def mask(text: str, policy: Mapping[str, str]) -> tuple[str, dict[str, int]]:
    """Return the text with personal data replaced by placeholders, and how often each type was found.

    ``policy`` maps the types of ``PLACEHOLDERS`` to ``mask``, ``drop`` or ``keep``; a type that is not
    mentioned is masked. ``drop`` masks as well: whether to drop is the caller's to decide by the counts.
    Types with ``keep`` are neither looked for nor counted. ``text`` is expected with its full-width forms
    folded. Masking twice changes nothing, and what follows a number, such as a particle, stays.
    """
    wanted = frozenset(name for name in PLACEHOLDERS if policy.get(name, "mask") != "keep")
    counts: Counter[str] = Counter()
    # A placeholder in place of a number can free its neighbour, so look until nothing is found.
    while spans := _find(text, wanted):
        parts = []
        end = 0
        for span in spans:
            parts += (text[end : span.start], PLACEHOLDERS[span.kind])
            end = span.end
            counts[span.kind] += 1
        text = "".join((*parts, text[end:]))
    return text, dict(counts)


def _find(text: str, wanted: frozenset[str]) -> list[Span]:
    """Return the spans to replace, in ascending order, none overlapping."""
    starts: list[int] = []
    chosen: list[Span] = []
    for kinds, find in _FINDERS:
        if not kinds & wanted:
            continue
        for span in find(text):
            place = bisect(starts, span.start)
            free = (not place or chosen[place - 1].end <= span.start) and (
                place == len(chosen) or chosen[place].start >= span.end
            )
            if free and span.kind in wanted and not is_citation(text, span.start, span.end):
                starts.insert(place, span.start)
                chosen.insert(place, span)
    return chosen
