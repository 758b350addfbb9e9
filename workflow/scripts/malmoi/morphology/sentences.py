"""The sentences of one block: Kiwi's own, less the cuts that are none, and with those it misses.

Kiwi ends a sentence at a date inside a citation, at a full stop inside a quotation or a bracket, and before a
note in brackets; it does not end one at many nominal endings (``사용할 것.``), nor between English sentences.
"""

from __future__ import annotations

import re

import numpy as np

from malmoi.morphology.tags import tag_number

_OPEN = '([{「『“‘〈《〔<"'
_OPENED = dict(zip(")]}」』”’〉》〕>", _OPEN, strict=False))
_QUOTES = '"”’'
_BRACKETS = re.compile(r"[(\[{「『“‘〈《〔)\]}」』”’〉》〕\"<>]")
#: Brackets that are not closed within so many characters are not believed to belong together.
_LONGEST_BRACKET = 600

#: A full stop, what closes behind it, and the blank: a sentence may begin where the match ends.
_STOP = re.compile(r"[.?!]+[\"”’')\]」』]*\s+(?=[^\s.,)\]])")
#: What stands before a full stop that ends a sentence whatever follows.
_ENDS = re.compile(r"(?:[가-힣]{2}|[)\]”’\"'%℃㎎㎖㎏㎡])\Z")
#: What stands before one that does where Hangul or a capital follows: an English word, a figure with its name.
_ENDS_LATIN = re.compile(
    r"(?:[A-Za-z]{3,}|[A-Z]{2,}|[/*][A-Za-z]{1,3})\Z|[A-Za-z]{2,}[\s:]{0,2}\d+(?:\.\d+)?\Z"
)
_ABBREVIATION = re.compile(
    r"\b(?:vs|ver|vol|no|nos|fig|figs|tab|table|figure|dr|mr|mrs|prof|st|et al|cf|etc|approx|inc|co|ltd|corp"
    r"|ed|eds|pp|sec|art|type|grade|stage|ser|jr|sr|int|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec)"
    r"[\s:]{0,2}\d*\Z",
    re.I,
)
#: What no sentence begins with, and what none begins with behind a quotation.
_GOES_ON = re.compile(r"[,.)\]}」』”’〉》?!]|(?:선고|자)\s|참조|끝\.?\Z")
_QUOTED_ON = re.compile(
    r"(?:이?라(?:고|는|며|면서|던|거나)|이?란\s|하(?:고|며|면서|는|던|였|자|여|기)|했|고\s|는\s|며\s|면서|처럼|같은\s|등)"
)
#: The end of speech that nothing quotes, which has sentences of its own.
_SPOKEN = re.compile(rf"[.?!…][\"”’](?:\s*\Z|\s+(?!{_QUOTED_ON.pattern}))")
_ASKED_ON = re.compile(r"이?라(?:고|는|며|면서|던)\s|하(?:고|며|는)\s")
_DATE = re.compile(r"\d\.\s*\Z")
_ONLY_NUMBER = re.compile(
    r"\s*[(\[]?(?:\d{1,2}|[가나다라마바사아자차카타파하]|[A-Za-z])[.)\]]+\s*\Z"
)
#: Dots that end no sentence behind a particle, a connective or an adnominal ending: ``결과를... 기다린다.``
_TRAILS_OFF = re.compile(r"\.\.\Z|…\Z")
_UNFINISHED = frozenset(
    tag_number(tag)
    for tag in ("JKS", "JKC", "JKG", "JKO", "JKB", "JC", "EC", "ETM", "MM", "MAJ", "MAG")
)
#: A note or reference in brackets, which belongs to the sentence before it.
_NOTE = re.compile(
    r"\([^()]{4,}(?:\([^()]*\)[^()]*)*\)\.?(?=\s|\Z)|<[^<>]{4,}>(?=\s|\Z)|\[[^\[\]]*\d{4}[^\[\]]*\](?=\s|\Z)"
)


