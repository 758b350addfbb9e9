"""Headings set wide, as typists of Korean decisions and contracts do: ``【주    문】``, ``이    유``.

Inside 【 】 any word of single syllables is joined. Elsewhere only words of a list are, and only where they
are the whole line, bracketed or not, between dashes (``- 아    래 -``), or where two blanks or more follow, as
before the name of a party (``원    고    홍길동``). They count as repaired where a blank was inside them.
"""

from __future__ import annotations

import re
from collections import Counter

_BRACKETED = re.compile("【([^【】\n]{1,60})】")
#: A word of a heading set wide: single syllables with spaces between and around, as in ``주    문``.
_SPACED_WORD = re.compile("(?<![^,(·])( *)((?:[가-힣] +)+[가-힣])(?= *(?:[,)(·]|$))")

_COURT = """
주문 이유 판시사항 판결요지 결정요지 참조조문 참조판례 청구취지 항소취지 상고취지 신청취지
상고이유 항소이유 신청이유 변론종결 판결선고 원심판결 원심결정 범죄사실 결론 판결 결정 명령 사건
원고 피고 피고인 원고들 피고들 신청인 피신청인 청구인 피청구인 항소인 피항소인 상고인 피상고인
채권자 채무자 검사 변호인 재판장 판사 대법관
"""
_OTHERS = "별지 별표 부칙 목차 서문 계약서 각서 진단서 소견서 고소장 소장"
_HEADINGS = tuple(f"{_COURT} {_OTHERS}".split())
_BETWEEN_DASHES = ("아래", "다음")


def _spaced(words: tuple[str, ...]) -> str:
    """Return a pattern for any of the words with blanks, at least one, between its syllables."""
    return "|".join(" *".join(word) for word in sorted(words, key=len, reverse=True))


#: Words long enough not to be anything else, so that one blank may follow: ``변 론 종 결 2031. 4. 5.``
_LONG = tuple(word for word in _HEADINGS if len(word) > 3)

_LINE = re.compile(
    rf"\n *(?:[\[〔<〈(] *(?:{_spaced(_HEADINGS)}) *[\]〕>〉)]|(?:{_spaced(_LONG)})(?= |\n)"
    rf"|(?:{_spaced(_HEADINGS)})(?=  | *\n)"
    rf"|(?P<dashed>- *(?:{_spaced(_BETWEEN_DASHES)}) *-(?= *\n)))"
)


def join(text: str, counts: Counter[str]) -> str:
    """Return the text with wide-set headings joined, counting them as ``heading`` into ``counts``."""
    if "【" in text:
        text = _BRACKETED.sub(lambda match: _joined(match, counts), text)

    def joined_line(match: re.Match[str]) -> str:
        joined = match[0].strip().replace(" ", "")
        if match["dashed"]:
            joined = f"- {joined[1:-1]} -"
        counts["heading"] += joined != match[0].strip()
        return "\n" + joined

    return _LINE.sub(joined_line, f"\n{text}\n")[1:-1]


def _joined(match: re.Match[str], counts: Counter[str]) -> str:
    inside = match[1].strip()
    joined = _SPACED_WORD.sub(
        lambda word: (" " if word[1] else "") + word[2].replace(" ", ""), inside
    )
    if joined != match[1]:
        counts["heading"] += 1
    return f"【{joined}】"
