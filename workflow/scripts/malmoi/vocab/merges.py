"""Pieces by merging neighbours, best pair first, over distinct parts of words with their counts.

This is the loop of byte pair encoding (Sennrich et al. 2016) and of WordPiece; they differ in which pair is
best. It is written out here because the trainers of the tokenizers library take no counts: they must be
fed every part as often as it occurs, and know frequency alone as a score. Merges by frequency give the
pieces that library gives, except where two pairs are equally frequent.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise

#: How pieces inside words are written.
PREFIX = "##"

#: Scores that may rise are computed anew whenever the pieces have grown by this factor.
_REFRESHED = 1.1

#: A pair of symbols is one number, the left one's times this plus the right one's.
_LEFT = 1 << 32


class Merges:
    """The parts of words as sequences of symbols, and the merges that were made of them.

    ``parts``: how often each part occurs; one that stands inside a word begins with ``##``.
    ``likelihood`` scores a pair by how much its merge raises the likelihood of the text (Schuster and
    Nakajima 2012): its count times the logarithm of that count over the one expected of symbols that are
    independent. Without it the score is the count. A pair seen less than ``min_frequency`` times is left.
    """

    def __init__(self, parts: Mapping[str, int], *, min_frequency: int, likelihood: bool) -> None:
        self._min_frequency = min_frequency
        self._likelihood = likelihood
        split = [(_symbols(part), count) for part, count in sorted(parts.items())]
        self._names = sorted({symbol for symbols, _ in split for symbol in symbols})
        numbers = {name: number for number, name in enumerate(self._names)}
        self._parts = [[numbers[symbol] for symbol in symbols] for symbols, _ in split]
        self._counts = [count for _, count in split]
        self._uses = [0] * len(self._names)
        self._total = 0
        self._pairs: defaultdict[int, int] = defaultdict(int)
        self._where: defaultdict[int, list[int]] = defaultdict(list)
        for number, (part, count) in enumerate(zip(self._parts, self._counts, strict=True)):
            for symbol in part:
                self._uses[symbol] += count
            self._total += len(part) * count
            for left, right in pairwise(part):
                self._pairs[left * _LEFT + right] += count
                self._where[left * _LEFT + right].append(number)

    def run(self, limit: int) -> list[str]:
        """Make up to ``limit`` merges and return the new pieces in order."""
        alphabet = len(self._names)
        heap = self._heap()
        refresh = 256
        while heap and len(self._names) < alphabet + limit:
            score, pair = heapq.heappop(heap)
            if self._pairs[pair] < self._min_frequency:
                continue
            now = -self._score(pair)
            if now > score:
                heapq.heappush(heap, (now, pair))
                continue
            for other in self._merge(pair):
                if self._pairs[other] >= self._min_frequency:
                    heapq.heappush(heap, (-self._score(other), other))
            if self._likelihood and len(self._names) >= alphabet + refresh:
                # A rarer symbol raises the scores of its other pairs, which a heap does not notice.
                refresh = int(refresh * _REFRESHED)
                heap = self._heap()
        return self._names[alphabet:]

    def uses(self) -> dict[str, int]:
        """Return how often each symbol stands in the parts as they are merged now."""
        return dict(zip(self._names, self._uses, strict=True))

    def _heap(self) -> list[tuple[float, int]]:
        heap = [
            (-self._score(pair), pair)
            for pair, count in self._pairs.items()
            if count >= self._min_frequency
        ]
        heapq.heapify(heap)
        return heap

    def _score(self, pair: int) -> float:
        count = self._pairs[pair]
        if not self._likelihood:
            return count
        expected = self._uses[pair // _LEFT] * self._uses[pair % _LEFT] / self._total
        return count * math.log(count / expected)

    def _merge(self, pair: int) -> list[int]:
        """Merge a pair wherever it stands and return the pairs that came up by that, in order."""
        left, right = divmod(pair, _LEFT)
        merged = len(self._names)
        self._names.append(self._names[left] + self._names[right].removeprefix(PREFIX))
        pairs, where = self._pairs, self._where
        fresh: set[int] = set()
        uses = 0
        for number in where.pop(pair):
            part, count = self._parts[number], self._counts[number]
            place, last = 0, len(part) - 1
            # Symbols left of ``place`` are done; a part is short, so it is changed in place.
            while place < last:
                if part[place] != left or part[place + 1] != right:
                    place += 1
                    continue
                part[place : place + 2] = [merged]
                last -= 1
                uses += count
                if place:
                    before = part[place - 1]
                    pairs[before * _LEFT + left] -= count
                    new = before * _LEFT + merged
                    pairs[new] += count
                    where[new].append(number)
                    fresh.add(new)
                if place < last:
                    after = part[place + 1]
                    pairs[right * _LEFT + after] -= count
                    new = merged * _LEFT + after
                    pairs[new] += count
                    where[new].append(number)
                    fresh.add(new)
                place += 1
        del pairs[pair]
        self._uses.append(uses)
        self._uses[left] -= uses
        self._uses[right] -= uses
        self._total -= uses
        return sorted(fresh)


def _symbols(part: str) -> list[str]:
    """Return the characters of a part as pieces."""
    if part.startswith(PREFIX) and len(part) > len(PREFIX):
        return [PREFIX + character for character in part[len(PREFIX) :]]
    return [part[0], *(PREFIX + character for character in part[1:])]
