"""What two texts share, whatever their spacing: 8-grams of characters of the text without white space.

An 8-gram is a 64-bit hash. The signature of a text holds, for each of 128 random orders of all hashes, the
first of its own: two texts agree in a place of it with a chance equal to the Jaccard similarity of their sets
(MinHash, Broder 1997).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rensa import RMinHash

from malmoi.sampling import key

#: Characters of a shingle; a text with fewer has none.
SHINGLE = 8
#: Places of a signature.
PERMUTATIONS = 128
#: Different hashes a set holds before it is thinned out; it then has between half as many and as many.
LARGEST_SET = 1 << 20

# Characters worked on at a time: their 64-bit hashes and a scratch copy stay in the processor's cache.
_BLOCK = 1 << 15

_WEIGHTS = tuple(np.uint64(key(0, "shingles", half) | 1) for half in range(3))
# The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
_MIXES = ((30, np.uint64(0xBF58476D1CE4E5B9)), (27, np.uint64(0x94D049BB133111EB)))


@dataclass(slots=True, frozen=True)
class ShingleSet:
    """The different hashes (uint64, rising) of a text that are below ``limit``; 2**64 lets all of them in."""

    hashes: np.ndarray
    limit: int

    def below(self, limit: int) -> np.ndarray:
        """Return the hashes below ``limit``."""
        if limit >= self.limit:
            return self.hashes
        return self.hashes[: np.searchsorted(self.hashes, np.uint64(limit))]


def squeeze(text: str) -> str:
    """Return ``text`` in NFC without white space."""
    text = unicodedata.normalize("NFC", text)
    if len(text) <= _BLOCK:
        return "".join(text.split())
    # Piece by piece: the words of a very long text, each an object, would take ten times its memory.
    starts = range(0, len(text), _BLOCK)
    return "".join("".join(text[start : start + _BLOCK].split()) for start in starts)


def shingles(squeezed: str) -> np.ndarray:
    """Return a 64-bit hash (uint64) of each 8-gram of characters, in order, repeats included.

    Two of the n different 8-grams of a document share a hash with a chance of about n**2 / 2**65.
    """
    hashes = np.frombuffer(squeezed.encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    if len(hashes) < SHINGLE:
        return hashes[:0]
    for width, weight in zip((1, 2, 4), _WEIGHTS, strict=True):
        later = hashes[width:]
        hashes = hashes[:-width] * weight
        hashes += later
    scratch = np.empty_like(hashes)
    for shift, weight in _MIXES:
        np.right_shift(hashes, np.uint64(shift), out=scratch)
        hashes ^= scratch
        hashes *= weight
    np.right_shift(hashes, np.uint64(31), out=scratch)
    hashes ^= scratch
    return hashes


def shingle_set(squeezed: str) -> ShingleSet:
    """Return the set of a text's hashes; one of more than ``LARGEST_SET`` keeps only the smallest of them.

    The limit is halved until the set fits, so that which hashes stay depends on the text alone, and two
    sets cut at the smaller of their limits are fair samples of the whole sets. No text takes more memory
    than ``LARGEST_SET`` hashes beside itself.
    """
    found, limit = np.empty(0, dtype=np.uint64), 1 << 64
    waiting: list[np.ndarray] = []
    size = 0
    for piece in _pieces(squeezed):
        hashes = shingles(piece)
        waiting.append(hashes if limit == 1 << 64 else hashes[hashes < np.uint64(limit)])
        size += len(waiting[-1])
        if size > LARGEST_SET:
            found, waiting, size = _sorted_set([found, *waiting]), [], 0
            while len(found) > LARGEST_SET:
                limit //= 2
                found = found[: np.searchsorted(found, np.uint64(limit))].copy()
    return ShingleSet(_sorted_set([found, *waiting]) if waiting else found, limit)


def similarity(first: ShingleSet, second: ShingleSet) -> float:
    """Return the Jaccard similarity of two sets: 0 where both are empty."""
    limit = min(first.limit, second.limit)
    ours, theirs = first.below(limit), second.below(limit)
    both = common(ours, theirs)
    return both / max(1, len(ours) + len(theirs) - both)


def common(first: np.ndarray, second: np.ndarray) -> int:
    """Return how many hashes two arrays without repeats share."""
    merged = np.concatenate([first, second])
    merged.sort()
    return int(np.count_nonzero(merged[1:] == merged[:-1]))


def signatures(texts: Sequence[str]) -> np.ndarray:
    """Return the signatures (uint32 [texts, ``PERMUTATIONS``]) of squeezed texts.

    A text without shingles has the largest number in every place.
    """
    signed = np.full((len(texts), PERMUTATIONS), np.iinfo(np.uint32).max, dtype=np.uint32)
    rows: list[int] = []
    pieces: list[str] = []
    size = 0
    for row, text in enumerate(texts):
        for piece in _pieces(text):
            rows.append(row)
            pieces.append(piece)
            size += len(piece)
            if size >= _BLOCK:
                _sign(signed, rows, pieces)
                rows, pieces, size = [], [], 0
    if pieces:
        _sign(signed, rows, pieces)
    return signed


def _pieces(squeezed: str) -> Iterator[str]:
    """Yield parts that together hold every shingle of a text once."""
    for start in range(0, len(squeezed) - SHINGLE + 1, _BLOCK):
        yield squeezed[start : start + _BLOCK + SHINGLE - 1]


def _sign(signed: np.ndarray, rows: list[int], pieces: list[str]) -> None:
    """Work the ``pieces`` of texts into their ``rows`` (rising) of the signatures."""
    # Joined they are hashed at one go; what straddles two pieces is a row of its own, left out again.
    ends = np.cumsum([len(piece) for piece in pieces]).astype(np.uint64)
    bounds = np.zeros(2 * len(pieces), dtype=np.uint64)
    bounds[2::2] = ends[:-1]
    bounds[1::2] = ends - np.uint64(SHINGLE - 1)
    hashes = shingles("".join(pieces))
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, bounds, PERMUTATIONS, 1)
    found = np.array(matrix.to_rows()[::2], dtype=np.uint32)
    first = np.flatnonzero(np.diff(rows, prepend=-1))
    own = np.array(rows)[first]
    signed[own] = np.minimum(signed[own], np.minimum.reduceat(found, first, axis=0))


def _sorted_set(parts: list[np.ndarray]) -> np.ndarray:
    hashes = parts[0] if len(parts) == 1 else np.concatenate(parts)
    hashes.sort()
    # Faster by ten than numpy.unique, which makes a hash table first.
    first = np.ones(len(hashes), dtype=bool)
    np.not_equal(hashes[1:], hashes[:-1], out=first[1:])
    return hashes[first]
