"""Sentence-order pairs (Lan et al. 2020, ALBERT): two segments that follow each other, half of them swapped."""

from __future__ import annotations

import numpy as np

from malmoi import sampling
from malmoi.instances.cutting import cut_pairs
from malmoi.instances.sequences import (
    NO_NEGATIVE,
    SPECIAL_TOKENS,
    SWAPPED,
    Documents,
    PairSettings,
    Sequences,
    of_pairs,
)


def order_pairs(
    documents: Documents, settings: PairSettings, max_seq_length: int, stream: int
) -> Sequences:
    """Return one pass over the documents as pairs, half of them, to within one, with their segments swapped.

    A document of a single token gives no pair.
    """
    cut = cut_pairs(
        documents,
        max_seq_length - SPECIAL_TOKENS,
        settings.short_share,
        sampling.key(stream, "cut"),
    )
    count = len(cut.start)
    lot = float(sampling.uniform(sampling.key(stream, "half"), np.zeros(1))[0])
    order = np.argsort(sampling.bits(sampling.key(stream, "swapped"), np.arange(count)))
    negative = np.full(count, NO_NEGATIVE, dtype=np.int8)
    negative[order[: int(count / 2 + lot)]] = SWAPPED
    swapped = negative == SWAPPED
    first = np.where(swapped, (cut.middle, cut.end), (cut.start, cut.middle)).T
    second = np.where(swapped, (cut.start, cut.middle), (cut.middle, cut.end)).T
    return of_pairs(first, second, cut.document, cut.document, negative)
