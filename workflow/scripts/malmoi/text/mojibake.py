"""Text that was decoded with the wrong encoding: repair it where the bytes are all there, else tell.

CP949 or UTF-8 read as Latin-1 (or Windows-1252) keeps every byte, so the line can be encoded back. UTF-8
read as CP949 does not: half the byte pairs are no CP949 and are gone, which leaves rows of rare syllables
and of a few hanja such as 媛 and 쒖.
"""

from __future__ import annotations

import re

import ftfy.bad_codecs  # noqa: F401  registers sloppy-windows-1252, which keeps undefined bytes

from malmoi.text.charset import in_ks_x_1001, plausibility

_HANGUL = re.compile("[\uac00-\ud7a3]")
#: Two neighbours of the upper half of Latin-1 or Windows-1252: the least a mojibake syllable leaves.
_SUSPECT = re.compile("[\x80-\xff\u0152-\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]{2}")
#: Signs that scientific text in Latin letters has in earnest, such as ±°.
_SIGNS = frozenset("\xa0§©«\xad®°±²³´µ¶·¹º»¼½¾×÷–—‘’“”•…€™")

#: Hanja whose CP949 bytes are the first two of a Hangul syllable in UTF-8.
_LEADING_HANJA = frozenset(
    bytes((lead, trail)).decode("cp949")
    for lead in range(0xEA, 0xEE)
    for trail in range(0xA1, 0xC0)
)
_LOST_SIGN = re.compile(f"[{''.join(sorted(_LEADING_HANJA))}\ufffd]")
_LETTERS = re.compile("[\uac00-\ud7a3\u4e00-\u9fff\uf900-\ufaff\ufffd]")

#: A line is taken for mojibake from this many such characters on, and from this share of its letters.
_ENOUGH = 6
_SHARE = 0.4


def repair_lines(text: str) -> tuple[str, int]:
    """Return the text with lines of CP949 or UTF-8 read as Latin-1 restored, and how many there were.

    A line is restored only if it has no Hangul and its restored form is plausible Korean.
    """
    if not _SUSPECT.search(text):
        return text, 0
    lines = text.split("\n")
    repaired = 0
    for number, line in enumerate(lines):
        if _SUSPECT.search(line) and not _HANGUL.search(line) and (found := _restored(line)):
            lines[number] = found
            repaired += 1
    return "\n".join(lines), repaired


def may_need_repair(text: str) -> bool:
    """Tell whether :func:`repair_lines` would look at any line of the text."""
    return _SUSPECT.search(text) is not None


def _restored(line: str) -> str:
    if all(ord(character) < 0x80 or character in _SIGNS for character in line):
        return ""
    for outer in ("latin-1", "sloppy-windows-1252"):
        for inner in ("utf-8", "cp949"):
            try:
                found = line.encode(outer).decode(inner)
            except UnicodeError:
                continue
            syllables = _HANGUL.findall(found)
            common = sum(map(in_ks_x_1001, syllables))
            if common >= 2 and common == len(syllables) and plausibility(found) >= 0.6:
                return found
    return ""


def lost_share(text: str) -> float:
    """Return the share of the text's characters in lines of UTF-8 read as CP949 or of U+FFFD.

    These lines cannot be restored.
    """
    if not _LOST_SIGN.search(text):
        return 0.0
    lost = sum(len(line) for line in text.split("\n") if _is_lost(line))
    return lost / len(text)


def _is_lost(line: str) -> bool:
    letters = _LETTERS.findall(line)
    if len(letters) < _ENOUGH:
        return False
    hanja = sum(letter in _LEADING_HANJA for letter in letters)
    rare = sum("\uac00" <= letter <= "\ud7a3" and not in_ks_x_1001(letter) for letter in letters)
    unknown = letters.count("\ufffd")
    # Hanja alone are no sign: a statute of 1960 is full of them. Neither are rare syllables alone.
    signs = hanja + rare + unknown if (hanja and rare) or unknown else 0
    return signs >= _ENOUGH and signs >= _SHARE * len(letters)
