"""Text that was decoded with the wrong encoding: repair it where the bytes are all there, else tell.

CP949 or UTF-8 read as Latin-1 (or Windows-1252) keeps every byte, so it can be encoded back, in whole lines
or in the cells of one. UTF-8 read as CP949 does not: half the byte pairs are no CP949 and are gone, which
leaves rows of rare syllables and of a few hanja such as 媛 and 쒖. What it leaves still betrays itself:
encoded as CP949 again, much of it is valid UTF-8, which real text never is.
"""

from __future__ import annotations

import re
from collections import Counter

import ftfy.bad_codecs  # noqa: F401  registers sloppy-windows-1252, which keeps undefined bytes

from malmoi.text.charset import REPLACEMENT, in_ks_x_1001, plausibility

#: All of Latin-1 beyond ASCII, and what Windows-1252 has in its place from 80 to 9F.
_LATIN = (
    "".join(map(chr, range(0x80, 0x100)))
    + "\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u20ac\u2122"
    + "".join(map(chr, range(0x2013, 0x203B)))
)
#: Signs that text in earnest has, such as ±° and quotation marks; mojibake has others among them.
_SIGNS = frozenset("\xa0§©«\xad®°±²³´µ¶·¹º»¼½¾×÷–—‘’“”•…€™‥※‰′″")
_SUSPECT = re.compile(f"[{''.join(sorted(set(_LATIN) - _SIGNS))}]")
#: The least that a syllable of CP949 leaves.
_NEIGHBOURS = re.compile(f"[{_LATIN}]{{2}}")
#: The longest parts of a line that Latin-1 and Windows-1252 can hold; Hangul and hanja end them.
_PART = re.compile(f"[\t\x20-\x7e{_LATIN}]{{2,}}")
_HANGUL = re.compile("[\uac00-\ud7a3]")

#: A space inside a syllable of UTF-8, where white space was tidied: the byte A0 is a no-break space.
_TIDIED = re.compile(rb"(?<=[\xea-\xed]) (?=[\x80-\xbf])|(?<=[\xea-\xed][\x80-\xbf]) ")

#: Restored text may have this share of characters that could not be restored.
_MOST_LOST = 0.05
#: How plausible a part must be that is too small to tell by itself.
_LIKEWISE = 0.5

#: Hanja whose CP949 bytes are the first two of a Hangul syllable in UTF-8.
_LEADING_HANJA = frozenset(
    bytes((lead, trail)).decode("cp949")
    for lead in range(0xEA, 0xEE)
    for trail in range(0xA1, 0xC0)
)
#: Syllables that CP949 has beyond KS X 1001; real text has one in ten thousand.
_RARE_SYLLABLES = frozenset(
    chr(code) for code in range(0xAC00, 0xD7A4) if not in_ks_x_1001(chr(code))
)
#: Neighbours of both kinds are in no real text, 媛€ and 씠궗嫄 in any of UTF-8 read as CP949.
_LOST_PAIR = re.compile(f"[{''.join(sorted(_LEADING_HANJA | _RARE_SYLLABLES))}€]{{2,}}")
_LOST_SIGN = re.compile(f"[{''.join(sorted(_LEADING_HANJA | _RARE_SYLLABLES))}{REPLACEMENT}]")
_LETTER = re.compile("[\uac00-\ud7a3\u4e00-\u9fff\uf900-\ufaff\ufffd]")
_UTF_8_SYLLABLE = re.compile(rb"[\xea-\xed][\x80-\xbf]{2}")

#: A line is lost from this many syllables of UTF-8 on, if they are this share of its bytes beyond ASCII.
_LEAST_SYLLABLES = 2
_SYLLABLE_SHARE = 0.3
#: Or from this many rare syllables, leading hanja and U+FFFD on, if they are this share of its letters.
_LEAST_SIGNS = 4
_SIGN_SHARE = 0.4
_SIGN_SHARE_WITHOUT_HANJA = 0.6


def may_need_repair(text: str) -> bool:
    """Tell whether :func:`repair_lines` would look at any line of the text."""
    return _SUSPECT.search(text) is not None


