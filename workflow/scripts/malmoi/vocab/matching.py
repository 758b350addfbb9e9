"""Greedy longest match, as WordPiece reads words, over all distinct words of a corpus at once.

Because the match looks only forward, what it makes of the rest of a word depends on nothing but the place where
a piece begins. One pass from the ends of all words to their starts therefore knows the cost of every
rest of a word, and the exact effect of taking any one piece out of the vocabulary, or of putting it in,
follows from a look at the places where it occurs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from malmoi.vocab.eojeols import FUNCTIONAL, LEXICAL
from malmoi.vocab.substrings import Substrings

#: The lowest level of a boundary that pieces may not cross.
REQUIRED = {"all": LEXICAL, "functional": FUNCTIONAL}


@dataclass(frozen=True)
class Costs:
    """What a vocabulary is charged for each token, for a boundary that a piece crosses and for a wrong cut.

    Charged boundaries are those of level ``required`` or above; a cut is wrong where no morpheme begins.
    Whole numbers add up to the same sum in any order, so that every machine finds the same vocabulary.
    """

    required: int
    token: int
    crossed: int
    wrong_cut: int


class GreedyMatch:
    """The greedy segmentation of all words by the vocabulary of the latest ``run``."""

    def __init__(self, substrings: Substrings, costs: Costs) -> None:
        self.substrings = substrings
        words = substrings.words
        sizes = np.diff(words.starts)
        characters = len(words.characters)
        self.occurrences = np.repeat(words.totals, sizes)
        self._word_starts = words.starts[:-1]
        self._offsets = np.arange(characters) - np.repeat(self._word_starts, sizes)
        rests = np.repeat(sizes, sizes) - self._offsets
        self._by_offset = _groups(self._offsets)
        self._by_rest = _groups(rests)
        self.boundaries = words.levels >= costs.required
        crossed = np.concatenate([[0], np.cumsum(self.boundaries)])
        begin = np.full(characters, costs.token, dtype=np.int64)
        begin[(self._offsets > 0) & (words.levels == 0)] += costs.wrong_cut
        # A piece at a place costs what its beginning does and the boundaries strictly inside it; the place
        # one past the last stands for the end of every word.
        lengths = substrings.place_lengths
        at = substrings.places
        self._costs = begin[at] + costs.crossed * (crossed[at + lengths] - crossed[at + 1])
        self._next = np.where(rests[at] == lengths, characters, at + lengths).astype(np.int32)
        self._lengths = lengths

    def run(self, chosen: np.ndarray) -> None:
        """Match every word with the substrings ``chosen`` (bool [S]); single characters always match."""
        substrings = self.substrings
        characters = len(substrings.words.characters)
        # Which occurrence the match takes at each place, and which if that one were not there.
        self._taken = np.zeros(characters, dtype=np.int32)
        self._second = np.zeros(characters, dtype=np.int32)
        for number, part in enumerate(substrings.slices):
            here = np.arange(part.start, part.stop, dtype=np.int32)
            if number:
                here = here[chosen[substrings.numbers[part]]]
            places = substrings.places[here]
            self._second[places] = self._taken[places] if number else here
            self._taken[places] = here
        costs, following = self._costs[self._taken], self._next[self._taken]
        rest = np.zeros(characters + 1, dtype=np.int64)
        for places in self._by_rest:
            rest[places] = costs[places] + rest[following[places]]
        self._rest = rest
        reached = np.zeros(characters + 1, dtype=bool)
        reached[self._word_starts] = True
        for places in self._by_offset:
            places = places[reached[places]]
            reached[following[places]] = True
        self.reached = reached[:-1]

    def cost(self) -> int:
        """Return the cost of all words, each counted as often as it occurs."""
        starts = self._word_starts
        return int(np.sum(self._rest[starts] * self.occurrences[starts]))

    def uses(self) -> np.ndarray:
        """Return how often the match uses each substring (int64 [S])."""
        places = np.flatnonzero(self.reached)
        numbers = self.substrings.numbers[self._taken[places]]
        uses = np.bincount(numbers, self.occurrences[places], len(self.substrings))
        return uses.astype(np.int64)

    def changes(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return each place where one substring decides what a word costs.

        The three arrays are the substring's number, the place, and by how much all occurrences of the
        word cost less with the substring than without it, all others being as they are.
        """
        substrings = self.substrings
        longest = self._lengths[self._taken]
        here = np.flatnonzero(
            self.reached[substrings.places] & (self._lengths >= longest[substrings.places])
        )
        here = here[self._lengths[here] > 1]
        places, numbers = substrings.places[here], substrings.numbers[here]
        second = self._second[places]
        without = np.where(
            chosen[numbers],
            self._costs[second] + self._rest[self._next[second]],
            self._rest[places],
        )
        saved = without - self._costs[here] - self._rest[self._next[here]]
        return numbers, places, saved * self.occurrences[places]

    def word_of(self, places: np.ndarray) -> np.ndarray:
        """Return the number of the word that each place is in."""
        return np.searchsorted(self._word_starts, places, side="right") - 1

    def measures(self) -> dict[str, float]:
        """Return tokens per word, and precision and recall of the charged boundaries, of the latest run."""
        cuts = self.reached & (self._offsets > 0)
        weights = self.occurrences
        words = weights[self._word_starts].sum()
        right = weights[cuts & self.boundaries].sum()
        return {
            "tokens_per_word": float(1 + weights[cuts].sum() / max(words, 1)),
            "precision": float(right / max(weights[cuts].sum(), 1)),
            "recall": float(right / max(weights[self.boundaries].sum(), 1)),
        }


def _groups(values: np.ndarray) -> list[np.ndarray]:
    """Return the places of each value, from the smallest value up."""
    order = np.argsort(values, kind="stable").astype(np.int32)
    _, cuts = np.unique(values[order], return_index=True)
    return np.split(order, cuts[1:])
