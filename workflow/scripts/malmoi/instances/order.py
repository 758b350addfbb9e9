"""Sentence-order pairs (Lan et al. 2020, ALBERT): two segments that follow each other, half of them swapped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from malmoi import sampling
from malmoi.instances.cutting import Cut, cut_pairs
from malmoi.instances.sequences import (
    NO_NEGATIVE,
    SPECIAL_TOKENS,
    SWAPPED,
    Documents,
    PairSettings,
    Sequences,
    of_pairs,
)

#: Widths into which the lengths of pairs are divided to see whether both orders of two lengths are as frequent.
WIDTHS = 32


def order_pairs(
    documents: Documents, settings: PairSettings, max_seq_length: int, stream: int
) -> Sequences:
    """Return one pass over the documents as pairs, half of them, to within one, with their segments swapped.

    A document of a single token gives no pair.
    """
    budget = max_seq_length - SPECIAL_TOKENS
    cut = cut_pairs(documents, budget, settings.short_share, sampling.key(stream, "cut"))
    cut = _even(cut, budget, sampling.key(stream, "even"))
    count = len(cut.start)
    lot = float(sampling.uniform(sampling.key(stream, "half"), np.zeros(1))[0])
    order = np.argsort(sampling.bits(sampling.key(stream, "swapped"), np.arange(count)))
    negative = np.full(count, NO_NEGATIVE, dtype=np.int8)
    negative[order[: int(count / 2 + lot)]] = SWAPPED
    swapped = negative == SWAPPED
    first = np.where(swapped, (cut.middle, cut.end), (cut.start, cut.middle)).T
    second = np.where(swapped, (cut.start, cut.middle), (cut.middle, cut.end)).T
    return of_pairs(first, second, cut.document, cut.document, negative)


def _even(cut: Cut, budget: int, stream: int) -> Cut:
    """Return the cut with a few pairs turned, so that the longer segment is as often first as second.

    Otherwise lengths would tell which pairs are swapped: a heading, say, stands before what it heads. Of pairs
    of about the same two lengths, half of what one order has more than the other is divided the other way.
    """
    first, second = cut.middle - cut.start, cut.end - cut.middle
    width = max(1, budget // WIDTHS)
    # Fewer than 2 * WIDTHS widths make up the budget; the lowest bit is the order.
    code = (first + second) // width * (2 * WIDTHS) + np.minimum(first, second) // width
    code = 2 * code + (first > second)
    sizes = np.bincount(code, minlength=8 * WIDTHS**2)
    order = np.lexsort((sampling.bits(stream, np.arange(len(code))), code))
    rank = np.empty(len(code), dtype=np.int64)
    rank[order] = np.arange(len(code)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    turned = rank < (sizes[code] - sizes[code ^ 1]) // 2
    return replace(cut, middle=np.where(turned, cut.start + second, cut.middle))
