"""All frequent substrings of the distinct words of a corpus, as arrays: what a vocabulary can choose from.

A substring at the start of a word and the same one inside a word are two, as ``가`` and ``##가`` are in
WordPiece. They are found length by length: what occurs too rarely cannot begin anything frequent, so each
length looks only at places where the one before was frequent (Agrawal and Srikant 1994). Substrings are
numbered exactly, by their prefix's number and last character, and never hashed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from malmoi.vocab.eojeols import Stretches

#: Characters of the longest piece.
LONGEST = 16


@dataclass(frozen=True)
class Substrings:
    """The S frequent substrings of words and the K places where they occur; all single characters are in.

    ``words``: the words they come from.
    ``lengths`` uint8 [S]: characters of each substring; shorter ones have smaller numbers.
    ``frequencies`` int64 [S]: how often each occurs.
    ``examples`` int64 [S]: a place of each in ``words.characters``.
    ``places`` int32 [K] and ``numbers`` int32 [K]: each place in ``words.characters`` and which substring
    begins there, in order of length.
    ``slices``: for each length from 1, which part of ``places`` and ``numbers`` is of that length.
    """

    words: Stretches
    lengths: np.ndarray
    frequencies: np.ndarray
    examples: np.ndarray
    places: np.ndarray
    numbers: np.ndarray
    slices: tuple[slice, ...]

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def place_lengths(self) -> np.ndarray:
        """How many characters the substring at each of ``places`` has (int32 [K])."""
        sizes = [part.stop - part.start for part in self.slices]
        return np.repeat(np.arange(1, len(sizes) + 1, dtype=np.int32), sizes)

    @cached_property
    def pieces(self) -> list[str]:
        """The substrings as they stand in ``vocab.txt``, with ``##`` inside words."""
        text = self.words.text
        inside = ~np.isin(self.examples, self.words.starts)
        spans = zip(self.examples.tolist(), self.lengths.tolist(), inside.tolist(), strict=True)
        return [("##" if in_word else "") + text[at : at + length] for at, length, in_word in spans]


def frequent_substrings(words: Stretches, floor: int) -> Substrings:
    """Return every substring of up to ``LONGEST`` characters that occurs ``floor`` times or more."""
    sizes = np.diff(words.starts)
    occurrences = np.repeat(words.totals, sizes)
    ends = np.repeat(words.starts[1:], sizes)
    characters = words.characters.astype(np.int64)
    places = np.arange(len(characters))
    keys = characters.copy()
    # One bit above all code points tells the inside of a word from its start.
    keys |= (places != np.repeat(words.starts[:-1], sizes)).astype(np.int64) << 21
    found: list[list[np.ndarray]] = [[], [], [], [], []]
    total = 0
    for length in range(1, LONGEST + 1):
        _, examples, inverse = np.unique(keys, return_index=True, return_inverse=True)
        frequencies = np.bincount(inverse, weights=occurrences[places]).astype(np.int64)
        kept = frequencies >= (floor if length > 1 else 0)
        numbers = np.cumsum(kept) - 1 + total
        examples = places[examples[kept]]
        frequent = kept[inverse]
        places, numbers = places[frequent], numbers[inverse[frequent]]
        total += len(examples)
        new = (
            np.full(len(examples), length, np.uint8),
            frequencies[kept],
            examples,
            places.astype(np.int32),
            numbers.astype(np.int32),
        )
        for array, part in zip(found, new, strict=True):
            array.append(part)
        goes_on = places + length < ends[places]
        places, numbers = places[goes_on], numbers[goes_on]
        keys = numbers << 21 | characters[places + length]
    cuts = np.cumsum([0, *(len(part) for part in found[3])]).tolist()
    slices = tuple(slice(start, end) for start, end in pairwise(cuts))
    return Substrings(words, *(np.concatenate(part) for part in found), slices)
