"""malmoi's own character table, applied with NFC.

NFKC is not used: it turns ① into 1, m² into m2, Ⅱ into II, ㎎ into mg and ㆍ into an Old Korean vowel,
all of which mean something in statutes and prescriptions. What the table changes is:

* the middle dots ㆍ (a letter to a BERT tokenizer, so that 시ㆍ도지사 is one word), ・, ･, ‧, ․, ⋅ and ∙
  become ·;
* blanks of any width, tabs and Hangul fillers become a space, and other line ends become a newline;
* full-width ASCII becomes ASCII, half-width kana, jamo and brackets become the usual ones, and the wave
  dashes ∼ (what CP949 has for a range, 1∼3) and 〜 become ~;
* compatibility hanja (U+F900 to U+FAFF) and Kangxi radicals, which PDF fonts give, become the hanja they are;
* a soft hyphen becomes a hyphen, since CP949 has it for a visible one (A1 A9: ``36a\u00ad36d``); it goes
  between small Latin letters, where it only says that a word may break, and so does a hyphen with no break
  (U+2011) and the Unicode hyphen (U+2010) become the one of ASCII;
* more than 30 combining marks on one letter go;
* private-use characters become what they mean where that is known (:mod:`malmoi.text.private_use`), and go
  where it is not; control and invisible characters go.

NFC itself composes decomposed Hangul. Square units (㎎ ㎏ ㎖ ㏄), circled numbers, Roman numerals,
superscripts, dashes, quotation marks and hanja stay as they are.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter
from functools import cache

from malmoi.text.private_use import meaning

_MIDDLE_DOTS = "\u318d\u30fb\uff65\u2027\u2024\u2219\u22c5\u0387"
_LINE_ENDS = "\x0b\x0c\x85\u2028\u2029"
_FILLERS = "\u115f\u1160\u3164\uffa0\u2800"
_WAVE_DASHES = "\u223c\u301c"
_HYPHENS = "\u2010\u2011"
_SOFT_HYPHEN = "\xad"
_VARIATION_SELECTORS = (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x034F)
_COMPATIBILITY_HANJA = (*range(0xF900, 0xFB00), *range(0x2F800, 0x2FA20))
_RADICALS = (*range(0x2E80, 0x2F00), *range(0x2F00, 0x2FD6))

#: The Old Korean vowel below, seen alone where NFKC has destroyed a middle dot; after a consonant jamo it
#: is a real vowel.
_STRAY_ARAEA = re.compile("(?<![\u1100-\u115e\ua960-\ua97c])\u119e")

#: Combining marks one letter may have, as Unicode's stream-safe text; NFC takes the square of their number.
_MOST_MARKS = 30

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
    for code in range(0xFF01, 0xFFEF):
        form, _, usual = unicodedata.decomposition(chr(code)).partition(" ")
        if form == "<wide>":
            entries[chr(code)] = (chr(int(usual, 16)), "fullwidth")
        elif form == "<narrow>":
            entries[chr(code)] = (chr(int(usual, 16)), "halfwidth")
    for codes, rule in (
        (_COMPATIBILITY_HANJA, "compatibility_hanja"),
        (_RADICALS, "kangxi_radical"),
    ):
        for code in codes:
            usual = unicodedata.normalize("NFKC", chr(code))
            if usual != chr(code) and unicodedata.category(usual[0]) == "Lo":
                entries[chr(code)] = (usual, rule)
    entries |= dict.fromkeys(_MIDDLE_DOTS, ("\u00b7", "middle_dot"))
    entries |= dict.fromkeys(_LINE_ENDS, ("\n", "line_end"))
    entries |= dict.fromkeys("\t" + _FILLERS, (" ", "space"))
    entries |= dict.fromkeys(_WAVE_DASHES, ("~", "wave_dash"))
    entries |= dict.fromkeys(_HYPHENS + _SOFT_HYPHEN, ("-", "hyphen"))
    return entries


@cache
def _compiled() -> tuple[dict[str, tuple[str, str]], re.Pattern[str], re.Pattern[str]]:
    """Return the entries, a pattern for them and for combining marks, and one for runs of the latter."""
    entries = _entries()
    marks = "".join(filter(unicodedata.combining, map(chr, range(sys.maxunicode + 1))))
    # One range for all beyond the basic plane: only there does the number of ranges cost time.
    ranges: list[list[int]] = []
    for code in (code for code in sorted(map(ord, {*entries, *marks})) if code < 0x10000):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    ranges.append([0x10000, sys.maxunicode])
    body = "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)
    return entries, re.compile(f"[{body}]"), re.compile(f"[{marks}]{{{_MOST_MARKS + 1},}}")


def apply(text: str, counts: Counter[str]) -> str:
    """Return the text with the table's changes made, counting them by rule into ``counts``."""
    entries, pattern, mark_run = _compiled()
    others = 0

    def replacement(match: re.Match[str]) -> str:
        nonlocal others
        character = match[0]
        if character not in entries:
            others += 1
            return character
        new, rule = entries[character]
        if rule == "private_use" and (new := meaning(match)):
            rule = "private_use_known"
        elif character == _SOFT_HYPHEN and _may_break(match):
            new, rule = "", "soft_hyphen"
        counts[rule] += 1
        return new

    text = pattern.sub(replacement, text)
    if others > _MOST_MARKS:
        text, runs = mark_run.subn(lambda match: match[0][:_MOST_MARKS], text)
        counts["combining_run"] += runs
    if "\u119e" in text:
        text, dots = _STRAY_ARAEA.subn("\u00b7", text)
        counts["middle_dot"] += dots
    return text


def _may_break(match: re.Match[str]) -> bool:
    """Tell whether a soft hyphen stands inside a Latin word, so that it only allows a line break."""
    before = match.string[max(0, match.start() - 1) : match.start()]
    after = match.string[match.end() : match.end() + 1]
    return all(letter.isascii() and letter.islower() for letter in (before, after))
