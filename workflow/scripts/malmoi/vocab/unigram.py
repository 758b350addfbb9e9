"""A unigram language model of pieces (Kudo 2018), fitted by expectation and maximisation over distinct words.

The trainer of the tokenizers library takes words in the order of a hash table that differs from run to run, and
sums in that order: two runs on one text give two vocabularies. Here the sums run in the order of the words.
"""

from __future__ import annotations

import numpy as np

from malmoi.vocab.eojeols import Stretches
from malmoi.vocab.substrings import frequent_substrings

#: Seeds are this many times the pieces wanted; each round keeps this share, after this many fits.
_SEEDS, _KEPT, _FITS = 4, 0.75, 2


def unigram_pieces(
    words: Stretches, required: int | None, count: int, min_frequency: int
) -> list[str]:
    """Return up to ``count`` pieces of two characters or more, the most probable first.

    No piece crosses a boundary of level ``required`` or above. Each round drops the pieces that the fitted
    model expects least often, a quarter of them; single characters stay.
    """
    substrings = frequent_substrings(words, min_frequency)
    lengths = substrings.place_lengths
    inside = np.zeros(len(lengths), dtype=bool)
    if required is not None:
        before = np.concatenate([[0], np.cumsum(words.levels >= required)])
        inside = before[substrings.places + lengths] > before[substrings.places + 1]
    edges = _Edges(words, substrings.places[~inside], lengths[~inside], substrings.numbers[~inside])
    seen = np.bincount(edges.numbers, edges.weights, len(substrings))
    single = substrings.lengths == 1
    kept = np.argsort(np.where(single, 0, -seen * substrings.lengths), kind="stable")
    kept = kept[: min(_SEEDS * count, int((seen[~single] >= min_frequency).sum()))]
    expected = np.where(single, seen, 0.0)
    expected[kept] = seen[kept]
    while True:
        for _ in range(_FITS):
            edges = edges.of(expected > 0)
            with np.errstate(divide="ignore"):
                logs = np.log(expected / expected.sum())
            # A character that no likely segmentation uses must still be there for words to be readable.
            expected = np.maximum(edges.expected(logs), np.where(single & (seen > 0), 1e-3, 0.0))
        order = np.argsort(np.where(single, 1.0, -expected), kind="stable")
        living = int((expected[~single] > 0).sum())
        if living <= count:
            return [substrings.pieces[number] for number in order[:living].tolist()]
        expected[order[max(count, int(living * _KEPT)) : living]] = 0.0


class _Edges:
    """The pieces at all places of all words, from each place to where the next piece begins."""

    def __init__(
        self, words: Stretches, places: np.ndarray, lengths: np.ndarray, numbers: np.ndarray
    ) -> None:
        sizes = np.diff(words.starts)
        self._words = words
        self._offsets = np.arange(len(words.characters)) - np.repeat(words.starts[:-1], sizes)
        self._rests = np.repeat(sizes, sizes) - self._offsets
        order = np.argsort(places, kind="stable")
        self.places, self.lengths, self.numbers = places[order], lengths[order], numbers[order]
        self.weights = np.repeat(words.totals, sizes)[self.places].astype(np.float64)
        ends = self.lengths == self._rests[self.places]
        self._next = np.where(ends, len(words.characters), self.places + self.lengths)

    def of(self, kept: np.ndarray) -> _Edges:
        """Return the edges of the pieces ``kept`` (bool [pieces])."""
        here = kept[self.numbers]
        if here.all():
            return self
        return _Edges(self._words, self.places[here], self.lengths[here], self.numbers[here])

    def expected(self, logs: np.ndarray) -> np.ndarray:
        """Return how often the model of these log probabilities expects each piece (float64 [pieces])."""
        characters = len(self._words.characters)
        rest = np.zeros(characters + 1)
        scores = logs[self.numbers]
        by_rest = np.argsort(self._rests[self.places], kind="stable")
        for edges in np.split(by_rest, _changes(self._rests[self.places][by_rest])):
            places = self.places[edges]
            firsts = np.concatenate([[0], _changes(places)])
            values = scores[edges] + rest[self._next[edges]]
            rest[places[firsts]] = np.logaddexp.reduceat(values, firsts)
        share = np.zeros(characters + 1)
        share[self._words.starts[:-1]] = 1.0
        shares = np.exp(scores + rest[self._next] - rest[self.places])
        by_offset = np.argsort(self._offsets[self.places], kind="stable")
        for edges in np.split(by_offset, _changes(self._offsets[self.places][by_offset])):
            shares[edges] *= share[self.places[edges]]
            np.add.at(share, self._next[edges], shares[edges])
        return np.bincount(self.numbers, shares * self.weights, len(logs))


def _changes(values: np.ndarray) -> np.ndarray:
    """Return the places where sorted values change."""
    return np.flatnonzero(np.diff(values)) + 1
