"""The sentences of one block: Kiwi's own, less the cuts that are none, and with those it misses.

Kiwi ends a sentence at a date inside a citation, at a full stop inside a quotation or a bracket, and does not
end one at some nominal endings (``내원함.``, ``사용할 것.``) and behind references in brackets.
"""

from __future__ import annotations

import re

import numpy as np

_OPEN = "([{「『“‘〈《〔"
_CLOSE = ")]}」』”’〉》〕"
_BRACKETS = re.compile(r"[(\[{「『“‘〈《〔)\]}」』”’〉》〕\"]")
#: Brackets that are not closed within so many characters are not believed to belong together.
_LONGEST_BRACKET = 600

#: A full stop that ends a sentence whether Kiwi says so or not; the next sentence begins at the end of the match.
_MISSED = re.compile(r"(?:[가-힣]{2}|[)\]’”\"'])[.?!]+[\"”’')\]]*\s+(?=[^\s.,)\]])")
#: What a sentence never begins with: the rest of a date, of a citation, or of a quotation.
_GOES_ON = re.compile(
    r"[,.)\]}」』”’〉》?!]|(?:이?라고|이?라는|이?라며|라고|하고|는|고)(?:\s|하|말)|\d{1,2}\.\s|(?:선고|자)\s|참조"
)
_DATE = re.compile(r"\d\.\s*\Z")
_ONLY_NUMBER = re.compile(r"\s*[(\[]?(?:\d{1,2}|[가-하]|[A-Za-z])[.)\]]+\s*\Z")


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
    for match in _MISSED.finditer(block):
        place = int(np.searchsorted(starts, match.end()))
        if place < count and starts[place] == match.end():
            cuts.add(place)
    if not cuts:
        return np.array([[starts[0], ends[-1]]], dtype=np.int32)
    closed = _enclosed(block)
    kept = []
    last = 0
    for cut in sorted(cuts):
        end, start = int(ends[cut - 1]), int(starts[cut])
        if any(opened < end and start < closing for opened, closing in closed):
            continue
        if _GOES_ON.match(block, start) and not _ONLY_NUMBER.match(block, int(starts[last]), end):
            continue
        if _DATE.search(block, max(0, end - 3), end) and block[start].isdigit():
            continue
        if _ONLY_NUMBER.match(block[int(starts[last]) : end]):
            continue
        kept.append(cut)
        last = cut
    first = [0, *kept]
    final = [cut - 1 for cut in kept] + [count - 1]
    return np.stack([starts[first], ends[final]], axis=1).astype(np.int32)


def _enclosed(block: str) -> list[tuple[int, int]]:
    """Return start and end of what stands in brackets or quotation marks."""
    spans: list[tuple[int, int]] = []
    stack: list[tuple[str, int]] = []
    for match in _BRACKETS.finditer(block):
        mark, position = match[0], match.start()
        if mark == '"':
            if stack and stack[-1][0] == '"':
                spans.append((stack.pop()[1], position))
            else:
                stack.append((mark, position))
        elif mark in _OPEN:
            stack.append((mark, position))
        else:
            wanted = _OPEN[_CLOSE.index(mark)]
            for depth in range(len(stack) - 1, -1, -1):
                if stack[depth][0] == wanted:
                    spans.append((stack[depth][1], position))
                    del stack[depth:]
                    break
    return [(start, end) for start, end in spans if end - start <= _LONGEST_BRACKET]
