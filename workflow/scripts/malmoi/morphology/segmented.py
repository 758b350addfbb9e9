"""Text in which a space and a mark stand at every morpheme boundary inside a word: ``피고 ▁에게``.

A model may be trained on such text for comparison; who uses it then needs Kiwi and this module. The mark is
U+2581, which BERT's tokenizer leaves joined to what follows. One that is in the text already is doubled, so
that :func:`joined` gives back any text exactly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from kiwipiepy import Kiwi

from malmoi.morphology.analyzer import Analysis, analyze, load_analyzer
from malmoi.morphology.changes import Changes, moved
from malmoi.morphology.dictionary import built_in, read_dictionaries

MARK = "\u2581"

_MARKS = re.compile(f" ?{MARK}+")
_SPECIAL = re.compile(r"(\[(?:PAD|UNK|CLS|SEP|MASK)\])")


class Segmenter:
    """Parts text into morphemes at inference, as the corpus of a model of segmented input was.

    ``terms``, ``patterns`` and ``dictionaries`` are those the corpus was segmented with. BERT's special tokens
    in a text stay as they are.

    Raises:
        InputError: a dictionary cannot be used.
    """

    def __init__(self, terms: Sequence[str], patterns: bool, dictionaries: Sequence[str]) -> None:
        words = built_in(terms, patterns).joined(read_dictionaries(dictionaries))
        self._kiwi = load_analyzer(1, words)

    def __call__(self, text: str) -> str:
        """Return ``text`` with its morphemes parted."""
        parts = _SPECIAL.split(text)
        return "".join(
            part if number % 2 else segment_text(self._kiwi, part)
            for number, part in enumerate(parts)
        )


def segment_text(kiwi: Kiwi, text: str) -> str:
    """Return ``text`` with its morphemes parted, as a model of segmented text was given its corpus."""
    (analysis,) = analyze(kiwi, [text])
    return parted(text, analysis)[0]


def joined(text: str) -> str:
    """Return the text that :func:`segment_text` made ``text`` from."""
    return _MARKS.sub(_joined_marks, text)


def _joined_marks(match: re.Match[str]) -> str:
    space, marks = match[0].startswith(" "), match[0].count(MARK)
    # A number that is odd holds the mark of a boundary, which has a space before it.
    kept = " " if space and marks % 2 == 0 else ""
    return kept + MARK * ((marks + (not space)) // 2)


def parted(text: str, analysis: Analysis) -> tuple[str, Changes]:
    """Return ``text`` with a space and a mark at boundaries inside words, and what has changed."""
    starts, ends = analysis.starts, analysis.ends
    inside = starts[1:][starts[1:] == ends[:-1]].tolist()
    literal = [match.start() for match in re.finditer(MARK, text)]
    # At one place the boundary comes before the mark that is part of the text.
    edits = sorted(
        [(place, "", " " + MARK) for place in inside]
        + [(place, MARK, 2 * MARK) for place in literal]
    )
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = length = 0
    for place, given, new in edits:
        parts += [text[position:place], new]
        length += place - position
        starts.append(length)
        length += len(new)
        ends.append(length)
        position = place + len(given)
    changes = Changes(starts, ends, [given for _, given, _ in edits])
    return "".join(parts) + text[position:], changes


def moved_analysis(analysis: Analysis, changes: Changes, given: str, changed: str) -> Analysis:
    """Return the offsets of ``analysis`` in the parted text; the mark belongs to the piece behind it."""

    def begins(offsets: np.ndarray) -> np.ndarray:
        return moved(offsets, changes, given, changed, starts=True).astype(np.int32)

    def stops(offsets: np.ndarray) -> np.ndarray:
        return moved(offsets, changes, given, changed, starts=False).astype(np.int32)

    return replace(
        analysis,
        starts=begins(analysis.starts),
        ends=stops(analysis.ends),
        sentence_starts=begins(analysis.sentence_starts),
        sentence_ends=stops(analysis.sentence_ends),
    )
