"""Which texts are worth comparing: those that agree in a run of places of their signatures.

Banding (Indyk and Motwani 1998): two texts meet where a whole band of their signatures is equal. A bucket
holds at most ``CAPACITY`` texts; those that come later go, for that band, to a bucket of twice and then of
five times as many places. So a text meets a bounded number of others, however many resemble it, and in a
crowd the closest to it are the last to be missed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from malmoi.curate.shingles import PERMUTATIONS
from malmoi.sampling import bits, key

#: Texts a bucket holds.
CAPACITY = 32

#: Largest chance that two texts exactly at the threshold share no band, and so go unnoticed.
MISS = 1e-4

# Places of a band at each level, in bands of the first.
_LEVELS = (1, 2, 5)

_STREAM = key(0, "bands")


def band_width(threshold: float) -> int:
    """Return the places of a band: the most that keep the chance of a miss at the threshold to ``MISS``."""
    widths = range(1, PERMUTATIONS + 1)
    return max(w for w in widths if w == 1 or (1 - threshold**w) ** (PERMUTATIONS // w) <= MISS)


def band_keys(signed: np.ndarray, width: int) -> np.ndarray:
    """Return a hash (uint32 [texts, bands]) of each band of signatures (uint32 [texts, PERMUTATIONS])."""
    bands = PERMUTATIONS // width
    return _hashed(signed[:, : bands * width].reshape(len(signed), bands, width))


def _hashed(places: np.ndarray) -> np.ndarray:
    weights = bits(_STREAM, np.arange(places.shape[-1])) | np.uint64(1)
    return ((places.astype(np.uint64) * weights).sum(axis=-1) >> np.uint64(32)).astype(np.uint32)


class Buckets:
    """Texts met by others: about 250 bytes for each, and as much again for each in a crowd."""

    def __init__(self, keys: np.ndarray, sketches: np.ndarray, width: int) -> None:
        """Make room for texts, numbered as they stand.

        ``keys`` (uint32 [texts, bands]) are those of ``band_keys``; ``sketches`` (uint8 [texts, PERMUTATIONS])
        the last byte of each place of the signatures, which tells texts apart inside full buckets.
        """
        everything = np.arange(len(keys))
        self._levels = [_Level(keys.shape, lambda band: (everything, keys[:, band]))]
        for factor in _LEVELS[1:]:
            crowded = self._levels[-1].crowded
            if not any(map(len, crowded)):
                break
            places = np.arange(factor * width)

            def refined(
                band: int, crowded: list[np.ndarray] = crowded, places: np.ndarray = places
            ) -> tuple[np.ndarray, np.ndarray]:
                columns = (band * width + places) % PERMUTATIONS
                return crowded[band], _hashed(sketches[crowded[band]][:, columns])

            self._levels.append(_Level(keys.shape, refined))

    def sharing(self) -> np.ndarray:
        """Return the numbers of the texts that share a band with another, rising."""
        return self._levels[0].members

    def of(self, text: int) -> Places:
        """Return the levels and the buckets there that ``text`` belongs to, deeper ones for full ones."""
        places: Places = []
        open_bands: np.ndarray | None = None
        for level in self._levels:
            own = level.buckets_of(text)
            usable = own >= 0 if open_bands is None else (own >= 0) & open_bands
            buckets = own[usable]
            places.append((level, buckets))
            full = level.held[buckets] >= CAPACITY
            if not full.any():
                break
            open_bands = np.zeros(len(own), dtype=bool)
            open_bands[np.flatnonzero(usable)[full]] = True
        return places

    @staticmethod
    def met(places: Places) -> np.ndarray:
        """Return the numbers of the texts added so far to the buckets of a text, rising."""
        met: set[int] = set()
        for level, buckets in places:
            held = level.held[buckets]
            taken = held > 0
            starts = level.starts[buckets[taken]]
            for start, end in zip(starts.tolist(), (starts + held[taken]).tolist(), strict=True):
                met.update(level.slots[start:end].tolist())
        return np.array(sorted(met), dtype=np.int64)

    @staticmethod
    def add(places: Places, text: int) -> None:
        """Put ``text`` where others will meet it; a band full at every level goes without it."""
        for level, buckets in places:
            held = level.held[buckets]
            if held.max(initial=0) >= CAPACITY:
                buckets = buckets[held < CAPACITY]
                held = level.held[buckets]
            level.slots[level.starts[buckets] + held] = text
            level.held[buckets] += 1


class _Level:
    """The buckets of two texts and more, for one width of the bands."""

    def __init__(
        self, shape: tuple[int, int], keyed: Callable[[int], tuple[np.ndarray, np.ndarray]]
    ) -> None:
        """Number the buckets; ``keyed`` gives for a band the texts to tell apart, rising, and their keys."""
        texts, bands = shape
        sharing = np.zeros(texts, dtype=bool)
        found = []
        for band in range(bands):
            among, keys = keyed(band)
            order = np.argsort(keys, kind="stable")
            runs = np.flatnonzero(np.diff(keys[order], prepend=keys[order][:1] + 1))
            counts = np.diff(runs, append=len(order))
            wanted = np.repeat(counts > 1, counts)
            found.append((among[order][wanted], counts[counts > 1]))
            sharing[found[-1][0]] = True
        #: The texts in any bucket, rising, and of each band those in a bucket that may overflow.
        self.members = np.flatnonzero(sharing)
        self.crowded = [np.sort(rows[np.repeat(n > CAPACITY, n)]) for rows, n in found]
        self._row = np.full(texts, -1, dtype=np.int32)
        self._row[self.members] = np.arange(len(self.members), dtype=np.int32)
        # The row after the last is that of all other texts.
        self._buckets = np.full((len(self.members) + 1, bands), -1, dtype=np.int32)
        first = 0
        for band, (rows, counts) in enumerate(found):
            numbers = np.arange(first, first + len(counts), dtype=np.int32)
            self._buckets[self._row[rows], band] = np.repeat(numbers, counts)
            first += len(counts)
        room = np.minimum(np.concatenate([counts for _, counts in found]), CAPACITY)
        #: First slot of each bucket, how many of its slots are taken, and the texts in the slots.
        self.starts = np.cumsum(room) - room
        self.held = np.zeros(len(room), dtype=np.uint8)
        self.slots = np.empty(int(room.sum()), dtype=np.int32)

    def buckets_of(self, text: int) -> np.ndarray:
        """Return the number of the bucket of each band, -1 where the text is alone in it."""
        return self._buckets[self._row[text]]


#: Where a text belongs: levels, and the numbers of its buckets there.
Places = list[tuple[_Level, np.ndarray]]
