"""Choose which units of many sequences to mask: in random order, as far as each one's budget goes.

A unit is one or more neighbouring tokens that are masked together. Every draw is a function of its
sequence's key and of a number, so a sequence gets the same masks whatever stands beside it.

The order of a sequence's units: it draws places among its tokens, eight and twice its budget of them.
Units come as their first tokens are drawn, and after them those that were not drawn, by one further draw
each. A functional unit (josa, eomi, punctuation) may have a smaller weight: it is passed over when drawn,
as often as the weight says, and its further draw is an exponential time of that speed. Both make one
weighted order, as in Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from malmoi import sampling

#: A bit of ``unit_starts``: the token opens a unit of josa, eomi or punctuation.
FUNCTIONAL = 4

#: Numbers of a sequence's draws: from 0 on for its places, two of them each, and then one for each token and
#: each of these purposes.
REST, FATE, PIECE, LENGTH, BUDGET = (purpose << 32 for purpose in range(1, 6))

#: Tokens and sequences of one block at most: its arrays fit the cache, and the numbers of a sequence and a
#: token with 32 bits between them fit 64.
BLOCK, SEQUENCES = 1 << 17, 1 << 15


@dataclass(frozen=True)
class Block:
    """The units of some sequences of [T] tokens in all.

    ``keys`` uint64 [B]; ``starts`` int64 [B+1] are the sequences' ends after a zero; ``opens`` bool [T+1]
    tells the first token of each unit, the end of the block included; ``allowed`` bool [T] tells the first
    token of each unit that may be masked; ``units`` uint8 [T] are their ``unit_starts``; ``budgets`` int64 [B]
    are tokens to mask.
    """

    keys: np.ndarray
    starts: np.ndarray
    opens: np.ndarray
    allowed: np.ndarray
    units: np.ndarray
    budgets: np.ndarray

    def functional(self, places: np.ndarray) -> np.ndarray:
        """Return whether tokens (int64 [N]) are josa, eomi or punctuation (bool [N])."""
        return self.units[places] & FUNCTIONAL != 0

    def draws(self, places: np.ndarray, bounds: np.ndarray, purpose: int) -> np.ndarray:
        """Return 32 random bits (as uint64 [N]) for each of some tokens.

        ``places`` int64 [N] are grouped by sequence, which ``bounds`` int64 [B+1] tell apart.
        """
        counts = np.diff(bounds)
        numbers = places - np.repeat(self.starts[:-1] - purpose, counts)
        return sampling.bits(np.repeat(self.keys, counts), numbers) >> np.uint64(32)


#: Takes first tokens of units (int64 [C], grouped by sequence, in their order) and where each sequence's
#: begin (int64 [B+1]); returns the first tokens and the ends of what it chooses (int64 [M] each, in any
#: order) and what is left of the budgets (int64 [B]).
Take = Callable[[Block, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]


def find_units(
    units: np.ndarray, bit: int, separator: np.ndarray, barred: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``opens`` and ``allowed`` of a ``Block``.

    ``bit`` of ``units`` (uint8 [T]) marks the first token of a unit; 0 makes every token one. A token of
    ``separator`` (bool [T], [CLS] and [SEP]) is a unit of its own, so that the next token opens another.
    ``barred`` (bool [T]) are tokens that must not be masked; nor is a unit that holds one.
    """
    opens = np.ones(len(units) + 1, dtype=bool)
    if not bit:
        return opens, ~barred
    np.not_equal(units & bit, 0, out=opens[:-1])
    opens[:-1] |= separator
    opens[1:] |= separator
    opens[starts] = True
    allowed = opens[:-1] & ~barred
    inside = np.flatnonzero(barred & ~opens[:-1])
    while len(inside):
        inside = inside - 1
        allowed[inside] = False
        inside = inside[~opens[inside]]
    return opens, allowed


