"""malmoi's own character table, applied with NFC.

NFKC is not used: it turns ① into 1, m² into m2, Ⅱ into II, ㎎ into mg and ㆍ into an Old Korean vowel,
all of which mean something in statutes and prescriptions. What the table changes is:

* the middle dots ㆍ (a letter to a BERT tokenizer, so that 시ㆍ도지사 is one word), ・, ･, ‧, ․ and ∙
  become ·;
* blanks of any width, tabs and Hangul fillers become a space, and other line ends become a newline;
* full-width ASCII becomes ASCII, half-width ｢ ｣ become 「 」, and Kangxi radicals, which PDF fonts give,
  become the hanja they stand for;
* control and invisible characters and private-use characters, which mean nothing outside their font, go.

NFC itself turns compatibility hanja (U+F900 to U+FAFF) and decomposed Hangul into the usual characters.
Square units (㎎ ㎏ ㎖ ㏄), circled numbers, Roman numerals and hanja stay as they are.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter
from functools import cache

_MIDDLE_DOTS = "\u318d\u30fb\uff65\u2027\u2024\u2219"
_LINE_ENDS = "\x0b\x0c\x85\u2028\u2029"
_FILLERS = "\u115f\u1160\u3164\uffa0\u2800"
_VARIATION_SELECTORS = (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x034F)

#: The Old Korean vowel below, seen alone where NFKC has destroyed a middle dot; after a consonant jamo it
#: is a real vowel.
_STRAY_ARAEA = re.compile("(?<![\u1100-\u115e\ua960-\ua97c])\u119e")

_REMOVED = {"Cc": "control", "Cf": "invisible", "Co": "private_use", "Cs": "surrogate"}


def _entries() -> dict[str, tuple[str, str]]:
    entries: dict[str, tuple[str, str]] = {}
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        category = unicodedata.category(character)
        if category in _REMOVED and character != "\n":
            entries[character] = ("", _REMOVED[category])
        elif category == "Zs" and character != " ":
            entries[character] = (" ", "space")
    for code in _VARIATION_SELECTORS:
        entries[chr(code)] = ("", "invisible")
    for plane in range(17):
        entries[chr(plane * 0x10000 + 0xFFFE)] = entries[chr(plane * 0x10000 + 0xFFFF)] = (
            "",
            "control",
        )
    for code in range(0xFF01, 0xFF5F):
        entries[chr(code)] = (chr(code - 0xFEE0), "fullwidth")
    for code in range(0x2F00, 0x2FD6):
        entries[chr(code)] = (unicodedata.normalize("NFKC", chr(code)), "kangxi_radical")
    entries |= {"\uffe6": ("₩", "fullwidth"), "｢": ("「", "halfwidth"), "｣": ("」", "halfwidth")}
    entries |= dict.fromkeys(_MIDDLE_DOTS, ("\u00b7", "middle_dot"))
    entries |= dict.fromkeys(_LINE_ENDS, ("\n", "line_end"))
    entries |= dict.fromkeys("\t" + _FILLERS, (" ", "space"))
    return entries


@cache
def _compiled() -> tuple[dict[str, tuple[str, str]], re.Pattern[str]]:
    entries = _entries()
    ranges: list[list[int]] = []
    for code in sorted(map(ord, entries)):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    body = "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)
    return entries, re.compile(f"[{body}]")


def apply(text: str, counts: Counter[str]) -> str:
    """Return the text with the table's changes made, counting them by rule into ``counts``."""
    entries, pattern = _compiled()

    def replacement(match: re.Match[str]) -> str:
        new, rule = entries[match[0]]
        counts[rule] += 1
        return new

    text = pattern.sub(replacement, text)
    if "\u119e" in text:
        text, dots = _STRAY_ARAEA.subn("\u00b7", text)
        counts["middle_dot"] += dots
    return text
