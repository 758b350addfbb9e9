"""Full sentences (Liu et al. 2019, RoBERTa): sequences filled to their length, across documents, no label.

Where a document ends, the next one follows behind a [SEP], so each document's part is a segment of its own. A
sequence ends where a sentence ends, unless that would leave a quarter of it empty: then the sentence is split.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from malmoi.instances.sequences import NO_LABEL, NO_NEGATIVE, Documents, Sequences

#: A sequence is not ended early where that leaves more than this share of it empty.
EMPTY_SHARE = 0.25


def full_sentences(documents: Documents, max_seq_length: int) -> Sequences:
    """Return one pass over the documents as sequences of at most ``max_seq_length`` tokens.

    Special tokens are counted. A sequence holds parts of as many documents as fit; nothing is random.
    """
    # On a line where each document is followed by its [SEP], a sequence is an interval.
    lengths = np.diff(documents.offsets)
    filled = np.flatnonzero(lengths)
    closes = np.cumsum(lengths[filled] + 1) - 1
    opens = closes - lengths[filled]
    shift = np.repeat(
        opens - documents.offsets[filled], np.diff(documents.sentence_offsets)[filled]
    )
    start, end = _fill(documents.sentence_ends + shift, closes, max_seq_length - 2)
    # Of a sequence: the document it begins in, and how many it has a part of.
    first = np.searchsorted(closes, start, side="right")
    parts = np.searchsorted(closes, end) + 1 - first
    offsets = np.concatenate([[0], np.cumsum(parts)])
    sequence = np.repeat(np.arange(len(start)), parts)
    document = first[sequence] + np.arange(len(sequence)) - offsets[sequence]
    segments = np.stack(
        [
            np.maximum(start[sequence], opens[document]),
            np.minimum(end[sequence], closes[document]),
        ],
        axis=1,
    )
    back = documents.offsets[filled[document]] - opens[document]
    return Sequences(
        segments=segments + back[:, None],
        documents=filled[document],
        offsets=offsets,
        label=np.full(len(start), NO_LABEL, dtype=np.int8),
        negative=np.full(len(start), NO_NEGATIVE, dtype=np.int8),
    )


def _fill(ends: np.ndarray, closes: np.ndarray, room: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where sequences start and end, int64 [P] each, on a line of sentence ends and [SEP]s."""
    sentence_ends, separators = ends.tolist(), set(closes.tolist())
    early = room - int(room * EMPTY_SHARE)
    starts, stops = [], []
    position, sentence = 0, 0
    last = sentence_ends[-1] if sentence_ends else 0
    while position < last:
        furthest = position + room
        sentence = bisect_right(sentence_ends, furthest, lo=sentence)
        whole = sentence_ends[sentence - 1] if sentence else 0
        end = whole if whole - position >= early or whole == last else furthest
        starts.append(position)
        stops.append(end)
        position = end + 1 if end in separators else end
    return np.array(starts, dtype=np.int64), np.array(stops, dtype=np.int64)
