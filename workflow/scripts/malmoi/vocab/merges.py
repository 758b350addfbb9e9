"""Pieces by merging neighbours, best pair first, over distinct parts of words with their counts.

This is the loop of byte pair encoding (Sennrich et al. 2016) and of WordPiece; they differ in which pair is
best. It is written out here because the trainers of the tokenizers library take no counts: they must be
fed every part as often as it occurs, and know frequency alone as a score. Merges by frequency give the
pieces that library gives, except where two pairs are equally frequent.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise

#: How pieces inside words are written.
PREFIX = "##"

#: Scores that may rise are computed anew whenever the pieces have grown by this factor.
_REFRESHED = 1.1


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
        self._uses: Counter[int] = Counter()
        self._total = 0
        self._pairs: Counter[tuple[int, int]] = Counter()
        self._where: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for number, (part, count) in enumerate(zip(self._parts, self._counts, strict=True)):
            for symbol in part:
                self._uses[symbol] += count
            self._total += len(part) * count
            for pair in pairwise(part):
                self._pairs[pair] += count
                self._where[pair].append(number)

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
        return {name: self._uses[number] for number, name in enumerate(self._names)}

    def _heap(self) -> list[tuple[float, tuple[int, int]]]:
        heap = [
            (-self._score(pair), pair)
            for pair, count in self._pairs.items()
            if count >= self._min_frequency
        ]
        heapq.heapify(heap)
        return heap

    def _score(self, pair: tuple[int, int]) -> float:
        count = self._pairs[pair]
        if not self._likelihood:
            return count
        expected = self._uses[pair[0]] * self._uses[pair[1]] / self._total
        return count * math.log(count / expected)

    def _merge(self, pair: tuple[int, int]) -> list[tuple[int, int]]:
        """Merge a pair wherever it stands and return the pairs that came up by that, in order."""
        left, right = pair
        merged = len(self._names)
        self._names.append(self._names[left] + self._names[right].removeprefix(PREFIX))
        fresh: set[tuple[int, int]] = set()
        for number in self._where.pop(pair):
            part, count = self._parts[number], self._counts[number]
            result, place = [], 0
            while place < len(part):
                if part[place : place + 2] == [left, right]:
                    result.append(merged)
                    place += 2
                else:
                    result.append(part[place])
                    place += 1
            made = len(part) - len(result)
            if not made:
                continue
            for old in pairwise(part):
                self._pairs[old] -= count
            for new in pairwise(result):
                self._pairs[new] += count
            for new in pairwise(result):
                if merged in new:
                    self._where[new].append(number)
                    fresh.add(new)
            self._uses[left] -= made * count
            self._uses[right] -= made * count
            self._uses[merged] += made * count
            self._total -= made * count
            self._parts[number] = result
        return sorted(fresh)


def _symbols(part: str) -> list[str]:
    """Return the characters of a part as pieces."""
    if part.startswith(PREFIX) and len(part) > len(PREFIX):
        return [PREFIX + character for character in part[len(PREFIX) :]]
    return [part[0], *(PREFIX + character for character in part[1:])]
