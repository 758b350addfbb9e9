"""Choose which pairs give each other their second segments, so that half of them become negatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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

#: Share of a pair that its second segment takes at most where it is divided like another pair; 1 - it at least.
LARGEST_SHARE = 0.75

#: Couples whose second segments differ by more than this share of the budget are taken last.
TOLERANCE = 1 / 32


def exchange(
    cut: Cut, documents: Documents, budget: int, hard_share: float, stream: int
) -> tuple[Cut, np.ndarray, np.ndarray]:
    """Return the pair whose second segment each pair takes, int64 [P], and why (``Sequences.negative``).

    Half of the pairs, to within one, are chosen at random and take another's; no two segments exceed
    ``budget`` tokens together. Of these, ``hard_share`` are hard ones: for those within a document some
    pairs are divided elsewhere, so the cut comes back too.
    """
    count = len(cut.start)
    lot = float(sampling.uniform(sampling.key(stream, "half"), np.zeros(1))[0])
    half = 2 * int(count / 4 + lot)
    hard_couples = round(hard_share * half / 4)
    if hard_couples:
        earlier, later = _within_documents(cut, 2 * hard_couples, sampling.key(stream, "later"))
        cut = _divided_alike(cut, earlier, later)
    state = _Exchange(cut, documents, budget, stream)
    if hard_couples:
        pool, waiting = state.take_later(earlier, later, half)
        state.exchange(pool, hard_couples, SAME_KIND)
        state.exchange(pool, half, RANDOM)
        state.undo(*waiting)
    else:
        state.exchange(state.shuffled(np.arange(count), "chosen")[:half], half, RANDOM)
    # What found no partner among the chosen pairs may find one among the others.
    missing = half - int(np.count_nonzero(state.negative))
    state.exchange(np.arange(count), missing // 2, RANDOM, alike=False)
    return cut, state.partner, state.negative


class _Exchange:
    """Which second segment each pair has by now."""

    def __init__(self, cut: Cut, documents: Documents, budget: int, stream: int) -> None:
        count = len(cut.start)
        self.partner = np.arange(count)
        self.negative = np.full(count, NO_NEGATIVE, dtype=np.int8)
        self._group = documents.groups[cut.document]
        self._kind = documents.kinds[cut.document]
        self._length = cut.end - cut.middle
        self._room = budget - (cut.middle - cut.start)
        self._tolerance = int(budget * TOLERANCE)
        self._stream = stream

    def exchange(self, pool: np.ndarray, couples: int, negative: int, alike: bool = True) -> None:
        """Let up to so many couples of a pool, of different groups, exchange what they have.

        ``negative`` ``SAME_KIND`` takes couples of one kind only; ``alike`` those of second segments about
        equally long. Pairs that have exchanged are passed over.
        """
        pool = pool[self.negative[pool] == NO_NEGATIVE]
        if not couples or not len(pool):
            return
        kind = np.zeros(len(pool), dtype=np.int64)
        if negative == SAME_KIND:
            kind = np.unique(self._kind[pool], return_inverse=True)[1]
        left, right = _couples(
            self._by_length(pool, kind, str(negative)), self._test(negative, alike)
        )
        if len(left) > couples:
            some = self.shuffled(np.arange(len(left)), f"couples {negative}")[:couples]
            left, right = left[some], right[some]
        self.partner[left], self.partner[right] = self.partner[right], self.partner[left]
        self.negative[left] = self.negative[right] = negative

    def take_later(
        self, earlier: np.ndarray, later: np.ndarray, half: int
    ) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """Choose ``half`` of the pairs; of some the earlier takes what the later of its document has.

        Half of the couples are chosen and half of the other pairs, so that every pair has the same chance. The
        later pairs are left with the earlier ones' second segments, which they have yet to exchange. Returns
        the chosen pairs that have yet to exchange, and the chosen couples (earlier, later).
        """
        single = np.ones(len(self.partner), dtype=bool)
        single[earlier] = single[later] = False
        some = slice(0, min(len(earlier), half) // 2)
        alone = self.shuffled(np.flatnonzero(single), "chosen")
        earlier, later = earlier[some], later[some]
        self.partner[earlier], self.partner[later] = later, earlier
        self.negative[earlier] = SAME_DOCUMENT
        return np.concatenate([later, alone[: half - 2 * len(later)]]), (earlier, later)

    def undo(self, earlier: np.ndarray, later: np.ndarray) -> None:
        """Give those their own second segments back whose later pair found nobody to exchange with."""
        stuck = self.negative[later] == NO_NEGATIVE
        for pairs in (earlier[stuck], later[stuck]):
            self.partner[pairs] = pairs
            self.negative[pairs] = NO_NEGATIVE

    def shuffled(self, values: np.ndarray, purpose: str) -> np.ndarray:
        """Return some distinct numbers in random order."""
        return _shuffled(values, sampling.key(self._stream, purpose))

    def _by_length(self, pool: np.ndarray, first: np.ndarray, purpose: str) -> np.ndarray:
        stream = sampling.key(self._stream, "order", purpose)
        return _by_length(pool, first, self._length[self.partner[pool]], stream)

    def _test(self, negative: int, alike: bool) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        def may_exchange(left: np.ndarray, right: np.ndarray) -> np.ndarray:
            has, takes = self._length[self.partner[left]], self._length[self.partner[right]]
            allowed = (
                (self._group[left] != self._group[right])
                & (takes <= self._room[left])
                & (has <= self._room[right])
            )
            if alike:
                allowed &= np.abs(has - takes) <= self._tolerance
            if negative == SAME_KIND:
                allowed &= self._kind[left] == self._kind[right]
            return allowed

        return may_exchange


def _within_documents(cut: Cut, count: int, stream: int) -> tuple[np.ndarray, np.ndarray]:
    """Return up to ``2 * count`` couples of pairs of a document, earlier and later, in random order."""
    total, second = cut.end - cut.start, cut.end - cut.middle
    everything = np.arange(len(total))

    def similar(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        # The later one has to be divided like the earlier one and leave a good part to its first segment.
        length = second[np.minimum(left, right)]
        room = total[np.maximum(left, right)]
        return (
            (cut.document[left] == cut.document[right])
            & (length < LARGEST_SHARE * room)
            & (length > (1 - LARGEST_SHARE) * room)
        )

    ordered = _by_length(everything, cut.document, second, sampling.key(stream, "order"))
    left, right = _couples(ordered, similar)
    some = _shuffled(np.arange(len(left)), sampling.key(stream, "some"))[: 2 * count]
    # Pairs stand in the order of the text.
    return np.minimum(left, right)[some], np.maximum(left, right)[some]


def _divided_alike(cut: Cut, earlier: np.ndarray, later: np.ndarray) -> Cut:
    """Return the cut with later pairs divided so that they exchange segments of one length.

    Otherwise pairs within a document, which are too few to find an equal, would be told by their lengths.
    """
    middle = cut.middle.copy()
    middle[later] = cut.end[later] - (cut.end[earlier] - cut.middle[earlier])
    return replace(cut, middle=middle)


def _by_length(pool: np.ndarray, first: np.ndarray, length: np.ndarray, stream: int) -> np.ndarray:
    """Return distinct numbers ordered by a code, then by a length, then at random; int64 [n] all."""
    width = int(length.max()).bit_length()
    keys = first.astype(np.uint64) << np.uint64(width) | length.astype(np.uint64)
    width += int(first.max()).bit_length()
    random = sampling.bits(stream, pool)
    return pool[_order(keys << np.uint64(64 - width) | random >> np.uint64(width), len(pool))]


def _shuffled(values: np.ndarray, stream: int) -> np.ndarray:
    return values[_order(sampling.bits(stream, values), len(values))]


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
