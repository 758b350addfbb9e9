"""Random choice as a function of a key and a counter, not of a state.

Each draw depends on (seed, purpose, counter) alone, so masks, order and pairs come out the same whatever
the number of workers, ranks or restarts. The mixer is the finalizer of SplitMix64 (Steele, Lea and
Flood 2014); the permutation is a four-round Feistel network with cycle walking (Black and Rogaway
2002), which shuffles any number of items in constant memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)

#: Counters mixed at a time: 256 KB, which fit the cache beside as much scratch.
_RUN = 1 << 15


def key(seed: int, *purpose: str | int) -> int:
    """Return the 64-bit key of a stream of draws, named by what the draws are for."""
    name = "\x1f".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


def bits(stream: int | np.ndarray, counters: np.ndarray) -> np.ndarray:
    """Return 64 random bits (uint64, same shape) for each counter of a stream.

    ``stream`` may be an array of keys like ``counters``: a stream for each.
    """
    mixed = np.array(counters, order="C").astype(np.uint64, copy=False)
    flat = mixed.reshape(-1)
    keys = np.asarray(stream, dtype=np.uint64).reshape(-1)
    scratch = np.empty(min(_RUN, flat.size), dtype=np.uint64)
    for start in range(0, flat.size, _RUN):
        run = flat[start : start + _RUN]
        shifted = scratch[: len(run)]
        # Unsigned arrays wrap around without a warning.
        run += np.uint64(1)
        run *= _GOLDEN
        run += keys if len(keys) == 1 else keys[start : start + _RUN]
        for shift, factor in ((np.uint64(30), _MIX_1), (np.uint64(27), _MIX_2)):
            np.right_shift(run, shift, out=shifted)
            run ^= shifted
            run *= factor
        np.right_shift(run, np.uint64(31), out=shifted)
        run ^= shifted
    return mixed


def uniform(stream: int | np.ndarray, counters: np.ndarray) -> np.ndarray:
    """Return a float64 in [0, 1) for each counter of a stream."""
    drawn = bits(stream, counters)
    drawn >>= np.uint64(11)
    return drawn * 2.0**-53


def below(stream: int | np.ndarray, counters: np.ndarray, bound: int) -> np.ndarray:
    """Return an int64 in [0, ``bound``) for each counter; the bias is under ``bound`` / 2**53."""
    return (uniform(stream, counters) * bound).astype(np.int64)


def in_share(doc_ids: Sequence[str], share: float, seed: int) -> np.ndarray:
    """Return which documents (bool, [D]) belong to a share, 0 to 1, of the corpus.

    Each is drawn by its id alone, so a smaller share lies within a larger one.
    """
    if share >= 1:
        return np.ones(len(doc_ids), dtype=bool)
    end = int(share * 2**64)
    return np.array([key(seed, "share", doc_id) < end for doc_id in doc_ids], dtype=bool)


class Permutation:
    """A random order of ``size`` items, computed item by item.

    ``order(positions)`` gives the items (int64) at those positions; over all positions each item comes
    exactly once.
    """

    def __init__(self, size: int, stream: int) -> None:
        if size < 1:
            raise ValueError(f"a permutation needs at least one item, not {size}")
        self.size = size
        half_bits = max(1, (int(size - 1).bit_length() + 1) // 2)
        self._half = np.uint64(half_bits)
        self._mask = np.uint64((1 << half_bits) - 1)
        self._rounds = [key(stream, "feistel", number) for number in range(4)]

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        values = np.array(positions, dtype=np.uint64, ndmin=1)
        if values.size and int(values.max()) >= self.size:
            raise IndexError(f"position {int(values.max())} of a permutation of {self.size} items")
        values = self._network(values)
        outside = values >= self.size
        while outside.any():
            values[outside] = self._network(values[outside])
            outside = values >= self.size
        return values.astype(np.int64)

    def _network(self, values: np.ndarray) -> np.ndarray:
        left, right = values >> self._half, values & self._mask
        for stream in self._rounds:
            left, right = right, left ^ (bits(stream, right) & self._mask)
        return (left << self._half) | right
