"""Choose spans of words to mask: SpanBERT's geometric lengths, whole words, until the budget is filled.

Joshi et al. 2020, "SpanBERT: Improving Pre-training by Representing and Predicting Spans".
"""

from __future__ import annotations

import numpy as np

from malmoi import sampling
from malmoi.instances.units import LENGTH, Block, Take

#: Words of the longest span, as in the paper.
LONGEST = 10


def length_shares(mean: float) -> np.ndarray:
    """Return the shares (float64 [10]) of spans of at most 1, 2, ... 10 words.

    The lengths are geometric, cut off at ten words, with the given ``mean`` between 1 and 5.5; the paper's
    p = 0.2 has a mean of 3.8.
    """
    low, high = 0.0, 1.0
    for _ in range(60):
        ratio = (low + high) / 2
        # Running products, unlike powers, are the same on every machine.
        share = np.cumprod(np.full(LONGEST, ratio)) / ratio
        share /= share.sum()
        if (share * np.arange(1, LONGEST + 1)).sum() < mean:
            low = ratio
        else:
            high = ratio
    return np.cumsum(share)


def take_spans(mean: float) -> Take:
    """Return a ``Take`` of spans whose candidates are the words a span may begin with.

    In their order, a word that is masked already is passed over; any other begins a span of a drawn number of
    words. A span is cut short before a word that is masked already, must not be, lies past the segment, or
    would exceed what is left of the budget.
    """
    shares = length_shares(mean)

    def take(
        block: Block, anchors: np.ndarray, bounds: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        words = np.flatnonzero(block.opens)
        counts = np.diff(bounds)
        anchor = np.searchsorted(words, anchors)
        # The way ends at words that must not be masked and where the sequence does.
        ends = np.append(~block.allowed[words[:-1]], True)
        ends[np.searchsorted(words, block.starts)] = True
        walls = np.flatnonzero(ends)
        wall = walls[np.searchsorted(walls, anchor, side="right")]
        numbers = LENGTH + anchors - np.repeat(block.starts[:-1], counts)
        drawn = sampling.uniform(np.repeat(block.keys, counts), numbers)
        stop = np.minimum(anchor + 1 + np.searchsorted(shares, drawn, side="right"), wall)
        masked = np.zeros(len(words) + LONGEST, dtype=bool)
        edges = np.append(words, np.full(LONGEST, words[-1]))
        left = block.budgets.copy()
        first, end = [anchors[:0]], [anchors[:0]]
        active = np.flatnonzero(counts)
        place = bounds[active]
        while len(active):
            window = anchor[place][:, None] + np.arange(LONGEST)
            begin = edges[window[:, 0]]
            goes = window < stop[place][:, None]
            goes &= ~masked[window]
            goes &= edges[window + 1] <= (begin + left[active])[:, None]
            np.logical_and.accumulate(goes, axis=1, out=goes)
            masked[window[goes]] = True
            found = np.flatnonzero(goes[:, 0])
            finish = edges[window[found, 0] + goes[found].sum(axis=1)]
            left[active[found]] -= finish - begin[found]
            first.append(begin[found])
            end.append(finish)
            place = place + 1
            going = (left[active] > 0) & (place < bounds[active + 1])
            active, place = active[going], place[going]
        return np.concatenate(first), np.concatenate(end), left

    return take
