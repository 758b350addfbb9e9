"""What paragraphs, tables and lists of HWP 5 and HWPX become as text, see ``hwp`` for the convention."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from malmoi.readers.record import OLD_LETTERS

#: Number formats of list levels, named as in HWPX, in the order of their codes in HWP 5.
FORMATS = (
    "DIGIT",
    "CIRCLED_DIGIT",
    "ROMAN_CAPITAL",
    "ROMAN_SMALL",
    "LATIN_CAPITAL",
    "LATIN_SMALL",
    "CIRCLED_LATIN_CAPITAL",
    "CIRCLED_LATIN_SMALL",
    "HANGUL_SYLLABLE",
    "CIRCLED_HANGUL_SYLLABLE",
    "HANGUL_JAMO",
    "CIRCLED_HANGUL_JAMO",
    "HANGUL_PHONETIC",
    "IDEOGRAPH",
    "CIRCLED_IDEOGRAPH",
)
_SERIES = {
    "CIRCLED_DIGIT": "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳",
    "LATIN_CAPITAL": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "LATIN_SMALL": "abcdefghijklmnopqrstuvwxyz",
    "CIRCLED_LATIN_CAPITAL": "ⒶⒷⒸⒹⒺⒻⒼⒽⒾⒿⓀⓁⓂⓃⓄⓅⓆⓇⓈⓉⓊⓋⓌⓍⓎⓏ",
    "CIRCLED_LATIN_SMALL": "ⓐⓑⓒⓓⓔⓕⓖⓗⓘⓙⓚⓛⓜⓝⓞⓟⓠⓡⓢⓣⓤⓥⓦⓧⓨⓩ",
    "HANGUL_SYLLABLE": "가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허고노도로모보소오조초코토포호",
    "CIRCLED_HANGUL_SYLLABLE": "㉮㉯㉰㉱㉲㉳㉴㉵㉶㉷㉸㉹㉺㉻",
    "HANGUL_JAMO": "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ",
    "CIRCLED_HANGUL_JAMO": "㉠㉡㉢㉣㉤㉥㉦㉧㉨㉩㉪㉫㉬㉭",
    "CIRCLED_IDEOGRAPH": "㊀㊁㊂㊃㊄㊅㊆㊇㊈㊉",
}
_TENS = {"HANGUL_PHONETIC": "일이삼사오육칠팔구십", "IDEOGRAPH": "一二三四五六七八九十"}
_ROMAN = ((100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"))


def written(number: int, form: str) -> str:
    """Return a list item's number in one of ``FORMATS``; in digits where the format does not reach so far."""
    if form in _SERIES and 1 <= number <= len(_SERIES[form]):
        return _SERIES[form][number - 1]
    if form in _TENS and 1 <= number <= 99:
        digits, (tens, ones) = _TENS[form], divmod(number, 10)
        return (
            (digits[tens - 1] if tens > 1 else "")
            + (digits[9] if tens else "")
            + (digits[ones - 1] if ones else "")
        )
    if form.startswith("ROMAN") and 1 <= number <= 399:
        roman = ""
        for value, letters in (*_ROMAN, (1, "I")):
            times, number = divmod(number, value)
            roman += letters * times
        return roman if form == "ROMAN_CAPITAL" else roman.lower()
    return str(number)


@dataclass
class Level:
    """One level of a numbering; ``^1.`` in ``pattern`` is the number of the first level and a full stop."""

    pattern: str
    form: str = "DIGIT"
    start: int = 1


@dataclass
class Lists:
    """The numberings, bullets and paragraph shapes of a document, and how far each numbering has counted.

    ``shapes`` gives for a paragraph shape its kind (``OUTLINE``, ``NUMBER`` or ``BULLET``), the numbering or
    bullet it names and its level from 0; ``outline`` is the numbering of the section's outline.
    """

    numberings: dict[str, list[Level]] = field(default_factory=dict)
    bullets: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    outline: str = ""
    _counts: dict[str, list[int]] = field(default_factory=dict)

    def mark(self, shape: str) -> str:
        """Count a paragraph of ``shape`` and return what stands before it, nothing for most paragraphs."""
        if shape not in self.shapes:
            return ""
        kind, name, level = self.shapes[shape]
        if kind == "BULLET":
            return self.bullets.get(name, "")
        name = self.outline if kind == "OUTLINE" else name
        levels = self.numberings.get(name, [])
        if level >= len(levels):
            return ""
        # A level counts on after its first item, and anew under each item of a level above.
        counts = self._counts.setdefault(name, [])
        for each in levels[len(counts) : level]:
            counts.append(each.start)
        if len(counts) == level:
            counts.append(levels[level].start)
        else:
            counts[level] += 1
        del counts[level + 1 :]

        def number(match: re.Match[str]) -> str:
            if match[1] in "nN":
                path = ".".join(map(str, counts))
                return path + "." if match[1] == "N" else path
            at = int(match[1]) - 1
            return written(counts[at], levels[at].form) if at < len(counts) else ""

        return re.sub(r"\^([1-9nN])", number, levels[level].pattern)


class Paragraph:
    """A paragraph as it is read piece by piece; ``mark`` is the number or bullet before it."""

    def __init__(self, mark: str = "") -> None:
        self._mark = mark
        self._pieces: list[str] = []
        self._lines: list[str] = []
        self._after: list[str] = []

    def write(self, text: str) -> None:
        """Add text of the paragraph itself."""
        self._pieces.append(text)

    def place(self, lines: Iterable[str], in_line: bool) -> None:
        """Add the lines of an object: here if it is set in the line of text, otherwise after the paragraph."""
        lines = list(lines)
        if in_line and lines:
            self._flush()
            self._lines.extend(lines)
        else:
            self._after.extend(lines)

    def lines(self) -> list[str]:
        """Return the paragraph's lines, none where it is blank."""
        self._flush()
        return [*self._lines, *self._after]

    def _flush(self) -> None:
        # What is no character of XML, or of any text, is a leftover of a damaged or foreign file.
        text = _NO_TEXT.sub("", "".join(self._pieces)).translate(OLD_LETTERS)
        self._pieces = []
        for line in filter(None, map(str.strip, text.split("\n"))):
            self._lines.append(f"{self._mark} {line}" if self._mark else line)
            self._mark = ""


_NO_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")


def captioned(lines: list[str], caption: list[str], before: bool) -> list[str]:
    """Return the lines of an object with its caption before or after them."""
    return [*caption, *lines] if before else [*lines, *caption]
