"""Layout that came with the pages a text was printed on: running lines, page numbers, lines broken to a width.

Plain text has no pages, so everything here asks for a pattern over the whole document before it touches a
line, and leaves tables, list items and headings alone.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from itertools import pairwise

#: Widths, in columns, between which lines are believed to have been broken.
_NARROWEST, _WIDEST = 40, 160
#: Lines that go on in the next one, at least, and the share of them that must be full.
_LEAST_BROKEN = 6
_FULL_SHARE = 0.85
#: Share of full lines that reach the last columns where lines break inside words, not between them.
_FILLED_SHARE = 0.8
#: Share of breaks with a blank beside them from which a break without one is known to be inside a word.
_MARKED_SHARE = 0.1

_SENTENCE_END = re.compile(r"[.?!:;。…]['\"’”」』)\]】>〉]*\Z")
_ITEM = re.compile(
    r"[①-⑳㉠-㉻㈀-㈜ⓐ-ⓩ⑴-⒇○●◎□■◇◆▪▫•·※★☆❍❏❑▶►▷◦➢✓◈▲△▼▽☞\-–—―*【〔\[<〈《「『#]"
    r"|\d{1,3}(?:\.\d{1,3})*[.)]|[(\[]?(?:\d{1,3}|[가-하]|[ivxIVXⅠ-Ⅻⅰ-ⅻ]{1,4}|[a-zA-Z])[.)\]]\s"
    r"|제\s?\d+\s?(?:조|장|절|편|관|항|호)|부칙|별표|별지"
)
_TABLE = re.compile(r"[|│┃┌┐└┘├┤┬┴┼─━\t]| {3,}")
_WORD_EDGE = ".,()[]“”‘’\"'「」"

#: Ends of sentences and of notes, and what stands alone where a decision's names were taken out.
_NOT_RUNNING = re.compile(
    r"[음함임됨다요]\Z|[.?!:;,]['\"’”)\]]*\Z|\A\(| (?:및|또는|내지)\Z"
    r"|\A(?:공소외|소외|피고인?|원고|신청인|피해자|망) ?\d"
)
_LONGEST_RUNNING = 60
_LONGEST_PAGE_NUMBER = 24
#: Characters of a page, at least, and how far pages of one document may be from their median.
_PAGE = 300
_SHORTEST_PAGE, _LONGEST_PAGE = 0.4, 2.5
_PAGE_NUMBER = re.compile(
    r"[-–—]\s*(\d{1,4})\s*[-–—]|(?:page|p\.|쪽|페이지)\s*(\d{1,4})(?:\s*(?:/|of)\s*\d{1,4})?"
    r"|(\d{1,4})\s*(?:쪽|페이지|/\s*\d{1,4}(?:\s*(?:쪽|페이지))?)",
    re.I,
)


def join_broken_lines(text: str, counts: Counter[str]) -> str:
    """Return the text with lines joined that were broken to a width, if the document has such lines.

    It has when of the lines that neither end a sentence nor stand before a list item, heading or table row
    nearly all are full: the first word of the next line would not have fitted. Lines filled to the last column
    were broken inside words, too; there a blank goes in where one stands at the break, or where nothing in
    the document tells that the parts are one word. A hyphen at the end of a line inside a Latin word goes.
    Counts ``broken_line``, and of these ``broken_word``.
    """
    lines = text.split("\n")
    if len(lines) <= _LEAST_BROKEN or max(map(len, lines)) > _WIDEST:
        return text
    widths = [_width(line.strip()) for line in lines]
    widest = max(widths)
    if not _NARROWEST <= widest <= _WIDEST:
        return text
    goes_on = [
        number
        for number in range(len(lines) - 1)
        if _goes_on(lines[number].strip(), lines[number + 1].strip())
    ]
    full = [
        number
        for number in goes_on
        if widths[number] + 1 + _width(lines[number + 1].split(maxsplit=1)[0]) > widest
    ]
    if len(goes_on) < _LEAST_BROKEN or len(full) < _FULL_SHARE * len(goes_on):
        return text
    filled = sum(widths[number] >= widest - 2 for number in full) >= _FILLED_SHARE * len(full)
    within = _Within(lines, full) if filled else None
    pieces, breaks = [lines[0]], set(full)
    for number, line in enumerate(lines[1:]):
        if number not in breaks:
            pieces += ["\n", line]
            continue
        before, after = pieces[-1].rstrip(), line.lstrip()
        counts["broken_line"] += 1
        if hyphenated := re.search("[a-z]-\\Z", before) and "a" <= after[0] <= "z":
            before = before[:-1]
        is_word = hyphenated or (within is not None and within.a_word(lines[number], line))
        counts["broken_word"] += is_word
        pieces[-1:] = [before, after] if is_word else [before, " ", after]
    return "".join(pieces)


class _Within:
    """Tells whether a break is inside a word, by the blanks beside breaks or else by the document's words."""

    def __init__(self, lines: list[str], breaks: list[int]) -> None:
        marked = sum(self._has_blank(lines[number], lines[number + 1]) for number in breaks)
        self.marks_blanks = _MARKED_SHARE * len(breaks) <= marked < len(breaks)
        self.words = Counter(
            word.strip(_WORD_EDGE) for line in lines for word in line.split()[1:-1]
        )

    @staticmethod
    def _has_blank(before: str, after: str) -> bool:
        return before.endswith(" ") or (after.startswith(" ") and not after.startswith("  "))

    def a_word(self, before: str, after: str) -> bool:
        """Tell whether the end of one line and the beginning of the next are one word."""
        first, second = before.split()[-1], after.split()[0]
        if not ("가" <= first[-1] <= "힣" and "가" <= second[0] <= "힣"):
            return False
        if self.marks_blanks:
            return not self._has_blank(before, after)
        return (first + second).strip(_WORD_EDGE) in self.words


