"""What every finder of personal data reports, and the citations that none of them may touch."""

from __future__ import annotations

import re
from typing import NamedTuple

#: Any of the hyphens and dashes that join the groups of a number.
DASH = "[-\u2010-\u2015\u2212]"

#: The short names of the regions, as car plates, driving licences and addresses begin with them.
REGIONS = "서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충북|충남|전북|전남|경북|경남|제주"

_CITATIONS = re.compile(
    "|".join(
        (
            # Case numbers with the year in full: 2020다12345, 2018가합500000, 4293민상123.
            r"(?<![0-9])(?:19|20|42)[0-9]{2}[가-힣]{1,4}[0-9]{1,7}(?![0-9])",
            # Dates: 2020. 1. 2., 2020-01-02, 2020/1/2.
            rf"(?<![0-9.-])(?:1[89]|20)[0-9]{{2}}(?:\. ?[01]?[0-9](?:\. ?[0-3]?[0-9])?\.?"
            rf"|{DASH}(?:0[0-9]|1[0-2]){DASH}[0-3][0-9]|/[01]?[0-9]/[0-3]?[0-9])(?![0-9]|{DASH}[0-9])",
            # Statute references: 제3조의2제1항제2호가목.
            r"제 ?[0-9]+(?:조|항|호|목|편|장|절)(?:의 ?[0-9]+)?",
        )
    )
)
_REACH = 24


class Span(NamedTuple):
    """Characters ``start`` to ``end`` (exclusive) of a text hold personal data of type ``kind``."""

    start: int
    end: int
    kind: str


def is_citation(text: str, start: int, end: int) -> bool:
    """Return whether a case number, date or statute reference lies, even in part, in a span of ``text``."""
    for match in _CITATIONS.finditer(text, max(0, start - _REACH), min(len(text), end + _REACH)):
        if match.start() >= end:
            return False
        if match.end() > start:
            return True
    return False
