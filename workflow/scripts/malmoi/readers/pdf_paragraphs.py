"""Paragraphs from the lines of a PDF.

A PDF knows lines, not paragraphs, and Korean lines break inside words. A line goes on in the next one when the
next word would not have fitted behind it, and neither the space between them, the size of their characters, the
end of a sentence nor the beginning of a list item parts them. Whether a blank belongs between the two is taken
from the document itself: most Korean programs write a blank at the end of a line that breaks between words, so
where a file does that, a line without one was broken inside a word; elsewhere ``pdf_breaks`` judges.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from malmoi.readers.pdf_breaks import Breaks
from malmoi.readers.pdf_page import Line

#: Columns a line of running text takes at least; titles and list items are shorter.
_NARROWEST = 30
#: A file in which this share of lines ends in a blank writes one wherever a line breaks between words.
_MARKS_BLANKS = 0.1
#: In a file that writes blanks only where a line goes on, fewer of the lines that end sentences have one.
_MOST_BLANK_ENDS = 0.5
#: How much further than the usual distance the next line of a paragraph may be.
_PITCH = 1.25
_PITCH_OF_MARKED = 2.0
#: The same within a table's cell, in heights of a character.
_CELL_PITCH = 2.2
#: Lines before and after one that tell how wide its column is.
_NEIGHBOURS = 8
#: Lines that leave less than so many characters' room are almost full; where more than a few of those leave
#: room for more than one, a document breaks its lines between words and leaves their ends ragged.
_ALMOST_FULL, _ROOM = 6.0, 1.2
_FEWEST_FULL, _RAGGED = 8, 0.4
_SENTENCE_END = re.compile(r"[.?!:;。]['\"’”)\]】]*\Z")
_ITEM = re.compile(
    r"[①-⑳㉠-㉻❶-❿➀-➉○●◎□■◇◆▪▫•·※★☆❍❏▶►▷◦➢✓\-–—*【〔\[<〈《|]|[\U000f02b1-\U000f02ff]"
    r"|\d{1,3}(?:\.\d{1,3})+\.?\s|[(\[]?(?:\d{1,3}|[가-하]|[ivxIVXⅠ-Ⅻ]{1,4}|[a-zA-Z])[.)\]]\s|제\s?\d+조(?:의\s?\d+)?\s?[(\[【<]|제\s?\d+[장절편관](?:\s|\Z)"
)
#: The dots of a table of contents.
_LEADER = re.compile(r"\s*([·.…‥])(?:\s?\1){3,}\s*(?=\S{0,5}\Z)")
#: A word that a hyphen at the end of a line may divide.
_DIVIDED = re.compile(r"[A-Za-z]+-\Z")
_CLOSING = ".,!?)]}>」』》〉】〕”’:;%"
_OPENING = "([{<「『《〈【〔“‘"


class Paragraphs:
    """Joins lines, by what all lines of the document tell."""

    def __init__(self, lines: Sequence[Line]) -> None:
        marked = sum(line.blank_after for line in lines)
        self._marks_blanks = marked >= max(1, _MARKS_BLANKS * len(lines))
        ends = [line for line in lines if _SENTENCE_END.search(line.text)]
        # Word writes a blank for the end of a paragraph too; then a blank does not say that a line goes on.
        self._blank_goes_on = sum(line.blank_after for line in ends) < _MOST_BLANK_ENDS * len(ends)
        self._breaks: Breaks | None = None
        if not self._marks_blanks:
            self._breaks = Breaks([line.text for line in lines], _ragged(lines))
        self._hyphened = {
            word for line in lines for word in re.findall("[A-Za-z]+-[a-z]+", line.text)
        }
        gaps = [
            (last.bottom - line.bottom) / line.size
            for last, line in pairwise(lines)
            if last.page == line.page and not last.cell and not line.cell and line.size > 0
        ]
        # The nearest quarter: paragraphs of one line stand further apart.
        gaps = sorted(gap for gap in gaps if 0.8 < gap < 4)
        self._pitch = gaps[len(gaps) // 4] if gaps else _CELL_PITCH

    def joined(self, lines: Sequence[Line], sides: tuple[float, float] | None = None) -> list[str]:
        """Return the lines with those of one paragraph made one; ``sides`` are those of their cell."""
        joined: list[str] = []
        last: Line | None = None
        for at, line in enumerate(lines):
            text = _LEADER.sub(" ", line.text)
            if last and self.goes_on(last, line, self._right(lines, at - 1, sides), sides is None):
                if self._divides(last, line):
                    joined[-1] = joined[-1][:-1]
                joined[-1] += self._blank(last, line) + text
            else:
                joined.append(text)
            last = line
        return joined

    def _right(self, lines: Sequence[Line], at: int, sides: tuple[float, float] | None) -> float:
        """Return how far to the right a line's column reaches."""
        line = lines[at]
        if sides:
            margin = min(min(each.left for each in lines) - sides[0], line.size)
            return sides[1] - max(margin, 0)
        return max(
            each.right
            for each in lines[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS]
            if each.page == line.page and each.left < line.right and each.right > line.left
        )

    def goes_on(self, last: Line, line: Line, right: float, flowing: bool = False) -> bool:
        """Tell whether a line goes on in another, in a column that reaches to ``right``.

        ``flowing`` text is not in a table's cell.
        """
        if flowing and last.cell != line.cell:
            return False
        if last.wide or line.wide or abs(last.size - line.size) > 0.15 * max(last.size, line.size):
            return False
        if _LEADER.search(last.text):
            return False
        marked = self._marks_blanks and self._blank_goes_on and last.blank_after
        if not marked and (_SENTENCE_END.search(last.text) or _ITEM.match(line.text)):
            return False
        if flowing and _columns(last.text) < _NARROWEST:
            return False
        if last.page == line.page:
            gap = last.bottom - line.bottom
            # A line with a fraction in it stands further down.
            near = self._pitch * (_PITCH_OF_MARKED if marked else _PITCH)
            most = near if flowing else max(_CELL_PITCH, near)
            next_column = gap <= 0 and line.left > last.right
            if not next_column and not 0 < gap <= most * line.size:
                return False
        return right - last.right < self._needed(last, line)

    def _needed(self, last: Line, line: Line) -> float:
        """Return the width that what begins the next line would have needed on the last one."""
        breaks = self._breaks
        whole = breaks.only_between_words if breaks else last.blank_after
        if not whole and not last.text.endswith("-"):
            return 1.5 * line.size
        word = line.text.split()[0]
        part = _columns(word) / _columns(line.text)
        return part * (line.right - line.left) + 0.5 * line.size

    def _divides(self, last: Line, line: Line) -> bool:
        """Tell a hyphen that only divides a word at the end of a line from one that belongs to it."""
        if last.text.endswith("\u00ad"):
            return True
        left, right = _DIVIDED.search(last.text), re.match("[a-z]+", line.text)
        return bool(left and right and left[0] + right[0] not in self._hyphened)

    def _blank(self, last: Line, line: Line) -> str:
        if last.text.endswith(("-", "\u00ad")):
            return ""
        if not self._breaks:
            return " " if last.blank_after else ""
        if line.text[0] in _CLOSING or last.text[-1] in _OPENING:
            return ""
        return " " if self._breaks.is_between_words(last.text, line.text) else ""


def _ragged(lines: Sequence[Line]) -> bool:
    """Tell whether the lines that are almost full leave room for another character."""
    margins: dict[int, float] = {}
    for line in lines:
        margins[line.page] = max(margins.get(line.page, line.right), line.right)
    rooms = [
        (margins[last.page] - last.right) / last.size
        for last, line in pairwise(lines)
        if last.page == line.page
        and not last.cell
        and not line.cell
        and 0 < last.bottom - line.bottom < _CELL_PITCH * last.size
    ]
    almost_full = [room for room in rooms if room < _ALMOST_FULL]
    with_room = sum(room > _ROOM for room in almost_full)
    return len(almost_full) >= _FEWEST_FULL and with_room >= _RAGGED * len(almost_full)


def _columns(text: str) -> int:
    """Return the columns a text takes, where East Asian characters take two."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
