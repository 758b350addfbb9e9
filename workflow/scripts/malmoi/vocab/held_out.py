"""Held-out eojeols laid out as one text, with what pieces are judged by: words, morphemes, domain terms."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from malmoi.vocab.eojeols import FUNCTIONAL, Stretches
from malmoi.vocab.words import ALONE, character_classes

#: All domains together.
ALL = "all"

#: Morphemes that a domain term is at most made of.
_LONGEST = 8


@dataclass(frozen=True)
class HeldOut:
    """Distinct eojeols laid out as one text, a space after each, and what pieces in it are judged by.

    All arrays of length L run along that text.

    ``table``: the N eojeols.
    ``words`` bool [L]: a word of BERT's pre-tokenizer begins.
    ``boundaries``, ``functional`` bool [L]: a morpheme, a function morpheme begins inside a word.
    ``starts`` int64 [N]: where each eojeol begins.
    ``counts`` int64 [N, D + 1]: occurrences by domain, and last over ``ALL``.
    ``terms``: the distinct domain terms that occur, sorted.
    ``occurrences`` int64 [T, 4]: start and end of each, its term, its eojeol.
    """

    table: Stretches
    words: np.ndarray
    boundaries: np.ndarray
    functional: np.ndarray
    starts: np.ndarray
    counts: np.ndarray
    terms: tuple[str, ...]
    occurrences: np.ndarray

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains, and last ``ALL``."""
        return (*self.table.domains, ALL)


def prepare(table: Stretches, terms: Collection[str] = ()) -> HeldOut:
    """Lay out eojeols to measure on and find the domain terms in them.

    A term counts where it begins and ends with a morpheme inside one word of BERT; where two overlap,
    the one of more morphemes does. Terms that BERT's pre-tokenizer always cuts (with a space, a hyphen, hanja)
    are therefore left out.
    """
    number = len(table)
    lengths = np.diff(table.starts)
    starts = table.starts[:-1] + np.arange(number)
    places = np.arange(len(table.characters)) + np.repeat(np.arange(number), lengths)
    total = len(places) + number
    alone = np.zeros(total, dtype=bool)
    alone[places] = character_classes(table.characters) == ALONE
    words = alone.copy()
    words[1:] |= alone[:-1]
    words[starts] = True
    words[starts + lengths] = False
    levels = np.zeros(total, dtype=np.uint8)
    levels[places] = table.levels
    levels[words] = 0
    counts = np.concatenate([table.counts, table.totals[:, None]], axis=1)
    occurrences, found = _occurrences(table, words, levels > 0, starts, frozenset(terms))
    return HeldOut(
        table, words, levels > 0, levels == FUNCTIONAL, starts, counts, found, occurrences
    )


def _occurrences(
    table: Stretches,
    words: np.ndarray,
    boundaries: np.ndarray,
    starts: np.ndarray,
    terms: frozenset[str],
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return ``HeldOut.occurrences`` and ``HeldOut.terms``."""
    found: list[tuple[int, int, str]] = []
    text = " ".join([*table.texts, ""])
    spaces = np.zeros(len(words), dtype=bool)
    spaces[starts + np.diff(table.starts)] = True
    cuts = np.flatnonzero(words | boundaries | spaces)
    # Two cuts with as many word starts and spaces up to them enclose a part of one word.
    word = np.cumsum((words | spaces)[cuts])
    taken = np.zeros(len(words), dtype=bool)
    for length in range(min(_LONGEST, len(cuts) - 1) if terms else 0, 0, -1):
        last = np.arange(length - 1, len(cuts) - 1)
        first = last - length + 1
        inside = (word[first] == word[last]) & ~spaces[cuts[first]]
        begins, ends = cuts[first[inside]].tolist(), cuts[last[inside] + 1].tolist()
        for begin, end in zip(begins, ends, strict=True):
            if text[begin:end] in terms and not taken[begin:end].any():
                taken[begin:end] = True
                found.append((begin, end, text[begin:end]))
    names = tuple(sorted({term for _, _, term in found}))
    index = {term: number for number, term in enumerate(names)}
    rows = sorted((begin, end, index[term]) for begin, end, term in found)
    places = np.array(rows, dtype=np.int64).reshape(-1, 3)
    eojeol = np.searchsorted(starts, places[:, 0], side="right") - 1
    return np.column_stack([places, eojeol]), names