def repair_lines(text: str) -> tuple[str, int]:
    """Return the text with CP949 or UTF-8 read as Latin-1 restored, and how many parts of lines were.

    A part is restored if its restored form has two syllables and is plausible Korean. Once the document has
    such parts, others are too small to tell, such as a heading of one syllable, and are restored the same way.
    """
    ways: Counter[tuple[str, str]] = Counter()

    def restored(match: re.Match[str]) -> str:
        found, way = _restored(match[0]) if _SUSPECT.search(match[0]) else ("", ("", ""))
        ways[way] += bool(found)
        return found or match[0]

    text = _PART.sub(restored, text)
    repaired = ways.total()
    if not repaired:
        return text, 0
    outer, inner = max(ways, key=lambda way: (ways[way], way))

    def restored_likewise(match: re.Match[str]) -> str:
        nonlocal repaired
        if not _NEIGHBOURS.search(match[0]):
            return match[0]
        try:
            found = match[0].encode(outer).decode(inner)
        except UnicodeError:
            return match[0]
        if plausibility(found) < _LIKEWISE:
            return match[0]
        repaired += 1
        return found

    return _PART.sub(restored_likewise, text), repaired


def _restored(part: str) -> tuple[str, tuple[str, str]]:
    """Return a part restored, as far as it can be, and the encodings it went through; or nothing."""
    damaged, damaged_way = "", ("", "")
    for outer in ("latin-1", "sloppy-windows-1252"):
        try:
            data = part.encode(outer)
        except UnicodeEncodeError:
            continue
        for inner, raw in (("utf-8", data), ("utf-8", _TIDIED.sub(b"\xa0", data)), ("cp949", data)):
            found = raw.decode(inner, "replace")
            if _is_korean(found):
                if REPLACEMENT not in found:
                    return found, (outer, inner)
                if not damaged:
                    damaged, damaged_way = found, (outer, inner)
    return damaged, damaged_way


def _is_korean(found: str) -> bool:
    syllables = _HANGUL.findall(found)
    common = sum(map(in_ks_x_1001, syllables))
    return (
        common >= 2
        and common >= 0.8 * len(syllables)
        and found.count(REPLACEMENT) <= _MOST_LOST * len(found)
        and plausibility(found) >= 0.6
    )


def drop_lost_lines(text: str) -> tuple[str, int, int]:
    """Return the text without the lines that are beyond repair, their number and their characters.

    These are lines of UTF-8 read as CP949, and lines with U+FFFD in place of most letters.
    """
    if not _LOST_SIGN.search(text):
        return text, 0, 0
    lines = text.split("\n")
    kept = [line for line in lines if not (_LOST_SIGN.search(line) and _is_lost(line))]
    remaining = "\n".join(kept)
    return remaining, len(lines) - len(kept), len(text) - len(remaining)


def count_lost_pairs(text: str) -> int:
    """Return how many traces of UTF-8 read as CP949 there are, such as are left in lines mostly sound."""
    return sum(
        not (_LEADING_HANJA.isdisjoint(found) or _LEADING_HANJA.issuperset(found))
        for found in _LOST_PAIR.findall(text)
    )


def _is_lost(line: str) -> bool:
    letters = _LETTER.findall(line)
    hanja = sum(letter in _LEADING_HANJA for letter in letters)
    unknown = letters.count(REPLACEMENT)
    rare = sum(letter in _RARE_SYLLABLES for letter in letters)
    # Hanja alone are no sign: a statute of 1960 is full of them.
    signs = unknown + rare + (hanja if rare or unknown else 0)
    share = _SIGN_SHARE if hanja or unknown else _SIGN_SHARE_WITHOUT_HANJA
    if signs >= _LEAST_SIGNS and signs >= share * len(letters):
        return True
    # Windows decodes the byte 80 to the euro sign. What CP949 lacks was never a part of it.
    data = b"\x80".join(part.encode("cp949", "ignore") for part in line.split("€"))
    syllables = len(_UTF_8_SYLLABLE.findall(data))
    beyond_ascii = sum(byte > 0x7F for byte in data)
    return syllables >= _LEAST_SYLLABLES and 3 * syllables >= _SYLLABLE_SHARE * beyond_ascii
