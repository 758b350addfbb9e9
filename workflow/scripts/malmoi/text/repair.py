"""Repair one text: mojibake, markup, Unicode, layout. Repairs are counted, and twice is the same as once."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from itertools import count

from malmoi.text import headings, layout, markup, mojibake, table
from malmoi.text.charset import REPLACEMENT

_SPACES = re.compile(" {2,}")
_BLANK_LINES = re.compile("\n{3,}")
#: A word broken at the end of a line with a soft hyphen.
_SOFT_BREAK = re.compile("(?<=[a-z])\xad *\n *(?=[a-z])")

#: Rules after which nothing can be left for an earlier one. Others may uncover what the pass has gone by.
_FINAL = frozenset(
    ("line_end", "middle_dot", "space", "heading", "space_run", "line_edge", "blank_lines")
)

#: Passes after which what uncovers ever new markup is taken for an attack.
_MOST_PASSES = 20


def normalize_text(
    text: str, *, repeated_lines: int = 0, join_broken_lines: bool = False
) -> tuple[str, dict[str, int]]:
    """Return the repaired text and how often each rule changed something.

    The rules, in order: parts of lines in CP949 or UTF-8 read as Latin-1 are restored; leftover markup goes;
    the character table (:mod:`malmoi.text.table`) and NFC are applied; lines of UTF-8 read as CP949 go, since
    they are beyond repair; wide-set headings are joined; runs of spaces become one, spaces at the edges of
    lines go, and of several blank lines one is left. With ``join_broken_lines``, lines broken to a width are
    joined; with ``repeated_lines``, running lines that stand so often are left once. The function is
    idempotent.

    Three counts are not of repairs: ``lost_character`` is of the characters in lines beyond repair;
    ``replacement_character`` of U+FFFD and ``mojibake_trace`` of places where UTF-8 was read as CP949 in lines
    mostly sound, which both stay: what stood there is lost.
    """
    counts: Counter[str] = Counter()
    for number in count(1):
        if number == _MOST_PASSES:
            text = markup.strip_all(text, counts)
        found: Counter[str] = Counter()
        suspect = mojibake.may_need_repair(text)
        if suspect:
            text, found["latin1_line"] = mojibake.repair_lines(text)
        repaired = _pass(text, found, repeated_lines, join_broken_lines)
        counts += found
        if repaired == text or (_FINAL.issuperset(+found) and not suspect):
            break
        text = repaired
    counts["replacement_character"] = repaired.count(REPLACEMENT)
    counts["mojibake_trace"] = mojibake.count_lost_pairs(repaired)
    return repaired, {rule: count for rule, count in sorted(counts.items()) if count}


def _pass(text: str, counts: Counter[str], repeated_lines: int, join_broken_lines: bool) -> str:
    if "\r" in text:
        counts["line_end"] += text.count("\r")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = markup.strip(text, counts)
    if "\xad" in text:
        text, counts["soft_hyphen"] = _SOFT_BREAK.subn("", text)
    text = table.apply(text, counts)
    composed = unicodedata.normalize("NFC", text)
    if composed != text:
        counts["nfc"] += 1
    text, counts["lost_line"], counts["lost_character"] = mojibake.drop_lost_lines(composed)
    text = headings.join(text, counts)
    if join_broken_lines:
        # Once while blanks at the ends of lines tell where words end, once as a second repair would see it.
        text = layout.join_broken_lines(text, counts)
        text = layout.join_broken_lines(_tidied(text, counts), counts)
    text = _tidied(text, counts)
    return layout.drop_running_lines(text, repeated_lines, counts) if repeated_lines else text


def _tidied(text: str, counts: Counter[str]) -> str:
    """Return the text with single spaces, none at the edges of lines, and single blank lines."""
    if "  " in text:
        text, changes = _SPACES.subn(" ", text)
        counts["space_run"] += changes
    # No more than one space is left on either side of a newline.
    for edge in (" \n", "\n "):
        if changes := text.count(edge):
            counts["line_edge"] += changes
            text = text.replace(edge, "\n")
    if "\n\n\n" in text:
        text, changes = _BLANK_LINES.subn("\n\n", text)
        counts["blank_lines"] += changes
    return text.strip(" \n")
