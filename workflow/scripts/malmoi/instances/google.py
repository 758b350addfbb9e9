"""Next-sentence pairs as google-research/bert made them (create_pretraining_data.py; Devlin et al. 2019).

Sentences are gathered until a target length is reached and split at random into two segments. In half of
the cases, and wherever there is only one sentence, a passage of another document takes the place of the
second segment, and the sentences that it displaced are used again. What is too long loses tokens at random
ends. For the same ``random.Random`` this gives the same pairs, draw for draw, as the published algorithm. Its
quirks stay: tokens are lost and others repeated, more than half of the pairs are random, the short length
is drawn once per document, groups are not heeded, and a lone document is its own random partner. Masks are
drawn elsewhere, from a stream of their own, and so is the order of documents and of instances.
"""

from __future__ import annotations

from bisect import bisect_left
from random import Random

import numpy as np

from malmoi.instances.sequences import (
    NO_NEGATIVE,
    RANDOM,
    SPECIAL_TOKENS,
    Documents,
    PairSettings,
    Sequences,
    of_pairs,
)

#: Attempts to draw another document than one's own.
TRIES = 10

#: Bit 31 of a 64-bit draw, and a draw without it, lowest byte first.
_BIT, _NONE = b"\0\0\0\x80\0\0\0\0", bytes(8)


def google_pairs(
    documents: Documents, settings: PairSettings, max_seq_length: int, stream: int
) -> Sequences:
    """Return one pass over the documents; every draw comes from ``random.Random(stream)``.

    Documents without a token are left out, as there. ``settings.short_share`` is ``short_seq_prob``.
    """
    rows = _Pass(documents, settings.short_share, max_seq_length - SPECIAL_TOKENS, Random(stream))
    table = np.array(rows.run(), dtype=np.int64).reshape(-1, 7)
    negative = np.where(table[:, 6] > 0, RANDOM, NO_NEGATIVE).astype(np.int8)
    return of_pairs(table[:, 0:2], table[:, 2:4], table[:, 4], table[:, 5], negative)


class _Pass:
    """The documents as lists of sentence ends, and the draws."""

    def __init__(self, documents: Documents, short_share: float, budget: int, rng: Random) -> None:
        self._ends = documents.sentence_ends.tolist()
        first = documents.sentence_offsets
        self._filled = np.flatnonzero(np.diff(first)).tolist()
        self._first = first[:-1][self._filled].tolist()
        self._last = (first[1:][self._filled] - 1).tolist()
        self._opens = documents.offsets[:-1][self._filled].tolist()
        self._short_share = short_share
        self._budget = budget
        self._rng = rng

    def run(self) -> list[tuple[int, ...]]:
        """Return start and end of A and of B, the documents of A and of B, and the label, of every pair."""
        rows: list[tuple[int, ...]] = []
        for number in range(len(self._filled)):
            self._document(number, rows)
        return rows

    def _document(self, number: int, rows: list[tuple[int, ...]]) -> None:
        rng, ends, budget = self._rng, self._ends, self._budget
        target = budget
        if rng.random() < self._short_share:
            target = rng.randint(2, budget)
        sentence, last, start = self._first[number], self._last[number], self._opens[number]
        while sentence <= last:
            closing = min(bisect_left(ends, start + target, sentence, last + 1), last)
            sentences = closing - sentence + 1
            split = sentence
            if sentences > 1:
                split += _below(rng, sentences - 1)
            middle = ends[split]
            random = sentences == 1 or rng.random() < 0.5
            if random:
                other, begin, end = self._passage(number, target - (middle - start))
                sentence = split + 1
            else:
                other, begin, end = number, middle, ends[closing]
                sentence = closing + 1
            a, b = (start, middle), (begin, end)
            if middle - start + end - begin > budget:
                a, b = _truncate(a, b, budget, rng)
            rows.append((*a, *b, self._filled[number], self._filled[other], int(random)))
            start = ends[sentence - 1]

    def _passage(self, number: int, wanted: int) -> tuple[int, int, int]:
        """Return a document, if the draws allow another than one's own, and a passage of it: start and end."""
        rng, ends = self._rng, self._ends
        for _ in range(TRIES):
            other = _below(rng, len(self._filled))
            if other != number:
                break
        first, last = self._first[other], self._last[other]
        sentence = first + _below(rng, last - first + 1)
        begin = ends[sentence - 1] if sentence > first else self._opens[other]
        # A whole sentence is taken even where nothing is wanted any more.
        closing = min(bisect_left(ends, begin + wanted, sentence, last + 1), last)
        return other, begin, ends[closing]


def _below(rng: Random, bound: int) -> int:
    """Return a whole number from 0 below ``bound`` by the draws of ``rng.randrange``, which is slower."""
    width = bound.bit_length()
    value = rng.getrandbits(width)
    while value >= bound:
        value = rng.getrandbits(width)
    return value


def _truncate(
    a: tuple[int, int], b: tuple[int, int], budget: int, rng: Random
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Take single tokens off the front or the back, at random, of whichever segment is the longer.

    The draws are those of a call of ``rng.random()`` per token, all at once: such a draw takes 64 bits and is
    below a half where bit 31 is 0.
    """
    length_a, length_b = a[1] - a[0], b[1] - b[0]
    surplus = length_a + length_b - budget
    back = rng.getrandbits(64 * surplus)
    # The longer one shrinks to the length of the other; from then on B and A take turns.
    alone = min(surplus, abs(length_a - length_b))
    turns = surplus - alone
    leading = _bits(back, _BIT * alone)
    back >>= 64 * alone
    back_b = _bits(back, (_BIT + _NONE) * (turns - turns // 2))
    back_a = _bits(back, (_NONE + _BIT) * (turns // 2))
    count_a, count_b = turns // 2, turns - turns // 2
    if length_a > length_b:
        count_a, back_a = count_a + alone, back_a + leading
    else:
        count_b, back_b = count_b + alone, back_b + leading
    return (a[0] + count_a - back_a, a[1] - back_a), (b[0] + count_b - back_b, b[1] - back_b)


def _bits(number: int, mask: bytes) -> int:
    return (number & int.from_bytes(mask, "little")).bit_count()
