"""Repair the spacing of blocks that have lost it, as PDF, OCR and chat do, and of no others.

A block is taken to have lost its spaces where its Hangul stands in long stretches that hold the syllables of
particles and endings: names of statutes and lists of ingredients are as long, but hold few of these, and
have spaces or commas around them. It is taken to have one behind every syllable where words of one syllable
follow each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kiwipiepy import Kiwi

from malmoi.morphology.blocks import blocks
from malmoi.morphology.changes import Changes

_HANGUL = re.compile("[가-힣]+")
_GAP = re.compile(r"\s+")
#: Syllables that particles, endings and the verbs 하다 and 되다 are made of; every fifth one of running text.
_FUNCTION = re.compile("[은는이가을를에의로다고과와도한할하여된]")

#: A block without spaces: at least so many syllables; the mean length of a stretch of Hangul, each counted as
#: often as it is long; share of the syllables above; spaces per syllable. On 52,000 real blocks this
#: takes 6 in 100,000 for broken, and finds 91 % of those whose spaces were removed.
MIN_SYLLABLES = 30
MIN_STRETCH = 8.0
MIN_FUNCTION = 0.15
MAX_SPACES = 0.03

#: A block with spaces between syllables: at least so many words with Hangul, and how many of them are of one
#: syllable.
MIN_WORDS = 10
MIN_SINGLE = 0.7


def lacks_spaces(block: str) -> bool:
    """Tell whether a block has lost its spaces."""
    # A syllable is a character, so that most blocks are done with here.
    if len(block) < MIN_SYLLABLES or block.count(" ") > MAX_SPACES * len(block):
        return False
    stretches = [len(stretch) for stretch in _HANGUL.findall(block)]
    syllables = sum(stretches)
    return (
        syllables >= MIN_SYLLABLES
        and len(_GAP.findall(block)) <= MAX_SPACES * syllables
        and sum(length * length for length in stretches) >= MIN_STRETCH * syllables
        and len(_FUNCTION.findall(block)) >= MIN_FUNCTION * syllables
    )


def has_spaced_syllables(block: str) -> bool:
    """Tell whether a block has a space between every two syllables."""
    if 3 * block.count(" ") < len(block) - 3:
        return False
    sizes = [
        sum(map(len, stretches)) for word in block.split() if (stretches := _HANGUL.findall(word))
    ]
    return len(sizes) >= MIN_WORDS and sizes.count(1) >= MIN_SINGLE * len(sizes)


def repaired_blocks(kiwi: Kiwi, texts: Sequence[str]) -> list[str]:
    """Return each block, with its spacing repaired where it is broken; nothing but white space differs."""
    repaired = list(texts)
    for broken, reset in ((lacks_spaces, False), (has_spaced_syllables, True)):
        places = [place for place, text in enumerate(texts) if broken(text)]
        spaced = _spaced(kiwi, [texts[place] for place in places], reset)
        for place, text in zip(places, spaced, strict=True):
            # Kiwi writes some nouns in another form than it was given.
            if "".join(text.split()) == "".join(repaired[place].split()):
                repaired[place] = _GAP.sub(" ", text.strip())
    return repaired


def _spaced(kiwi: Kiwi, texts: Sequence[str], reset: bool) -> Iterator[str]:
    answers = iter(kiwi.space(texts, reset_whitespace=reset)) if texts else iter(())
    for text in texts:
        try:
            yield next(answers)
        except IndexError:
            # Kiwi has nothing to put a space behind, as in a block that begins with a morpheme of no length.
            yield text


def broken_blocks(text: str) -> list[tuple[int, int]]:
    """Return start and end of the blocks of ``text`` whose spacing is broken."""
    return [
        (start, end)
        for start, end in blocks(text)
        if lacks_spaces(block := text[start:end]) or has_spaced_syllables(block)
    ]


def with_blocks(
    text: str, spans: Sequence[tuple[int, int]], repaired: Sequence[str]
) -> tuple[str, Changes]:
    """Return ``text`` with the blocks at ``spans`` in their repaired form, and what has changed."""
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    given: list[str] = []
    position = length = 0
    for (start, end), block in zip(spans, repaired, strict=True):
        parts += [text[position:start], block]
        length += start - position
        for begin, stop, before in _differences(text[start:end], block):
            starts.append(length + begin)
            ends.append(length + stop)
            given.append(before)
        length += len(block)
        position = end
    return "".join(parts) + text[position:], Changes(starts, ends, given)


def _differences(given: str, repaired: str) -> Iterator[tuple[int, int, str]]:
    """Yield where white space of ``repaired`` is not what is in ``given``, and what is there.

    Both have the same characters apart from white space, and none at their edges.
    """
    before, after = _gaps(given), _gaps(repaired)
    # Characters of white space that are still there before the place.
    spaces = 0
    for place in sorted(before.keys() | after.keys()):
        old = given[slice(*before[place])] if place in before else ""
        start, end = after.get(place, (place + spaces, place + spaces))
        spaces += end - start
        if repaired[start:end] != old:
            yield start, end, old


def _gaps(text: str) -> dict[int, tuple[int, int]]:
    """Return start and end of each stretch of white space by the number of characters before that are none."""
    gaps = {}
    spaces = 0
    for match in _GAP.finditer(text):
        gaps[match.start() - spaces] = match.span()
        spaces += len(match[0])
    return gaps
