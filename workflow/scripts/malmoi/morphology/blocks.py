"""The parts of a text that are analysed by themselves: lines, headings and the items of lists.

Kiwi takes no newline and no item number for the end of a sentence, so what stands in two items, or in a
heading and the sentence after it, must not reach it as one text. A number is only taken for that of an item
where it is one of an ascending row, so that dates, doses and references to provisions stay whole.
"""

from __future__ import annotations

import re
from bisect import bisect_right

_HANGUL = "가나다라마바사아자차카타파하"
_ROMAN = "i ii iii iv v vi vii viii ix x xi xii".split()

#: What no number of an item has right behind it: a particle, or the rest of a list of references.
_GUARD = r"(?![,.)·~]|[은는이가을를의과와도로에](?:[\s.,]|게|서)|항|호|목|및)"
#: The number of an item inside a line, and the blank or the end of a sentence before it: ``1.`` or ``1)``, ``가.``
#: or ``가)``, ``i)`` or ``(a)``, ``(1)`` or ``(가)``, ``Ⅰ.`` or ``A.``, ``[1]``.
_NUMBER = re.compile(
    r"[\s.:)\]】>/](?:"
    rf"(\d{{1,2}}(?:\.(?=\s|[가-힣\"“「])|\)))|([{_HANGUL}](?:\.(?=\s)|\)))"
    rf"|(\(?(?:[ivx]{{1,4}}|[a-z])\))|(\((?:\d{{1,2}}|[{_HANGUL}])\))|([Ⅰ-Ⅻ]\.(?=\s)|[A-Z]\.(?=\s))"
    rf"|(\[\d{{1,2}}\]))" + _GUARD
)
_FIRST = re.compile(
    rf"(?:\d{{1,2}}[.)](?!\d)|[{_HANGUL}][.)](?=\s|[가-힣])|\(?(?:[ivx]{{1,4}}|[a-z])\)"
    rf"|\((?:\d{{1,2}}|[{_HANGUL}])\)|[Ⅰ-Ⅻ]\.|[A-Z]\.(?=\s)|\[\d{{1,2}}\]|[①-⑳㉠-㉻ⓐ-ⓩ⑴-⒇㈀-㈛])"
)
_CIRCLED = re.compile("[①-⑳㉠-㉻ⓐ-ⓩ⑴-⒇㈀-㈛]")
#: Where the rows of circled and bracketed characters begin.
_CIRCLED_ROWS = [ord(first) for first in "①⑴ⓐ㈀㈎㉠㉮"]

_SENTENCE_END = re.compile(r"(?:[.?!。]|[가-힣]다|[:;])[\"'”’)\]>〉」』]*\s*\Z")
#: A row whose second and later items stand behind these goes on in one sentence: ``① 전문, ② 요지 및 ③ 결론을``.
_RUNNING = re.compile(r"(?:[,·/&]|및|또는|혹은|내지|그리고|거나|하고|하며|이고|이며|and|or)\s*\Z")
#: So does one whose first item stands behind these: ``원고는 ① 계약을 맺은 점 ② 돈을 치른 점을 들어``.
_RUNNING_INTO = re.compile(
    r"(?:[은는을를,]|에서|에게|으로|로서|하여|하고|하며|및|또는|위|제|별표|별지)\s*\Z"
)
_DATE_BEFORE = re.compile(r"\d\.\s?\Z")
_DATE_AFTER = re.compile(r"\s?\d{1,2}\.(?!\d)")

_BRACKETED = re.compile(r"【[^【】]{1,60}】(?![은는이가을를의과와도로에](?:[\s.,]|게|서))")
_NOTE = re.compile(r"\s[※☞▶■□◆◇▪•◦]\s?(?=\S)")
_BULLET = re.compile(r"\s[-–○●]\s(?=\S)")
_ARTICLE = re.compile(
    r"제\d{1,4}조(?:의\d{1,3})?\s?\([^()]{1,60}(?:\([^()]{1,30}\)[^()]{0,30})?\)(?=\s|[①-⑳])(?!\s*제\d)"
)
_CHAPTER = re.compile(
    r"제\d{1,3}(?:편|장|절|관)\s[^\d.]{1,40}?(?=\s제\d{1,4}조(?:의\d{1,3})?\s?\()"
)
_LABEL = re.compile(r"[\[<〈〔](?=[^\d\[\]<>]{2,24}[\]>〉〕]\s)[^\[\]<>〈〉〔〕]{2,24}[\]>〉〕]")
_SECTION = re.compile(
    r"(?:효능\s?[·,ㆍ]?\s?효과|용법\s?[·,ㆍ]?\s?용량|사용\s?상의\s?주의\s?사항|저장\s?방법|보관\s?방법|사용\s?기간"
    r"|사용\s?기한|포장\s?단위|원료\s?약품(?:의)?\s?(?:및\s?그\s?)?분량|성상)(?=\s(?!및|또는|등|[은는이가을를의]\s))"
)
#: A line that holds one of these may have a block that begins inside it.
_WORTH_A_LOOK = re.compile(
    rf"[①-⑳㉠-㉻ⓐ-ⓩ⑴-⒇㈀-㈛【※☞▶■□◆◇▪•◦]|\s[-–○●]\s"
    rf"|[\s.:)\]】>/][(\[]?(?:\d{{1,2}}|[{_HANGUL}]|[a-zA-Z]|[ivxⅠ-Ⅻ]{{1,4}})[.)\]]"
    r"|[\[<〈〔][^\d\[\]<>]{2,24}[\]>〉〕]\s|제\d{1,4}조(?:의\d{1,3})?\s?\(|효능|용법|사용\s?상|저장\s?방|보관\s?방"
)


