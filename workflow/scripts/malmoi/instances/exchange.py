"""Choose which pairs give each other their second segments, so that half of them become negatives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from malmoi import sampling
from malmoi.instances.cutting import Cut
from malmoi.instances.sequences import (
    NO_NEGATIVE,
    RANDOM,
    SAME_DOCUMENT,
    SAME_KIND,
    Documents,
)


def exchange(
    cut: Cut, documents: Documents, budget: int, hard_share: float, stream: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pair whose second segment each pair takes, int64 [P], and why (``Sequences.negative``).

    Half of the pairs, to within one, are chosen at random and take another's; no two segments exceed
    ``budget`` tokens together. Of these, ``hard_share`` are hard ones.
    """
    state = _Exchange(cut, documents, budget, stream)
    count = len(state.partner)
    lot = float(sampling.uniform(sampling.key(stream, "half"), np.zeros(1))[0])
    half = 2 * int(count / 4 + lot)
    hard_couples = round(hard_share * half / 4)
    if hard_couples:
        pool, waiting = state.take_later(half, 2 * hard_couples)
        state.exchange(pool, hard_couples, SAME_KIND)
        state.exchange(pool, half, RANDOM)
        state.undo(*waiting)
    else:
        state.exchange(state.shuffled(np.arange(count), "chosen")[:half], half, RANDOM)
    # What found no partner among the chosen pairs may find one among the others.
    missing = half - int(np.count_nonzero(state.negative))
    state.exchange(np.arange(count), missing // 2, RANDOM)
    return state.partner, state.negative


class _Exchange:
    """Which second segment each pair has by now."""

    def __init__(self, cut: Cut, documents: Documents, budget: int, stream: int) -> None:
        count = len(cut.start)
        self.partner = np.arange(count)
        self.negative = np.full(count, NO_NEGATIVE, dtype=np.int8)
        self._document = cut.document
        self._group = documents.groups[cut.document]
        self._kinds = documents.kinds
        self._length = cut.end - cut.middle
        self._room = budget - (cut.middle - cut.start)
        self._stream = stream

    def exchange(self, pool: np.ndarray, couples: int, negative: int) -> None:
        """Let up to so many couples of a pool, of different groups, exchange what they have.

        ``negative`` ``SAME_KIND`` takes couples of one kind only. Pairs that have exchanged are passed over.
        """
        pool = pool[self.negative[pool] == NO_NEGATIVE]
        if not couples or not len(pool):
            return
        kind = np.zeros(len(pool), dtype=np.int64)
        if negative == SAME_KIND:
            kind = np.unique(self._kinds, return_inverse=True)[1][self._document[pool]]
        left, right = _couples(self._by_length(pool, kind, str(negative)), self._test(negative))
        if len(left) > couples:
            some = self.shuffled(np.arange(len(left)), f"couples {negative}")[:couples]
            left, right = left[some], right[some]
        self.partner[left], self.partner[right] = self.partner[right], self.partner[left]
        self.negative[left] = self.negative[right] = negative

    def take_later(self, half: int, count: int) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """Choose ``half`` of the pairs; up to ``count`` of them take what a later pair of their document has.

        The later pairs, chosen too, are left with the earlier ones' second segments, which they have yet to
        exchange. Each pair is chosen with the same chance, but two of a document together. Returns the chosen
        pairs that have yet to exchange, and both (earlier, later).
        """
        everything = np.arange(len(self.partner))
        ordered = self._by_length(everything, self._document, "later")
        left, right = _couples(ordered, self._may_take_later)
        single = np.ones(len(everything), dtype=bool)
        single[left] = single[right] = False
        some = self.shuffled(np.arange(len(left)), "chosen couples")[: min(len(left), half) // 2]
        # Pairs stand in the order of the text.
        earlier = np.minimum(left, right)[some]
        later = np.maximum(left, right)[some]
        alone = self.shuffled(np.flatnonzero(single), "chosen")[: half - 2 * len(some)]
        pool = np.concatenate([earlier[count:], later, alone])
        earlier, later = earlier[:count], later[:count]
        self.partner[earlier], self.partner[later] = later, earlier
        self.negative[earlier] = SAME_DOCUMENT
        return pool, (earlier, later)

    def undo(self, earlier: np.ndarray, later: np.ndarray) -> None:
        """Give those their own second segments back whose later pair found nobody to exchange with."""
        stuck = self.negative[later] == NO_NEGATIVE
        for pairs in (earlier[stuck], later[stuck]):
            self.partner[pairs] = pairs
            self.negative[pairs] = NO_NEGATIVE

    def shuffled(self, values: np.ndarray, purpose: str) -> np.ndarray:
        """Return some numbers from 0 up to their count, each once, in random order."""
        bits = sampling.bits(sampling.key(self._stream, purpose), values)
        return values[_order(bits, len(values))]

    def _by_length(self, pool: np.ndarray, first: np.ndarray, purpose: str) -> np.ndarray:
        """Return a pool ordered by some code, then by the length of the second segment, then at random."""
        length = self._length[self.partner[pool]]
        width = int(self._length.max()).bit_length()
        random = sampling.bits(sampling.key(self._stream, "order", purpose), pool)
        keys = first.astype(np.uint64) << np.uint64(width) | length.astype(np.uint64)
        width += int(first.max()).bit_length()
        keys = keys << np.uint64(64 - width) | random >> np.uint64(width)
        return pool[_order(keys, len(pool))]

    def _test(self, negative: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        def may_exchange(left: np.ndarray, right: np.ndarray) -> np.ndarray:
            length, partner = self._length, self.partner
            allowed = (
                (self._group[left] != self._group[right])
                & (length[partner[right]] <= self._room[left])
                & (length[partner[left]] <= self._room[right])
            )
            if negative == SAME_KIND:
                kind = self._kinds[self._document]
                allowed &= kind[left] == kind[right]
            return allowed

        return may_exchange

    def _may_take_later(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        # The later pair must have room for what the earlier one gives away, or nobody's would fit it.
        return (
            (self._document[left] == self._document[right])
            & (self._length[left] <= self._room[right])
            & (self._length[right] <= self._room[left])
        )


def _couples(
    ordered: np.ndarray, allowed: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return disjoint couples that ``allowed`` accepts, neighbours first, then others further apart."""
    lefts, rights = [ordered[:0]], [ordered[:0]]
    for distance in _distances(len(ordered)):
        for shift in (0, distance):
            place = np.arange(shift, len(ordered) - distance)
            place = place[((place - shift) // distance) % 2 == 0]
            good = place[allowed(ordered[place], ordered[place + distance])]
            lefts.append(ordered[good])
            rights.append(ordered[good + distance])
            rest = np.ones(len(ordered), dtype=bool)
            rest[good] = rest[good + distance] = False
            ordered = ordered[rest]
    return np.concatenate(lefts), np.concatenate(rights)


def _distances(count: int) -> list[int]:
    """Return 1, 2, 3, 4, 6, 8, 12, … below ``count``."""
    powers = [1 << number for number in range(count.bit_length())]
    return sorted({each for power in powers for each in (power, 3 * power // 2) if each < count})


def _order(keys: np.ndarray, count: int) -> np.ndarray:
    """Return the order of some keys, uint64 [n], read but for the low bits that hold their places."""
    # Sorting one array of whole numbers is several times faster than np.argsort.
    low = np.uint64((1 << count.bit_length()) - 1)
    return (np.sort(keys & ~low | np.arange(count, dtype=np.uint64)) & low).astype(np.int64)
