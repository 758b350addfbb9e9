"""Next-sentence pairs of which half are random, cut so that a pass uses every token once.

The published algorithm (google-research/bert, create_pretraining_data.py) truncates what does not fit and
labels more than half of its pairs random. Here each document is cut, in order, into pairs of segments that
follow each other. Half of the pairs, chosen at random whatever their lengths, then exchange their second
segments two by two: each with one whose second segment is about as long, so that both still fit, no token
is cut off, and the lengths say nothing about the label.
"""

from __future__ import annotations

import numpy as np

from malmoi import sampling
from malmoi.instances.cutting import cut_pairs
from malmoi.instances.exchange import exchange
from malmoi.instances.sequences import (
    SPECIAL_TOKENS,
    Documents,
    PairSettings,
    Sequences,
    of_pairs,
)


def balanced_pairs(
    documents: Documents, settings: PairSettings, max_seq_length: int, stream: int
) -> Sequences:
    """Return one pass over the documents as pairs, half of them random.

    A document of a single token gives no pair. A random second segment is of another document and group. Of
    the random ones ``settings.hard_share`` are hard: half of these from a document of the same kind, half a
    later passage of the same document with something between; where there is none, an ordinary one. Where
    groups leave too few partners, as in a block of one document, fewer pairs are random.
    """
    cut = cut_pairs(
        documents,
        max_seq_length - SPECIAL_TOKENS,
        settings.short_share,
        sampling.key(stream, "cut"),
    )
    cut, partner, negative = exchange(
        cut,
        documents,
        max_seq_length - SPECIAL_TOKENS,
        settings.hard_share,
        sampling.key(stream, "exchange"),
    )
    first = np.stack([cut.start, cut.middle], axis=1)
    second = np.stack([cut.middle, cut.end], axis=1)[partner]
    return of_pairs(first, second, cut.document, cut.document[partner], negative)
