"""Repair one text: mojibake, Unicode, layout. Every repair is counted, and repairing twice changes nothing."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from malmoi.text import mojibake, table

_SPACES = re.compile(" {2,}")
_LINE_EDGES = re.compile(" +\n *| *\n +")
_BLANK_LINES = re.compile("\n{3,}")
_HEADING = re.compile("【([^【】\n]{1,60})】")
#: A word of a heading set wide: single syllables with spaces between and around, as in ``주    문``.
_SPACED_WORD = re.compile("(?<![^,(·])( *)((?:[가-힣] +)+[가-힣])(?= *(?:[,)(·]|$))")


def normalize_text(text: str) -> tuple[str, dict[str, int]]:
    """Return the repaired text and how often each rule changed something.

    The rules, in order: lines of CP949 or UTF-8 read as Latin-1 are restored; the character table
    (:mod:`malmoi.text.table`) and NFC are applied; wide-set words in headings are joined (``【주    문】``
    becomes ``【주문】``); runs of spaces become one, spaces at the edges of lines go, and of several blank
    lines one is left. The function is idempotent. ``replacement_character`` counts U+FFFD, which stays:
    what it stood for is lost.
    """
    counts: Counter[str] = Counter()
    while True:
        repaired = _pass(text, counts)
        # Only what the table uncovers can make a line restorable after all, so one pass nearly always does.
        if repaired == text or not mojibake.may_need_repair(repaired):
            break
        text = repaired
    counts["replacement_character"] = repaired.count("\ufffd")
    return repaired, {rule: count for rule, count in sorted(counts.items()) if count}


def _pass(text: str, counts: Counter[str]) -> str:
    if "\r" in text:
        counts["line_end"] += text.count("\r")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text, restored = mojibake.repair_lines(text)
    counts["latin1_line"] += restored
    text = table.apply(text, counts)
    composed = unicodedata.normalize("NFC", text)
    if composed != text:
        counts["nfc"] += 1
    text = composed
    if "【" in text:
        text = _HEADING.sub(lambda match: _joined(match, counts), text)
    for pattern, replacement, rule in (
        (_SPACES, " ", "space_run"),
        (_LINE_EDGES, "\n", "line_edge"),
        (_BLANK_LINES, "\n\n", "blank_lines"),
    ):
        text, changes = pattern.subn(replacement, text)
        counts[rule] += changes
    return text.strip(" \n")


def _joined(match: re.Match[str], counts: Counter[str]) -> str:
    inside = match[1].strip()
    joined = _SPACED_WORD.sub(
        lambda word: (" " if word[1] else "") + word[2].replace(" ", ""), inside
    )
    if joined != match[1]:
        counts["heading"] += 1
    return f"【{joined}】"
