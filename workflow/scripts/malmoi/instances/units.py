"""Choose which units of many sequences to mask: in random order, as far as each one's budget goes.

A unit is one or more neighbouring tokens that are masked together. Every draw is a function of its
sequence's key and of a place in it, so a sequence gets the same masks whatever stands beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

#: A bit of ``unit_starts``: the token opens a unit of josa, eomi or punctuation.
FUNCTIONAL = 4

#: Draws of a sequence's key: one before the tokens' own, and further ones for each token's place.
BUDGET_DRAW, PIECE_DRAW, LENGTH_DRAW = -1, 1 << 32, 1 << 33

#: Tokens of one block at most: its arrays fit the cache, and a place in it fits 16 bits.
BLOCK = 1 << 16

#: Units tried first are those with the smallest draws: so many tokens for each one of the budget.
_TRIED = 2.0


@dataclass(frozen=True)
class Block:
    """The units of some sequences of [T] tokens in all.

    ``starts`` int64 [B+1] are the sequences' ends after a zero; ``opens`` bool [T+1] tells the first token of
    each unit, the end of the block included; ``barred`` bool [T] tells, at the first token of a unit, that it
    must not be masked; ``functional`` bool [T] that it is josa, eomi or punctuation. ``draws`` uint64 [T]
    are random bits: the upper 32 order the units, the lower 32 decide what becomes of them. ``budgets``
    int64 [B] are tokens to mask.
    """

    keys: np.ndarray
    starts: np.ndarray
    opens: np.ndarray
    barred: np.ndarray
    functional: np.ndarray
    draws: np.ndarray
    budgets: np.ndarray


#: Takes candidates (places of their first tokens, int64 [C] ascending) and their order (int64 [C],
#: grouped by sequence), where each sequence's begin in it (int64 [B+1]); returns first tokens, ends
#: (int64 [M] each, in any order) and what is left of the budgets (int64 [B]).
Take = Callable[
    [Block, np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]
]


def places(starts: np.ndarray) -> np.ndarray:
    """Return each token's place in its own sequence (int64 [T]); ``starts`` is int64 [B+1]."""
    return np.arange(starts[-1]) - np.repeat(starts[:-1], np.diff(starts))


