"""Statutes, decisions and interpretations as the law.go.kr Open API gives them."""

from __future__ import annotations

import re

from lxml import etree

from malmoi.readers.markup import element_text, filled_lines
from malmoi.readers.record import Section, joined_sections

STATUTE_KEYS = {"title": "법령명_한글", "date": "시행일자", "group": "법령ID"}

#: Answers that hold one decision or interpretation, and the elements of their title, date and number.
DECISION_KEYS: dict[str, dict[str, str]] = {
    "PrecService": {"title": "사건명", "date": "선고일자", "group": "사건번호"},
    "DetcService": {"title": "사건명", "date": "종국일자", "group": "사건번호"},
    "DeccService": {"title": "사건명", "date": "의결일자", "group": "사건번호"},
    "SpecialDeccService": {"title": "사건명", "date": "의결일자", "group": "사건번호"},
    "ExpcService": {"title": "안건명", "date": "해석일자", "group": "안건번호"},
}

_STATUTE_PARTS = ("조문내용", "항내용", "호내용", "목내용", "부칙내용")
_SECTIONS = (
    *("판시사항", "판결요지", "결정요지", "재결요지", "질의요지", "회답"),
    *("참조조문", "참조판례", "심판대상조문"),
    *("주문", "청구취지", "이유", "판례내용", "전문"),
)
# `【주 문】` and its like open a part of the decision; some answers run them into the line before.
_PART = re.compile(
    r"(?<=\S)[ \t]*(?=【(?:주\s{0,9}문|이\s{0,9}유|청\s{0,3}구\s{0,3}취\s{0,3}지)】)"
)


def statute_text(root: etree._Element) -> str:
    """Return articles, paragraphs, items and addenda in document order, a line for each.

    Annexed tables (별표), the amending text and its reasons are left out: the tables are drawn with
    characters, and the other two repeat the articles.
    """
    lines = []
    for part in ("조문", "부칙"):
        for element in root.iterfind(f"{part}//*"):
            if element.tag in _STATUTE_PARTS:
                lines.extend(filled_lines(element_text(element)))
    return "\n".join(lines)


def decision_text(root: etree._Element) -> tuple[str, list[Section]]:
    """Return the parts of a decision that are not empty, each under its name, and where each stands."""
    parts = []
    for name in _SECTIONS:
        element = next(root.iter(name), None)
        lines = [] if element is None else filled_lines(_PART.sub("\n", element_text(element)))
        if lines:
            parts.append((name, "\n".join([name, *lines])))
    return joined_sections(parts, "\n\n")
