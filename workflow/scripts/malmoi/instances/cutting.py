"""Cut documents into stretches of about a sequence's length, all documents at once.

A stretch ends where a sentence ends, unless that would leave a quarter of it empty: then it ends inside the
sentence and the next one goes on from there, so that no token is lost. Where a stretch ends depends on where
it began, which is a loop; here many places of many documents take each step of that loop together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from malmoi import sampling
from malmoi.instances.sequences import Documents

#: Stretches a lane holds, at least: it ends with one that may be short, which costs half a stretch.
LANE = 24

#: Lanes that are worth a step together; where a block is long enough, lanes are longer instead.
LANES = 512

#: Tokens of the shortest pair that is drawn.
SHORTEST_PAIR = 4

#: Bounds of the share of a pair that its first segment is drawn to take.
FIRST_SHARE = (0.3, 0.7)


@dataclass(frozen=True)
class Cut:
    """Pairs of segments that follow each other: tokens ``start`` to ``middle`` to ``end``, int64 [P] each.

    ``document`` int64 [P] is whose they are. Pairs stand in the order of the text.
    """

    start: np.ndarray
    middle: np.ndarray
    end: np.ndarray
    document: np.ndarray


def cut_pairs(documents: Documents, budget: int, short_share: float, stream: int) -> Cut:
    """Cut every document of two tokens or more into pairs of at most ``budget`` tokens.

    ``short_share`` of the pairs get a random smaller budget, as ``short_seq_prob`` does in the paper's code.
    The first segment gets a random share of the pair and ends at the sentence end nearest to it, unless one
    of the two would be left with less than half of its share.
    """
    # With a 0 before them there is one at or before every place.
    ends = np.append(0, documents.sentence_ends)
    lanes = _lanes(documents, ends, budget)
    start, end, lane = _steps(ends, lanes, budget, short_share, stream)
    middle = _middles(ends, start, end, sampling.key(stream, "middle"))
    return Cut(start, middle, end, lanes.document[lane])


@dataclass(frozen=True)
class _Lanes:
    """Parts of documents that are cut each on its own: int64 [L] tokens and the document."""

    start: np.ndarray
    end: np.ndarray
    document: np.ndarray


def _lanes(documents: Documents, ends: np.ndarray, budget: int) -> _Lanes:
    """Divide long documents, at the sentence ends before every so many stretches."""
    lengths = np.diff(documents.offsets)
    reach = budget * max(LANE, int(lengths.sum()) // (budget * LANES))
    # The last part has two tokens or more, since one alone could not become a pair.
    parts = np.maximum(lengths - 2, 0) // reach + 1
    document = np.repeat(np.arange(len(documents)), parts)
    part = np.arange(len(document)) - np.repeat(np.cumsum(parts) - parts, parts)
    opens = documents.offsets[document]
    nominal = opens + part * reach
    whole = ends[np.searchsorted(ends, nominal, side="right") - 1]
    # A sentence that is longer than a few stretches is divided inside.
    near = (part > 0) & (nominal - whole < 2 * budget)
    start = np.where(near, whole, nominal)
    end = np.append(start[1:], documents.offsets[-1:])
    long_enough = end - start > 1
    return _Lanes(start[long_enough], end[long_enough], document[long_enough])


def _steps(
    ends: np.ndarray, lanes: _Lanes, budget: int, short_share: float, stream: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return start, end and lane of every pair, in the order of the text; int64 [P] each."""
    starts, stops, owners = [], [], []
    lane = np.arange(len(lanes.start))
    position, limit = lanes.start, lanes.end
    while len(lane):
        total = _totals(position, budget, short_share, stream)
        furthest = np.minimum(position + total, limit)
        whole = ends[np.searchsorted(ends, furthest, side="right") - 1]
        end = np.where(4 * (whole - position) > 3 * total, whole, furthest)
        # A single token left over could not become a pair of its own.
        end += np.where(limit - end == 1, np.where(end - position > 2, -1, 1), 0)
        starts.append(position)
        stops.append(end)
        owners.append(lane)
        going = end < limit
        lane, position, limit = lane[going], end[going], limit[going]
    if not starts:
        return (np.zeros(0, dtype=np.int64),) * 3
    start, end, owner = (np.concatenate(each) for each in (starts, stops, owners))
    order = np.argsort(start)
    return start[order], end[order], owner[order]


def _totals(position: np.ndarray, budget: int, short_share: float, stream: int) -> np.ndarray:
    """Return the budget, int64 [P], of the pairs that begin at some positions."""
    if not short_share:
        return np.full(len(position), budget)
    chance = sampling.uniform(stream, position)
    # The draw that chose a short pair also chooses, uniformly, how short.
    short = SHORTEST_PAIR + chance * ((budget - SHORTEST_PAIR) / short_share)
    return np.where(chance < short_share, short.astype(np.int64), budget)


def _middles(ends: np.ndarray, start: np.ndarray, end: np.ndarray, stream: int) -> np.ndarray:
    """Return where the second segments begin: at sentence ends near a random share, or right there."""
    length = end - start
    low, high = FIRST_SHARE
    share = low + (high - low) * sampling.uniform(stream, start)
    first = np.clip(np.rint(share * length).astype(np.int64), 1, length - 1)
    target = start + first
    after = np.searchsorted(ends, target)
    above = ends[np.minimum(after, len(ends) - 1)]
    below = ends[after - 1]
    nearest = np.where(above - target < target - below, above, below)
    slack = np.minimum(first, length - first) >> 1
    return np.where(np.abs(nearest - target) <= slack, nearest, target)
