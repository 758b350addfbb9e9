"""Find the encoding of Korean text by trying, strictest first, and never decode it wrongly by luck.

The ladder is: byte order mark, strict UTF-8, then UTF-16 without a mark, CP949 and Johab, of which the one
that reads most like Korean wins. EUC-KR is never tried: CP949 holds all of it and 8,822 syllables more.
Where no encoding fits the whole, bytes are damaged, the end is cut off inside a character, or parts of
several encodings were put together. Each line is then decoded by itself, and U+FFFD stands for every
character that is lost, so that it can be counted.
"""

from __future__ import annotations

import codecs
import re

#: The syllables Korean running text uses most; wrong decodings seldom hit them.
FREQUENT = frozenset(
    "이다는의에가을를고하한지로사기도은인어시자대서정리그나과것부아수제보스게일해적상주전있구국조원여장라"
    "었동들공경우성안비니오선관으면위신행중후판결법령항호약용상처건심당치료환증방물명금할된되받않없등및또따만"
)

REPLACEMENT = "\ufffd"

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

#: A guess counts only from this plausibility on; CP949 prose scores 0.75 and more, wrong guesses under 0.4.
_ENOUGH = 0.45
#: Johab is all but extinct, and with few syllables to go by it can read as well as CP949. UTF-16 without a
#: zero byte has no blank and no line end, while what looks like it may be anything.
_JOHAB_HANDICAP = 0.15
_UTF_16_HANDICAP = 0.3
#: Text with more lost characters than this share of those that are not ASCII is refused.
_MOST_DAMAGE = 0.05
#: Characters looked at, a third each at the beginning, in the middle and at the end.
_SAMPLE = 21_000
#: Characters of a line that must be beyond ASCII before it may be in another encoding than its neighbours.
_LINE_ENOUGH = 6
#: Characters in a stretch of damaged UTF-16, each of which must be plausible by itself.
_STRETCH = 24
#: What UTF-16 looks like when it is no longer even.
_ALTERNATING = re.compile(rb"(?:[^\0]\0){6}")


class DecodeError(ValueError):
    """The bytes are text in none of the encodings Korean files come in."""


def decode(data: bytes) -> tuple[str, str]:
    """Return the text, without a byte order mark, and the name of its encoding.

    Names are those of Python's codecs; text of several encodings has them joined by ``+``. The text holds
    U+FFFD where characters are lost.

    Raises:
        DecodeError: no encoding of the ladder gives plausible text, or too much of it is lost.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _marked(data[len(mark) :], encoding)
    if b"\0" not in data and (text := _utf_8(data)) is not None:
        return text, "utf-8"
    guesses = [] if len(data) % 2 else ["utf-16-le", "utf-16-be"]
    if b"\0" not in data:
        guesses += ["cp949", "johab"]
    found = []
    for encoding in guesses:
        try:
            found.append((data.decode(encoding), encoding))
        except UnicodeDecodeError:
            continue
    return _most_plausible(found, zeros=b"\0" in data) or _damaged(data)


def _utf_8(data: bytes) -> str | None:
    """Return UTF-8 decoded, also where the last character is cut off; None if it is no UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        whole = data[: error.start]
        if error.reason != "unexpected end of data" or whole.isascii():
            return None
        return whole.decode("utf-8") + REPLACEMENT


def _marked(data: bytes, encoding: str) -> tuple[str, str]:
    if encoding == "utf-8":
        text = _utf_8(data)
        return _damaged(data) if text is None else (text, encoding)
    try:
        return data.decode(encoding), encoding
    except UnicodeDecodeError:
        text = data.decode(encoding, "replace")
        if not _is_readable(text, by_stretch=True):
            raise DecodeError(f"marked as {encoding}, but damaged") from None
        return text, encoding


def _most_plausible(found: list[tuple[str, str]], zeros: bool) -> tuple[str, str] | None:
    best, chosen = 0.0, None
    for text, encoding in found:
        score = reached = _undamaged_plausibility(text)
        if encoding == "johab":
            score -= _JOHAB_HANDICAP
        elif encoding.startswith("utf-16") and not zeros:
            score = reached = score - _UTF_16_HANDICAP
        if reached >= _ENOUGH and score > best:
            best, chosen = score, (text, encoding)
    return chosen


def _undamaged_plausibility(text: str) -> float:
    """Return the plausibility of what is not lost, times its share of the characters beyond ASCII."""
    lost = text.count(REPLACEMENT)
    if not lost:
        return plausibility(text)
    return plausibility(text) * (1 - lost / sum(character > "\x7f" for character in text))


