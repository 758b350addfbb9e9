"""Choose spans of words to mask: SpanBERT's geometric lengths, whole words, until the budget is filled.

Joshi et al. 2020, "SpanBERT: Improving Pre-training by Representing and Predicting Spans".
"""

from __future__ import annotations

import numpy as np

from malmoi import sampling
from malmoi.instances.units import LENGTH_DRAW, Block, Take, in_order

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

    In the order of the candidates, one that is masked already is passed over; any other begins a span of a
    drawn number of words, cut short before a word that is masked, barred, in another segment or sequence, or
    more than what is left of the budget.
    """
    shares = length_shares(mean)

    def take(
        block: Block, candidates: np.ndarray, order: np.ndarray, bounds: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        words = np.flatnonzero(block.opens)
        anchors = np.searchsorted(words, candidates)[order]
        # A span must not begin at a barred word nor reach one; the end of each sequence bars the way too.
        barred = np.flatnonzero(block.barred[words[:-1]])
        walls = np.union1d(barred, np.searchsorted(words, block.starts))
        wall = walls[np.searchsorted(walls, anchors, side="right")]
        drawn = sampling.uniform(
            np.repeat(block.keys, np.diff(bounds)),
            LENGTH_DRAW + (words[anchors] - np.repeat(block.starts[:-1], np.diff(bounds))),
        )
        stop = np.minimum(anchors + 1 + np.searchsorted(shares, drawn, side="right"), wall)
        masked = np.zeros(len(words) + LONGEST, dtype=bool)
        edges = np.append(words, np.full(LONGEST, words[-1]))
        left = block.budgets.copy()
        first, end = [], []
        active = np.flatnonzero((left > 0) & (bounds[:-1] < bounds[1:]))
        place = bounds[active]
        while len(active):
            window = anchors[place][:, None] + np.arange(LONGEST)
            goes = window < stop[place][:, None]
            goes &= ~masked[window]
            goes &= edges[window + 1] - edges[anchors[place]][:, None] <= left[active][:, None]
            np.logical_and.accumulate(goes, axis=1, out=goes)
            masked[window[goes]] = True
            found = goes[:, 0]
            begin = edges[anchors[place[found]]]
            finish = edges[anchors[place[found]] + goes[found].sum(axis=1)]
            left[active[found]] -= finish - begin
            first.append(begin)
            end.append(finish)
            place = place + 1
            going = (left[active] > 0) & (place < bounds[active + 1])
            active, place = active[going], place[going]
        none = np.zeros(0, dtype=np.int64)
        return *in_order(np.concatenate([none, *first]), np.concatenate([none, *end])), left

    return take