def sentence_spans(
    block: str, starts: np.ndarray, ends: np.ndarray, tags: np.ndarray, numbers: np.ndarray
) -> np.ndarray:
    """Return the sentences of a block as int32 [S, 2], start and end in code points of ``block``.

    ``starts``, ``ends`` int32 [M], ``tags`` uint8 [M] and ``numbers`` int32 [M] are the block's surface
    morphemes, in order, and Kiwi's number of the sentence each is in. The sentences are in order, do not
    overlap, and each morpheme lies in one of them.
    """
    count = len(starts)
    if count == 0:
        return np.zeros((0, 2), dtype=np.int32)
    cuts: set[int] = set()
    if numbers[0] != numbers[-1]:
        cuts.update((np.flatnonzero(numbers[1:] != numbers[:-1]) + 1).tolist())
    for match in _STOP.finditer(block):
        place = int(starts.searchsorted(match.end()))
        if (
            place < count
            and place not in cuts
            and starts[place] == match.end()
            and _is_missed(block, match.start(), match.end())
        ):
            cuts.add(place)
    if not cuts:
        return np.array([[starts[0], ends[-1]]], dtype=np.int32)
    kept = _checked(block, starts, ends, tags, sorted(cuts))
    first = [0, *kept]
    final = [cut - 1 for cut in kept] + [count - 1]
    return np.stack([starts[first], ends[final]], axis=1).astype(np.int32)


def _is_missed(block: str, stop: int, following: int) -> bool:
    """Tell whether a full stop at which Kiwi ends no sentence ends one."""
    if _ENDS.search(block, max(0, stop - 2), stop):
        return True
    after = block[following]
    if not ("가" <= after <= "힣" or "A" <= after <= "Z"):
        return False
    behind = max(0, stop - 24)
    return bool(
        _ENDS_LATIN.search(block, behind, stop) and not _ABBREVIATION.search(block, behind, stop)
    )


def _checked(
    block: str, starts: np.ndarray, ends: np.ndarray, tags: np.ndarray, cuts: list[int]
) -> list[int]:
    """Return the cuts less those inside a citation, a quotation or a bracket, or behind a bare number."""
    closed = _enclosed(block)
    kept: list[int] = []
    last = 0
    for cut in cuts:
        if cut <= last:
            continue
        end, start = int(ends[cut - 1]), int(starts[cut])
        if any(opened < end and start < closing for opened, closing in closed):
            continue
        if _GOES_ON.match(block, start):
            continue
        quoted = block[end - 1] in "\"”’'」』>〉》"
        if quoted and _QUOTED_ON.match(block, start):
            continue
        if block[end - 1] in "?!" and _ASKED_ON.match(block, start):
            continue
        if end == start and (quoted or block[end - 1] not in ".?!…"):
            continue
        if block[start].isdigit() and _DATE.search(block, max(0, end - 3), end):
            continue
        if _ONLY_NUMBER.match(block, int(starts[last]), end):
            continue
        if (
            _TRAILS_OFF.search(block, max(0, end - 3), end)
            and cut > 1
            and tags[cut - 2] in _UNFINISHED
        ):
            continue
        if note := _NOTE.match(block, start):
            cut = int(starts.searchsorted(note.end()))
            if cut >= len(starts):
                break
        kept.append(cut)
        last = cut
    return kept


def _enclosed(block: str) -> list[tuple[int, int]]:
    """Return start and end of what stands in brackets, or in quotation marks inside a sentence."""
    spans: list[tuple[int, int]] = []
    stack: list[tuple[str, int]] = []
    for match in _BRACKETS.finditer(block):
        mark, position = match[0], match.start()
        wanted = '"' if mark == '"' else _OPENED.get(mark)
        opened = next((span for span in reversed(stack) if span[0] == wanted), None)
        if opened is None:
            if mark in _OPEN:
                stack.append((mark, position))
            continue
        del stack[stack.index(opened) :]
        if position - opened[1] <= _LONGEST_BRACKET and not (
            mark in _QUOTES and _SPOKEN.match(block, position - 1)
        ):
            spans.append((opened[1], position))
    return spans
