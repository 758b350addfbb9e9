"""The parts of a text that are analysed by themselves: lines, headings and the items of lists.

Kiwi takes no newline and no item number for the end of a sentence, so what stands in two items, or in a
heading and the sentence after it, must not reach it as one text. A number inside a line is taken for that of
an item only where it is one of an ascending row, so that dates, doses and references stay whole.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise

_HANGUL = "가나다라마바사아자차카타파하"
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_CIRCLED = "①-⑳㉠-㉻ⓐ-ⓩ⑴-⒇㈀-㈛"
#: Where the rows of circled and bracketed characters begin, from the last to the first.
_CIRCLED_ROWS = "㉮㉠㈎㈀ⓐ⑴①"
#: A particle, which has nothing to do behind a heading or the number of an item.
_PARTICLE = r"[은는가을를의과와도로에](?:[\s.,]|게|서)"

_ARTICLE = r"제\d{1,4}조(?:의\d{1,3})?"
_TITLE = r"\([^()\n]{1,60}(?:\([^()\n]{1,30}\)[^()\n]{0,30})?\)"
#: Headings of drug labels; the first list stands behind an item's number.
_HEADS = (
    r"경고|이상\s?반응|일반적\s주의|상호작용|(?:임부|수유부|소아|고령자)[^.:\n]{0,12}에\s대한\s투여|신중\s투여"
    r"|과량\s?투여\s?시의?\s처치|적용\s?상의\s주의|(?:보관|저장)\s및\s취급\s?상의\s주의\s?사항"
)
_SECTIONS = (
    r"효능\s?[·,]?\s?효과|용법\s?[·,]?\s?용량|사용\s?상의\s?주의\s?사항|(?:저장|보관)\s?방법|사용\s?기[간한]|포장\s?단위"
    r"|원료\s?약품의?\s?(?:및\s?그\s?)?분량"
)
#: What a label in brackets at the beginning of a line ends with: ``[인정 근거]``, ``[다수의견]``.
_LABELS = (
    "근거|의견|사실|이유|판단|요지|주장|결론|해설|설명|요약|참고|주의|질의|회신|질문|답변|예시|결과"
)
_BLANK = " \\t\\n\\u00a0\\u3000"
#: What no number of an item has behind it, and no circled one.
_NO_NUMBER = rf"(?![,.)·~]|{_PARTICLE}|항|호|목|및)"
_NO_CIRCLED = rf"(?![{_BLANK}]?(?:[~∼,·)+=×–-]|내지|부터|까지|및|또는)|{_PARTICLE})"
#: What a block inside a line begins with, and the one character before it. Each way to go on starts with a
#: plain character, which is what makes the search fast; what has to stand before it is asked for behind it.
_MARK = re.compile(
    rf"[{_BLANK}.:)\]】>/【{_CIRCLED}](?:"
    # 1. and 1), but no part of a date, and the headings of drug labels
    r"\d(?<!\d\.[ ].)(?<!\d\..)(?<![해호목란][ ].)\d?(?:"
    rf"\.(?=[{_BLANK}가-힣\"“「])(?!\s?\d{{1,2}}\.(?!\d)|\s?(?:초|말|경|자|중순)(?:\s|부터|까지|에)|부터|까지|\s선고){_NO_NUMBER}"
    rf"(?:\s?(?:{_HEADS})(?=\s(?!및|또는|등)[^:\s]))?"
    rf"|\){_NO_NUMBER})"
    rf"|[{_HANGUL}](?:\.(?=\s)|\)){_NO_NUMBER}"
    rf"|[ivx](?:[ivx]{{0,3}}\)){_NO_NUMBER}|[a-z]\){_NO_NUMBER}|[A-Z](?:\.(?=\s)|\)){_NO_NUMBER}"
    rf"|\((?:\d{{1,2}}|[{_HANGUL}]|[ivx]{{1,4}}|[a-z])\){_NO_NUMBER}"
    rf"|[Ⅰ-Ⅻ]\.(?=\s)|\[\d{{1,2}}\]{_NO_NUMBER}"
    # notes, the heading of what follows below, bullets
    r"|-\s?(?:아\s?래|다\s?음)\s?-|[※☞](?=\s?[^\s※☞])|[-–○●](?=\s\S)|[▶■□◆◇▪•◦](?=\s?[^\s□■◇◆○△])"
    # articles with their title, sections of drug labels, chapters and labels at the beginning of the line
    rf"|제\d{{1,4}}조(?:의\d{{1,3}})?\s?{_TITLE}(?=\s|[①-⑳])(?!\s*제\d)"
    rf"|(?:{_SECTIONS})(?=\s(?!및|또는|등|{_PARTICLE}))"
    r"|제(?<=\n.)\d{1,3}[편장절관]\s[^\d.\n]{1,40}?(?=\s제\d{1,4}조(?:의\d{1,3})?\s?\()"
    rf"|[\[〔<〈](?<=\n.)[^\d\[\]<>〈〉〔〕\n]{{0,20}}(?:{_LABELS}|{_SECTIONS})[\]〕>〉](?=\s)"
    # headers and circled numbers
    rf"|(?<=[【{_CIRCLED}])(?:(?<=【)[^【】\n]{{1,60}}】(?!{_PARTICLE})|(?<!【){_NO_CIRCLED}))"
)
_NUMBER = re.compile(
    rf"\d{{1,2}}[.)]|[{_HANGUL}][.)]|\(?(?:[ivx]{{1,4}}|[a-z])\)|\((?:\d{{1,2}}|[{_HANGUL}])\)"
    rf"|[Ⅰ-Ⅻ]\.|[A-Z][.)]|\[\d{{1,2}}\]|[{_CIRCLED}]"
)
#: An item or article of which only the number is there.
_BARE_NUMBER = re.compile(rf"(?:{_NUMBER.pattern}|{_ARTICLE})")

_SENTENCE_END = re.compile(
    rf"(?:(?<!\s[{_HANGUL}A-Z])(?<!\d)\.|[?!。:;\]]|[가-힣]다)[\"'”’)\]>〉」』]*\s*\Z"
)
#: A row goes on in one sentence if this stands before one of its later items (``① 전문, ② 요지 및 ③ 결론을``),
_RUNNING = re.compile(r"(?:[,·/&]|및|또는|혹은|내지|그리고|거나|하고|하며|이고|이며|and|or)\s*\Z")
#: or this before its first (``원고는 ① 계약을 맺은 점 ② 돈을 치른 점을 들어``).
_RUNNING_INTO = re.compile(
    r"(?:[은는을를,]|에서|에게|으로|로서|하여|하고|하며|및|또는|위|제|\d항|별표|일람표|별지)\s*\Z"
)


def blocks(text: str) -> list[tuple[int, int]]:
    """Return start and end, in code points, of the parts of ``text`` that are analysed by themselves.

    They are in order, have no white space at their edges, never reach across a newline, and nothing but white
    space lies outside them. The result follows from ``text`` alone.
    """
    # The newline in front makes a line's beginning look the same in all lines.
    lined = f"\n{text}"
    spans: list[tuple[int, int]] = []
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        marks = [match.span() for match in _MARK.finditer(lined, start, end + 1)]
        begin = start
        # Most lines have no mark, or only a number at their beginning.
        if len(marks) > 1 or (marks and (marks[0][0] > start + 1 or marks[0][1] > start + 4)):
            for cut in _cuts(lined, start + 1, marks):
                _add(spans, text, begin, cut - 1)
                begin = cut - 1
        _add(spans, text, begin, end)
        start = end + 1
    return spans


def _add(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    part = text[start:end]
    if stripped := part.strip():
        if len(stripped) < len(part):
            start += part.index(stripped[0])
        spans.append((start, start + len(stripped)))


def _cuts(text: str, begin: int, marks: list[tuple[int, int]]) -> list[int]:
    """Return where a block begins in a line that begins at ``begin`` and has matches of ``_MARK`` there."""
    cuts = {begin}
    rows: list[tuple[int, str]] = []
    bullets = {text[begin]}
    for before, end in marks:
        start = before + 1
        mark = text[start] if end > start else ""
        if text[before] == "【" and text[end - 1] == "】":
            cuts |= {before, end}
        elif not mark:
            rows.append((before, text[before]))
        elif number := _NUMBER.match(text, start, end):
            rows.append((start, number[0]))
            if number.end() < end:
                cuts.add(end)
        elif mark in "※☞":
            cuts.add(start)
        elif mark == "-" and end - start > 1:
            cuts |= {start, end}
        elif mark in "-–○●▶■□◆◇▪•◦":
            if mark in bullets or _ends(text, begin, start):
                bullets.add(mark)
                cuts.add(start)
        elif start == begin or before in cuts or start in cuts or _ends(text, begin, start):
            cuts |= {start, end}
    if rows:
        cuts |= _items(text, begin, rows)
    return _without_bare_numbers(text, sorted(cuts))


def _ends(text: str, begin: int, position: int) -> bool:
    """Tell whether a sentence or a lead-in with a colon ends before a position."""
    return _SENTENCE_END.search(text, max(begin, position - 12), position) is not None


def _items(text: str, begin: int, numbers: list[tuple[int, str]]) -> set[int]:
    """Return where items begin whose numbers make an ascending row within the line."""
    rows: dict[str, list[tuple[int, int]]] = {}
    done: list[list[tuple[int, int]]] = []
    cuts: set[int] = set()
    for position, number in numbers:
        for style, value in _values(number):
            row = rows.get(style)
            if row and row[-1][1] < value <= row[-1][1] + 2:
                row.append((position, value))
            elif (
                value == 1
                or position == begin
                or (not row and number[0] != "[" and _ends(text, begin, position))
            ):
                rows[style] = [(position, value)]
                done.append(rows[style])
            if style in _CIRCLED_ROWS and _ends(text, begin, position):
                cuts.add(position)
    for row in done:
        if len(row) > 1:
            cuts |= _row_cuts(text, begin, [position for position, _ in row])
    return cuts


@cache
def _values(number: str) -> tuple[tuple[str, int], ...]:
    """Return the style of a number and its place in the row, for each way to read it."""
    for first in _CIRCLED_ROWS:
        if first <= number[0] <= "㉻":
            return ((first, ord(number) - ord(first) + 1),)
    inner = number.strip("().[]")
    style = number.replace(inner, "*", 1)
    if inner.isdigit():
        return (("1" + style, int(inner)),)
    if inner in _HANGUL:
        return (("가" + style, _HANGUL.index(inner) + 1),)
    if "Ⅰ" <= inner <= "Ⅻ":
        return (("Ⅰ" + style, ord(inner) - ord("Ⅰ") + 1),)
    readings = []
    if inner in _ROMAN:
        readings.append(("i" + style, _ROMAN.index(inner) + 1))
    if len(inner) == 1:
        readings.append((("a" if inner.islower() else "A") + style, ord(inner.lower()) - 96))
    return tuple(readings)


def _row_cuts(text: str, begin: int, positions: list[int]) -> set[int]:
    """Return the items of one row that begin a block: none inside a sentence that goes on through them."""
    ended = {
        position for position in positions if position == begin or _ends(text, begin, position)
    }
    first = positions[0]
    if text[first] == "[" and first != begin:
        # Behind a full stop a number in brackets points to a source: ``이다.[2] 그러나``.
        positions = [position for position in positions if text[position - 1].isspace()]
        return set(positions) if len(positions) > 1 else set()
    if any(not _has_text(text, *pair) for pair in pairwise(positions)):
        return ended
    # Reference numbers of a patent's figures look like ``몸체 (1)이 덮개 (2)에``.
    if (
        text[first] == "("
        and first not in ended
        and not all(text[text.index(")", position) + 1].isspace() for position in positions)
    ):
        return ended
    running = text[first] != "[" and any(
        (_RUNNING_INTO if position == first else _RUNNING).search(
            text, max(begin, position - 8), position
        )
        for position in positions
        if position not in ended
    )
    return ended if running else set(positions)


def _has_text(text: str, start: int, end: int) -> bool:
    """Tell whether an item has text, unlike the numbers of a reference such as ``가. 나. 다.``."""
    return _BARE_NUMBER.fullmatch(text[start:end].strip()) is None


def _without_bare_numbers(text: str, cuts: list[int]) -> list[int]:
    """Return the cuts without those that part a number from the number or the text it belongs to."""
    kept = cuts[:1]
    for cut in cuts[1:]:
        if not _BARE_NUMBER.fullmatch(text[kept[-1] : cut].strip()):
            kept.append(cut)
    return kept