def find_units(
    units: np.ndarray, bit: int, separator: np.ndarray, barred: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``opens`` and ``barred`` of a ``Block``.

    ``bit`` of ``units`` (uint8 [T]) marks the first token of a unit; 0 makes every token one. A token of
    ``separator`` (bool [T], [CLS] and [SEP]) is a unit of its own, so that the next token opens another.
    ``barred`` (bool [T]) are tokens that must not be masked; a unit that holds one is barred whole.
    """
    opens = np.ones(len(units) + 1, dtype=bool)
    if not bit:
        return opens, barred
    np.not_equal(units & bit, 0, out=opens[:-1])
    opens[:-1] |= separator
    opens[1:] |= separator
    opens[starts] = True
    barred = barred.copy()
    inside = np.flatnonzero(barred & ~opens[:-1])
    while len(inside):
        inside = inside - 1
        barred[inside] = True
        inside = inside[~opens[inside]]
    return opens, barred


def choose(block: Block, take: Take, rate: float, weight: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the first tokens and the ends of what ``take`` chooses (int64 [M] each, ascending).

    ``rate`` is the largest share to mask in the block; it only tells how many units to try before all, and
    changes no choice. A functional unit is ``weight`` times as likely as another to come next.
    """
    candidates = block.opens[:-1] & ~block.barred
    share = _TRIED * rate * 2 / (1 + weight)
    if share >= 0.75:
        first, end, _ = take(block, *_ordered(block, candidates, weight))
        return first, end
    tried, last = _small(block, share, weight)
    first, end, left = take(block, *_ordered(block, tried & candidates, weight, last))
    unfilled = left > 0
    if not unfilled.any():
        return first, end
    # A unit of a larger draw may still fit: these sequences are done over with all their units.
    again = np.repeat(unfilled, np.diff(block.starts))
    kept = ~again[first]
    more, more_end, _ = take(block, *_ordered(block, candidates & again, weight))
    return in_order(np.append(first[kept], more), np.append(end[kept], more_end))


def in_order(first: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return first tokens and ends (int64 [M]) in ascending order."""
    # Both are below 2**17, and one sort of numbers is faster than an argsort.
    both = np.sort((first << 20) | end)
    return both >> 20, both & ((1 << 20) - 1)


def take_units(
    block: Block, candidates: np.ndarray, order: np.ndarray, bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take units in their order; one that would exceed what is left of the budget is skipped (a ``Take``)."""
    end = candidates + 1
    growing = np.flatnonzero(~block.opens[end])
    while len(growing):
        end[growing] += 1
        growing = growing[~block.opens[end[growing]]]
    size = (end - candidates)[order]
    # Up to the first unit that does not fit, the running total alone decides.
    total = np.append(0, np.cumsum(size))
    limit = total[bounds[:-1]] + block.budgets
    stop = np.minimum(np.searchsorted(total, limit, side="right") - 1, bounds[1:])
    left = limit - total[stop]
    taken = np.arange(len(order)) < np.repeat(stop, np.diff(bounds))
    # Past it, the few sequences with something left go on unit by unit, all of them at once.
    active = np.flatnonzero((left > 0) & (stop + 1 < bounds[1:]))
    place = stop[active] + 1
    while len(active):
        fits = size[place] <= left[active]
        taken[place[fits]] = True
        left[active[fits]] -= size[place[fits]]
        place += 1
        going = (left[active] > 0) & (place < bounds[active + 1])
        active, place = active[going], place[going]
    chosen = np.zeros(len(candidates), dtype=bool)
    chosen[order[taken]] = True
    return candidates[chosen], end[chosen], left


def _small(block: Block, share: float, weight: float) -> tuple[np.ndarray, int]:
    """Return the tokens (bool [T]) with small enough draws, and the rank they must stay below.

    Of content units it is about ``share``.
    """
    limit = int(share * 2**32)
    if weight == 1:
        return block.draws < np.uint64(limit << 32), limit
    time = -math.log1p(-share)
    # A little wider than ``time``, so that no unit below the rank that it makes is left out by rounding.
    content, functional = (
        np.uint64(int(-math.expm1(-time * 1.001 * speed) * 2**32) << 32) for speed in (1.0, weight)
    )
    tried = block.draws < content
    tried &= ~block.functional | (block.draws < functional)
    return tried, int(np.float32(time).view(np.uint32))


def _ordered(
    block: Block, candidates: np.ndarray, weight: float, below: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return places, order and bounds, as a ``Take`` wants them, of candidates (bool [T]).

    With ``below``, only of those whose rank is smaller.
    """
    place = np.flatnonzero(candidates)
    rank = block.draws[place] >> np.uint64(32)
    if weight < 1:
        rank = _exponential(rank, block.functional[place], weight)
        if below is not None:
            kept = rank < below
            place, rank = place[kept], rank[kept]
    bounds = np.searchsorted(place, block.starts)
    sequence = np.repeat(np.arange(len(bounds) - 1, dtype=np.uint64), np.diff(bounds))
    packed = (sequence << np.uint64(48)) | (rank << np.uint64(16))
    packed |= np.arange(len(place), dtype=np.uint64)
    packed.sort()
    return place, (packed & np.uint64(0xFFFF)).astype(np.int64), bounds


def _exponential(draws: np.ndarray, functional: np.ndarray, weight: float) -> np.ndarray:
    """Return ranks below 2**32 (uint64) that are exponential times of speed 1, or ``weight`` if functional.

    Units in the order of such times come by weight (Efraimidis and Spirakis 2006, "Weighted random sampling
    with a reservoir"). ``draws`` uint64 [C] are below 2**32.
    """
    time = -np.log1p(-(draws + 0.5) * 2.0**-32)
    time[functional] /= weight
    # Positive floats are in the order of their bits; 32 of them hide how a machine rounds a logarithm.
    return time.astype(np.float32).view(np.uint32).astype(np.uint64)