def blocks(text: str) -> list[tuple[int, int]]:
    """Return start and end, in code points, of the parts of ``text`` that are analysed by themselves.

    They are in order, have no white space at their edges, never reach across a newline, and nothing but white
    space lies outside them. The result follows from ``text`` alone.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        if _WORTH_A_LOOK.search(line):
            position = 0
            for cut in [*_cuts(line), len(line)]:
                _add(spans, line, start, position, cut)
                position = cut
        else:
            _add(spans, line, start, 0, len(line))
        start = end + 1
    return spans


def _add(spans: list[tuple[int, int]], line: str, shift: int, start: int, end: int) -> None:
    part = line[start:end]
    stripped = part.strip()
    if stripped:
        start += len(part) - len(part.lstrip())
        spans.append((shift + start, shift + start + len(stripped)))


def _cuts(line: str) -> list[int]:
    """Return where, inside a line, a new block begins."""
    begin = len(line) - len(line.lstrip())
    cuts = {begin}
    heads: set[int] = set()
    for match in _BRACKETED.finditer(line):
        cuts |= {match.start(), match.end()}
        heads.add(match.end())
    if label := _LABEL.match(line, begin):
        cuts.add(label.end())
    if chapter := _CHAPTER.match(line, begin):
        cuts.add(chapter.end())
    for match in _ARTICLE.finditer(line):
        if match.start() in (begin, *cuts) or _ends(line, match.start()) or chapter:
            cuts |= {match.start(), match.end()}
            heads.add(match.end())
    for match in _SECTION.finditer(line):
        if match.start() == begin or _ends(line, match.start()):
            cuts |= {match.start(), match.end()}
    for match in _NOTE.finditer(line):
        cuts.add(match.start() + 1)
    first_bullet = line[begin : begin + 1]
    for match in _BULLET.finditer(line):
        if line[match.start() + 1] == first_bullet or _ends(line, match.start()):
            cuts.add(match.start() + 1)
    cuts |= _items(line, begin, heads)
    return _without_bare_numbers(line, sorted(cuts))


def _ends(line: str, position: int) -> bool:
    """Tell whether a sentence or a lead-in with a colon ends before a position."""
    return bool(_SENTENCE_END.search(line, max(0, position - 12), position))


def _items(line: str, begin: int, heads: set[int]) -> set[int]:
    """Return where items begin whose numbers make an ascending row within the line."""
    rows: dict[str, list[tuple[int, int]]] = {}
    cuts: set[int] = set()

    def close(style: str) -> None:
        row = rows.pop(style, [])
        if len(row) > 1:
            cuts.update(_row_cuts(line, row, begin))

    found = []
    if first := _FIRST.match(line, begin):
        found.append((begin, first[0]))
    found += [
        (match.start() + 1, match[0][1:])
        for match in _NUMBER.finditer(line)
        if not (match.start() + 1 == begin or _is_date(line, match.start() + 1, match.end()))
    ]
    circled = [
        (match.start(), match[0]) for match in _CIRCLED.finditer(line) if match.start() > begin
    ]
    for position, number in sorted(found + circled):
        for style, value in _values(number):
            row = rows.get(style)
            if row and row[-1][1] < value <= row[-1][1] + 2:
                row.append((position, value))
            elif value == 1 or position == begin:
                close(style)
                rows[style] = [(position, value)]
        if _CIRCLED.match(number) and _ends(line, position):
            cuts.add(position)
    for style in list(rows):
        close(style)
    return cuts


def _is_date(line: str, start: int, end: int) -> bool:
    if line[end - 1] != "." or not line[start].isdigit():
        return False
    return bool(_DATE_BEFORE.search(line, max(0, start - 4), start) or _DATE_AFTER.match(line, end))


def _values(number: str) -> list[tuple[str, int]]:
    """Return what kind of number this is and its place in the row, for each way to read it."""
    if _CIRCLED.match(number):
        row = _CIRCLED_ROWS[bisect_right(_CIRCLED_ROWS, ord(number)) - 1]
        return [(chr(row), ord(number) - row + 1)]
    inner = number.strip("().[]")
    style = number.replace(inner, "*", 1)
    if inner.isdigit():
        return [("1" + style, int(inner))]
    if inner in _HANGUL:
        return [("가" + style, _HANGUL.index(inner) + 1)]
    if "Ⅰ" <= inner <= "Ⅻ":
        return [("Ⅰ" + style, ord(inner) - ord("Ⅰ") + 1)]
    readings = []
    if inner in _ROMAN:
        readings.append(("i" + style, _ROMAN.index(inner) + 1))
    if len(inner) == 1:
        readings.append((("a" if inner.islower() else "A") + style, ord(inner.lower()) - 96))
    return readings


def _row_cuts(line: str, row: list[tuple[int, int]], begin: int) -> set[int]:
    """Return the items of one row that begin a block: none inside a sentence that goes on through them."""
    positions = [position for position, _ in row]
    ended = {position for position in positions if position == begin or _ends(line, position)}
    before = [position for position in positions if position not in ended]
    running = any(
        _RUNNING.search(line, max(0, position - 8), position)
        for position in before
        if position != positions[0]
    ) or (
        positions[0] not in ended
        and _RUNNING_INTO.search(line, max(0, positions[0] - 8), positions[0])
    )
    return ended if running else set(positions)


def _without_bare_numbers(line: str, cuts: list[int]) -> list[int]:
    """Return the cuts without those that part a number from the number or the text it belongs to."""
    kept: list[int] = []
    for position, cut in enumerate(cuts):
        if kept and position and _FIRST.fullmatch(line[kept[-1] : cut].strip()):
            continue
        kept.append(cut)
    return kept