def choose(block: Block, take: Take, weight: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the first tokens and the ends of what ``take`` chooses (int64 [M] each, ascending).

    ``weight`` is that of functional units, above 0 and at most 1.
    """
    drawn, bounds = _drawn(block, weight)
    first, end, left = take(block, drawn, bounds)
    unfilled = left > 0
    if unfilled.any():
        # The units that were not drawn may still fit: these sequences are done over with all of theirs.
        again = np.repeat(unfilled, np.diff(block.starts))
        kept = ~again[first]
        units = _all(block, again, drawn[again[drawn]], weight)
        more, more_end, _ = take(block, *units)
        first, end = np.append(first[kept], more), np.append(end[kept], more_end)
    # Both fit in 20 bits, and one sort of numbers is faster than an argsort.
    both = np.sort((first << 20) | end)
    return both >> 20, both & ((1 << 20) - 1)


def take_units(
    block: Block, first: np.ndarray, bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take units in their order; one that would exceed what is left of the budget is skipped (a ``Take``)."""
    end = first + 1
    growing = np.flatnonzero(~block.opens[end])
    while len(growing):
        end[growing] += 1
        growing = growing[~block.opens[end[growing]]]
    size = end - first
    # Up to the first unit that does not fit, the running total alone decides.
    total = np.append(0, np.cumsum(size))
    limit = total[bounds[:-1]] + block.budgets
    stop = np.minimum(np.searchsorted(total, limit, side="right") - 1, bounds[1:])
    left = limit - total[stop]
    taken = np.arange(len(first)) < np.repeat(stop, np.diff(bounds))
    # Past it, the sequences with something left go on unit by unit, all of them at once.
    active = np.flatnonzero((left > 0) & (stop + 1 < bounds[1:]))
    place, last, rest = stop[active] + 1, bounds[active + 1], left[active]
    while len(active):
        sizes = size[place]
        fits = sizes <= rest
        taken[place] = fits
        rest = rest - sizes * fits
        left[active] = rest
        place = place + 1
        going = np.flatnonzero((rest > 0) & (place < last))
        active, place, last, rest = active[going], place[going], last[going], rest[going]
    chosen = np.flatnonzero(taken)
    return first[chosen], end[chosen], left


def _drawn(block: Block, weight: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the units that a block's sequences draw, each once, and where each sequence's begin."""
    lengths = np.diff(block.starts)
    # Each number of 64 bits gives two draws.
    numbers = (block.budgets + 4) * (lengths > 0)
    ends = np.cumsum(numbers)
    number = np.arange(numbers.sum()) - np.repeat(ends - numbers, numbers)
    drawn = sampling.bits(np.repeat(block.keys, numbers), number).astype("<u8", copy=False)
    counts = 2 * numbers
    scaled = drawn.view("<u4") * np.repeat(lengths.astype(np.uint64), counts)
    # The upper half is a place below the length, the lower half is what is left of the draw.
    place = (scaled >> np.uint64(32)).astype(np.int64)
    place += np.repeat(block.starts[:-1], counts)
    hit = block.allowed[place]
    if weight < 1:
        passed = (scaled & np.uint64(0xFFFFFFFF)) >= int(weight * 2**32)
        hit &= ~(passed & block.functional(place))
    hits = np.flatnonzero(hit)
    place = place[hits]
    # Of several draws of one unit the first counts: written backwards, it is the one that stays.
    order = np.arange(len(place), dtype=np.int32)
    first = np.empty(len(block.allowed), dtype=np.int32)
    first[place[::-1]] = order[::-1]
    fresh = np.flatnonzero(first[place] == order)
    return place[fresh], np.searchsorted(hits[fresh], np.append(0, 2 * ends))


def _all(
    block: Block, among: np.ndarray, drawn: np.ndarray, weight: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return all units of some sequences in order and where each sequence's begin, as a ``Take`` wants them.

    ``among`` bool [T] are the tokens of these sequences, ``drawn`` int64 their units that were drawn, in order.
    """
    place = np.flatnonzero(block.allowed & among)
    bounds = np.searchsorted(place, block.starts)
    time = -np.log1p(-(block.draws(place, bounds, REST) + 0.5) * 2.0**-32)
    time[block.functional(place)] /= weight
    # Positive floats are in the order of their bits, below 2**31, and 32 of them hide how a machine rounds.
    rank = time.astype(np.float32).view(np.uint32).astype(np.uint64) | np.uint64(1 << 31)
    rank[np.searchsorted(place, drawn)] = np.arange(len(drawn))
    sequence = np.repeat(np.arange(len(bounds) - 1, dtype=np.uint64), np.diff(bounds))
    packed = (sequence << np.uint64(49)) | (rank << np.uint64(17))
    packed |= np.arange(len(place), dtype=np.uint64)
    packed.sort()
    return place[packed & np.uint64(BLOCK - 1)], bounds
