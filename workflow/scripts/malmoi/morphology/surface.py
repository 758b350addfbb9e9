"""From Kiwi's morphemes, which are canonical forms, to the pieces of the text as it is written.

A tenth of the morphemes differ from what is written. The pieces are made from their spans alone: morphemes
that overlap (``하`` + ``었`` in ``했``) become one piece with the tag of the first, those of no length have
none, what Kiwi leaves out is a piece of unknown tag, and no piece holds white space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Whether a code point is white space, up to the last one that is (U+3000), and one more for all others.
_SPACES = np.array([chr(code).isspace() for code in range(0x3002)])


@dataclass(frozen=True)
class Pieces:
    """The pieces of several texts, one text after the other.

    ``starts`` and ``ends`` int32 [M] count code points of the text a piece is in, ``tags`` uint8 [M] are tag
    numbers, ``numbers`` int32 [M] say which of Kiwi's sentences a piece is in, ``counts`` int64 [T] is the
    number of pieces of each text.
    """

    starts: np.ndarray
    ends: np.ndarray
    tags: np.ndarray
    numbers: np.ndarray
    counts: np.ndarray


def code_points(text: str) -> np.ndarray:
    """Return the code points of ``text``, uint32 [N]."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def white_space(text: str) -> np.ndarray:
    """Return for each code point of ``text`` whether it is white space, bool [N]."""
    return _SPACES[np.minimum(code_points(text), len(_SPACES) - 1)]


def surface_pieces(
    texts: Sequence[str],
    counts: np.ndarray,
    starts: np.ndarray,
    lengths: np.ndarray,
    tags: np.ndarray,
    numbers: np.ndarray,
) -> Pieces:
    """Return the surface pieces of ``texts`` given Kiwi's morphemes.

    ``counts`` [T] is the number of morphemes of each text; ``starts``, ``lengths``, ``tags`` and ``numbers``
    [all of them] are where they begin, how long they are, tag numbers and Kiwi's numbers of sentences. By
    construction the pieces of a text are in order and hold every character of it but its white space.
    """
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    bases = np.cumsum(sizes) - sizes
    content = ~white_space("".join(texts))
    shifts = np.repeat(bases, counts)
    limits = np.repeat(bases + sizes, counts)
    starts = np.minimum(starts + shifts, limits)
    ends = np.minimum(starts + lengths, limits)
    real = np.flatnonzero(ends > starts)
    if np.any(np.diff(starts[real]) < 0):
        real = real[np.argsort(starts[real], kind="stable")]
    starts, ends, tags, numbers = starts[real], ends[real], tags[real], numbers[real]

    # Merge what overlaps.
    reach = np.maximum.accumulate(ends)
    first = np.ones(len(starts), dtype=bool)
    first[1:] = starts[1:] >= reach[:-1]
    first = np.flatnonzero(first)
    merged_starts, tags, numbers = starts[first], tags[first], numbers[first]
    merged_ends = reach[np.append(first[1:], len(starts)) - 1] if len(first) else reach
    changes = np.zeros(len(content) + 1, dtype=np.int8)
    changes[merged_starts] += 1
    changes[merged_ends] -= 1
    covered = np.cumsum(changes[:-1], dtype=np.int8).view(bool)

    # A piece begins where a merged one does, behind white space and where Kiwi leaves something out.
    begins = np.zeros(len(content) + 1, dtype=bool)
    begins[merged_starts] = True
    begins[bases] = True
    begins[1:-1] |= ~content[:-1] | (covered[1:] != covered[:-1])
    begins[:-1] &= content
    begins[-1] = True
    lasts = content & begins[1:]
    lasts[:-1] |= content[:-1] & ~content[1:]
    piece_starts = np.flatnonzero(begins[:-1])
    piece_ends = np.flatnonzero(lasts) + 1

    counts = np.diff(np.searchsorted(piece_starts, np.append(bases, len(content))))
    origins = np.searchsorted(merged_starts, piece_starts, side="right") - 1
    piece_tags = np.zeros(len(piece_starts), dtype=np.uint8)
    known = covered[piece_starts]
    piece_tags[known] = tags[origins[known]]
    shifts = np.repeat(bases, counts)
    return Pieces(
        (piece_starts - shifts).astype(np.int32),
        (piece_ends - shifts).astype(np.int32),
        piece_tags,
        _sentence_numbers(
            origins, shifts, np.repeat(bases + sizes, counts), merged_starts, numbers
        ),
        counts,
    )


def _sentence_numbers(
    origins: np.ndarray,
    begins: np.ndarray,
    limits: np.ndarray,
    morphemes: np.ndarray,
    numbers: np.ndarray,
) -> np.ndarray:
    """Return Kiwi's number of the sentence of each piece: that of the morpheme it begins in or follows.

    What comes before all morphemes of its text, from ``begins`` to ``limits``, goes with the first of them.
    """
    if not len(morphemes):
        return np.zeros(len(origins), dtype=np.int32)
    lead = (origins < 0) | (morphemes[origins] < begins)
    if not lead.any():
        return numbers[origins].astype(np.int32)
    origins = np.minimum(origins + lead, len(morphemes) - 1)
    alone = lead & ((morphemes[origins] < begins) | (morphemes[origins] >= limits))
    return np.where(alone, 0, numbers[origins]).astype(np.int32)