def _goes_on(line: str, following: str) -> bool:
    return bool(
        line
        and following
        and not _SENTENCE_END.search(line)
        and not _TABLE.search(line)
        and not _TABLE.search(following)
        and not _ITEM.match(following)
    )


def _width(line: str) -> int:
    """Return the columns a line takes, where East Asian characters take two."""
    return len(line) + sum(character >= "\u1100" for character in line)


def drop_running_lines(text: str, at_least: int, counts: Counter[str]) -> str:
    """Return the text with running headers, footers and watermarks once, and without page numbers.

    A running line stands ``at_least`` times in the document, from its beginning to its end and a page apart
    each time, is short, and is neither a sentence, a list item, a bracketed note nor a table row. Being
    repeated is not enough: statutes have ``[전문개정 2009. 1. 1.]`` under every other article. Page numbers go
    if ``at_least`` of them count up. Counts ``running_line`` and ``page_number``.
    """
    lines = text.split("\n")
    if at_least < 2 or len(lines) < 2 * at_least:
        return text
    numbers = [
        (number, int(next(filter(None, page.groups()))))
        for number, line in enumerate(lines)
        if len(line) < _LONGEST_PAGE_NUMBER and (page := _PAGE_NUMBER.fullmatch(line))
    ]
    dropped: set[int] = set()
    if len(numbers) >= at_least and all(
        later[1] > earlier[1] for earlier, later in pairwise(numbers)
    ):
        dropped.update(number for number, _ in numbers)
        counts["page_number"] += len(numbers)
    running = {
        line
        for line, times in Counter(lines).items()
        if times >= at_least and 1 < len(line) <= _LONGEST_RUNNING and _may_run(line)
    }
    if running:
        apart = _positions(lines, running)
        running = {line for line in running if _is_on_every_page(apart[line], len(text))}
    if not running and not dropped:
        return text
    seen: set[str] = set()
    for number, line in enumerate(lines):
        if line in running and number not in dropped:
            if line in seen:
                dropped.add(number)
                counts["running_line"] += 1
            seen.add(line)
    return "\n".join(line for number, line in enumerate(lines) if number not in dropped)


def _may_run(line: str) -> bool:
    excluded = _ITEM.match(line) or _TABLE.search(line) or _NOT_RUNNING.search(line)
    return not excluded and any(character.isalpha() for character in line)


def _positions(lines: list[str], wanted: set[str]) -> dict[str, list[int]]:
    """Return where in the text, in characters, each of the wanted lines stands."""
    places: dict[str, list[int]] = {line: [] for line in wanted}
    position = 0
    for line in lines:
        if line in wanted:
            places[line].append(position)
        position += len(line) + 1
    return places


def _is_on_every_page(positions: list[int], length: int) -> bool:
    """Tell whether a line stands all through a text of so many characters, a page apart each time."""
    gaps = [after - before for before, after in pairwise(positions)]
    page = statistics.median(gaps)
    return (
        page >= _PAGE
        and min(gaps) >= _SHORTEST_PAGE * page
        and max(*gaps, positions[0], length - positions[-1]) <= _LONGEST_PAGE * page
    )
