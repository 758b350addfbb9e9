"""Lay sequences of segments out as the ids, units and token types of training instances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from malmoi.instances.pairs import Sequences

#: Tokens that are laid out together: their arrays fit the cache.
TOKENS = 1 << 17

_UNIT_SHIFT = np.uint32(24)
_ID_MASK = np.uint32((1 << 24) - 1)


@dataclass(frozen=True)
class Layout:
    """Instances one after the other, each ``[CLS] s0 [SEP] s1 [SEP] …``.

    ``ids`` uint16 or uint32 [T]; ``units`` uint8 [T] are the ``unit_starts`` of the tokens, 0 at special ones;
    ``types`` uint8 [T] are 0 up to the first [SEP] and 1 after it, or 0 throughout; ``starts``
    int64 [B + 1] are the instances' ends after a zero.
    """

    ids: np.ndarray
    units: np.ndarray
    types: np.ndarray
    starts: np.ndarray


def lengths(sequences: Sequences) -> np.ndarray:
    """Return the tokens of each instance, special ones included (int64 [P])."""
    tokens = np.cumsum(sequences.segments[:, 1] - sequences.segments[:, 0] + 1)
    ends = np.append(0, tokens)[sequences.offsets]
    return np.diff(ends) + 1


def part(sequences: Sequences, first: int, last: int) -> Sequences:
    """Return the sequences from ``first`` up to ``last``, or to the end where there are fewer."""
    offsets = sequences.offsets[first : last + 1]
    own = slice(offsets[0], offsets[-1])
    return Sequences(
        segments=sequences.segments[own],
        documents=sequences.documents[own],
        offsets=offsets - offsets[0],
        label=sequences.label[first:last],
        negative=sequences.negative[first:last],
    )


def pack(input_ids: np.ndarray, unit_starts: np.ndarray) -> np.ndarray:
    """Return tokens and their units in one array (uint32 [T + 1]), so that they are gathered together.

    ``input_ids`` uint16 or uint32 [T] are below 2**24, ``unit_starts`` is uint8 [T].
    """
    packed = np.zeros(len(input_ids) + 1, dtype=np.uint32)
    packed[:-1] = unit_starts
    packed <<= _UNIT_SHIFT
    packed[:-1] |= input_ids
    return packed


def lay_out(
    sequences: Sequences, packed: np.ndarray, ids: np.dtype, cls: int, sep: int, typed: bool
) -> Iterator[Layout]:
    """Yield the instances of all sequences in order, about ``TOKENS`` tokens at a time.

    ``packed`` is what ``pack`` made of the tokens that the sequences' segments are parts of, ``ids`` the type
    that their ids had. ``typed`` says whether a second segment has the token type 1.
    """
    ends = np.cumsum(lengths(sequences))
    cuts = np.flatnonzero(np.diff(ends // TOKENS, prepend=-1)).tolist()
    for first, last in pairwise([*cuts, len(sequences)]):
        own = part(sequences, first, last)
        offsets, segments = own.offsets, own.segments
        # Each segment brings the place of the [SEP] behind it, and a first one that of the [CLS] before it.
        sizes = segments[:, 1] - segments[:, 0] + 1
        begins = segments[:, 0].copy()
        sizes[offsets[:-1]] += 1
        begins[offsets[:-1]] -= 1
        stops = np.cumsum(sizes)
        starts = np.append(0, stops)[offsets]
        taken = np.repeat(begins - stops + sizes, sizes)
        taken += np.arange(len(taken))
        gathered = packed[taken]
        gathered[starts[:-1]] = cls
        gathered[stops - 1] = sep
        if typed:
            place = np.arange(len(segments)) - np.repeat(offsets[:-1], np.diff(offsets))
            types = np.repeat(place.astype(np.uint8), sizes)
        else:
            types = np.zeros(len(taken), dtype=np.uint8)
        yield Layout(
            ids=(gathered & _ID_MASK).astype(ids),
            units=(gathered >> _UNIT_SHIFT).astype(np.uint8),
            types=types,
            starts=starts,
        )