def _damaged(data: bytes) -> tuple[str, str]:
    if b"\0" in data:
        found = [(data.decode(each, "replace"), each) for each in ("utf-16-le", "utf-16-be")]
        for text, encoding in sorted(found, key=lambda each: plausibility(each[0]), reverse=True):
            if _is_readable(text, by_stretch=True):
                return text, encoding
        if _ALTERNATING.search(data):
            raise DecodeError("UTF-16 with bytes missing")
    # Exports of fixed width fill their fields with zeros.
    text, encoding = _line_by_line(data.replace(b"\0", b" "))
    if not _is_readable(text):
        raise DecodeError("neither UTF-8, UTF-16, CP949 nor Johab, not even with damage")
    return text, encoding


def _is_readable(text: str, by_stretch: bool = False) -> bool:
    lost = text.count(REPLACEMENT)
    beyond_ascii = sum(character > "\x7f" for character in text)
    parts = [text]
    if by_stretch:
        # One byte too few shifts all that follow, and the result still reads like Korean on the whole.
        parts = [text[start : start + _STRETCH] for start in range(0, len(text), _STRETCH)]
    few = lost <= max(1, _MOST_DAMAGE * beyond_ascii) and lost < len(text)
    return few and all(plausibility(part) >= _ENOUGH for part in parts)


def _line_by_line(data: bytes) -> tuple[str, str]:
    """Return the text with each line in the encoding that fits it, and the names of the encodings."""
    lines = data.split(b"\n")
    texts = [_certainly_utf_8(line) for line in lines]
    rest = b"\n".join(line for line, text in zip(lines, texts, strict=True) if text is None)
    double_byte = _most_plausible(
        [(rest.decode(each, "replace"), each) for each in ("cp949", "johab")], zeros=False
    )
    others = ["utf-8"] + ([double_byte[1]] if double_byte else [])
    if double_byte and len(rest) > len(data) / 2:
        others.reverse()
    used: dict[str, None] = {}
    for number, (line, text) in enumerate(zip(lines, texts, strict=True)):
        if text is None:
            texts[number], encoding = _line(line, others)
            used.setdefault(encoding)
        elif not text.isascii():
            used.setdefault("utf-8")
    return "\n".join(text or "" for text in texts), "+".join(used) or "ascii"


def _certainly_utf_8(line: bytes) -> str | None:
    """Return a line that is ASCII or UTF-8 with a character of three bytes or more, else None.

    Two bytes that are UTF-8 can as well be one syllable in CP949.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text.isascii() or max(text) >= "\u0800" else None


def _line(line: bytes, encodings: list[str]) -> tuple[str, str]:
    """Return a line and its encoding; ``encodings`` are those of the file, the more frequent one first."""
    found = []
    for rank, encoding in enumerate(encodings):
        text = line.decode(encoding, "replace")
        beyond_ascii = sum(character > "\x7f" for character in text)
        may_differ = rank == 0 or beyond_ascii >= _LINE_ENOUGH
        score = _undamaged_plausibility(text)
        whole = REPLACEMENT not in text and score >= _ENOUGH
        found.append((may_differ, whole, score, text, encoding))
    *_, text, encoding = max(found, key=lambda each: each[:3])
    return text, encoding


def plausibility(text: str) -> float:
    """Return how much the non-ASCII part of a text reads like Korean, 0 to 1.

    Text of ASCII alone scores 1. Control characters other than white space count against the text, and
    U+FFFD does not count. Of long texts the beginning, the middle and the end are looked at.
    """
    if len(text) > _SAMPLE:
        part = _SAMPLE // 3
        middle = (len(text) - part) // 2
        text = text[:part] + text[middle : middle + part] + text[-part:]
    total, weight = 0, 0.0
    for character in text:
        code = ord(character)
        if code < 0x80:
            if code < 0x20 and character not in "\t\n\r\f\v\x1a":
                total += 1
                weight -= 1.0
            continue
        if character == REPLACEMENT:
            continue
        total += 1
        if character in FREQUENT:
            weight += 1.0
        elif 0xAC00 <= code <= 0xD7A3:
            weight += 0.75 if character in _KS_X_1001 else 0.1
        elif 0x3000 <= code <= 0x303F or 0x2010 <= code <= 0x266F or 0xA1 <= code <= 0xF7:
            weight += 0.6
        elif 0x4E00 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF:
            weight += 0.5 if character in _KS_X_1001 else 0.1
        elif 0xFF01 <= code <= 0xFF5E or 0x3130 <= code <= 0x318F:
            weight += 0.4
    return max(0.0, weight / total) if total else 1.0


def in_ks_x_1001(character: str) -> bool:
    """Tell whether a syllable or hanja is one of the 2,350 and 4,888 of KS X 1001: all common ones."""
    return character in _KS_X_1001


_KS_X_1001 = frozenset(
    bytes((lead, trail)).decode("euc-kr")
    for lead in (*range(0xB0, 0xC9), *range(0xCA, 0xFE))
    for trail in range(0xA1, 0xFF)
)
