"""Exchange the pieces of a vocabulary for others until greedy matching respects morphemes best.

A learner builds pieces inside morphemes, yet greedy longest match runs over raw words, where a piece may
swallow the josa that follows, and where a boundary is lost because no longer piece forbids it. So what a
piece does is judged by the match itself, on all distinct words of the training text: what the words
would cost without it, or with it. The worst pieces leave, the best substrings of the corpus take their
places, and this is repeated until the cost stops falling.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from malmoi.progress import LOG
from malmoi.vocab.eojeols import Stretches
from malmoi.vocab.matching import REQUIRED, Costs, GreedyMatch
from malmoi.vocab.substrings import Substrings, frequent_substrings

#: For ``all`` crossing a boundary and cutting a morpheme count alike, which at high F1 is what F1 does itself;
#: how many tokens there are follows from both. For ``functional`` a compound may be one token or several:
#: tokens are saved as far as that neither crosses the boundary before a function morpheme nor cuts
#: morphemes.
COSTS = {
    "all": Costs(REQUIRED["all"], token=0, crossed=1, wrong_cut=1),
    "functional": Costs(REQUIRED["functional"], token=1, crossed=10, wrong_cut=5),
}

#: Exchanges end after this many rounds, or when a round saves less than this share of the cost.
ROUNDS, LEAST_SAVED = 24, 2e-4


def exchanged(
    pieces: Sequence[str], words: Stretches, boundaries: str, room: int, min_frequency: int
) -> list[str]:
    """Return ``room`` pieces of two characters or more, fewer where there are fewer, the most used first.

    ``pieces`` is what a learner gives, the best first; any substring of ``words`` seen ``min_frequency``
    times may take a place. Single characters always match and are not counted.
    """
    # What is rarer than this could not earn the place of a piece that is used as often as the average one.
    fair_share = int(words.totals.sum()) // (64 * room)
    substrings = frequent_substrings(words, max(min_frequency, fair_share, 2))
    match = GreedyMatch(substrings, COSTS[boundaries])
    chosen = _best(match, _among(substrings, pieces[:room]), room)
    match.run(chosen)
    numbers, _, saved = match.changes(chosen)
    # Places that no exchange found a good piece for go to what does the least harm.
    gains = np.bincount(numbers, saved, len(chosen))
    fit = np.where(chosen, np.inf, gains)
    fit[substrings.lengths == 1] = -np.inf
    order = np.lexsort((-substrings.frequencies, -match.uses() * chosen, -fit))
    count = min(room, int((substrings.lengths > 1).sum()))
    return [substrings.pieces[number] for number in order[:count].tolist()]


def _among(substrings: Substrings, pieces: Sequence[str]) -> np.ndarray:
    wanted = set(pieces)
    chosen = np.array([piece in wanted for piece in substrings.pieces], dtype=bool)
    chosen[substrings.lengths == 1] = False
    return chosen


def _best(match: GreedyMatch, chosen: np.ndarray, room: int) -> np.ndarray:
    """Return the cheapest choice of ``room`` substrings that exchanges lead to (bool [S])."""
    best, least, most = chosen, np.inf, len(chosen)
    for number in range(ROUNDS):
        match.run(chosen)
        cost = match.cost()
        figures = ", ".join(f"{name} {value:.4f}" for name, value in match.measures().items())
        LOG.info("vocabulary: round %d: cost %d, %s", number, cost, figures)
        if cost > least * (1 - LEAST_SAVED):
            # Exchanges that are good one by one did harm together: fewer at once, from the best choice.
            most //= 4
        if cost < least:
            best, least = chosen, cost
        chosen, made = _exchange(match, chosen, room, most)
        most = min(most, made)
        if not made:
            break
    return best


def _exchange(
    match: GreedyMatch, chosen: np.ndarray, room: int, most: int
) -> tuple[np.ndarray, int]:
    """Return the choice after at most ``most`` exchanges that do not touch the same words, and how many."""
    numbers, places, saved = match.changes(chosen)
    gains = np.bincount(numbers, saved, len(chosen))
    order = np.lexsort((~chosen, -gains))
    wanted = np.zeros(len(chosen), dtype=bool)
    wanted[order[:room]] = True
    wanted &= gains > 0
    price = gains[order[room]] if room < len(order) else 0.0
    changed = np.flatnonzero(wanted != chosen)
    worth = np.abs(gains[changed] - max(price, 0.0))
    changed = changed[np.argsort(-worth, kind="stable")][:most]
    changed = _apart(match, changed, numbers, places, saved)
    result = chosen.copy()
    result[changed] = wanted[changed]
    surplus = int(result.sum()) - room
    if surplus > 0:
        added = changed[wanted[changed]]
        result[added[np.argsort(gains[added], kind="stable")[:surplus]]] = False
    return result, int((result != chosen).sum())


def _apart(
    match: GreedyMatch,
    changed: np.ndarray,
    numbers: np.ndarray,
    places: np.ndarray,
    saved: np.ndarray,
) -> np.ndarray:
    """Return the changes, the best first, that act mostly in words where no better one acts."""
    rank = np.full(len(match.substrings), len(changed), dtype=np.int64)
    rank[changed] = np.arange(len(changed))
    here = (rank[numbers] < len(changed)) & (saved != 0)
    ranks, effect = rank[numbers[here]], np.abs(saved[here])
    words = match.word_of(places[here])
    first = np.full(len(match.substrings.words), len(changed), dtype=np.int64)
    np.minimum.at(first, words, ranks)
    own = np.bincount(ranks, effect * (first[words] == ranks), len(changed))
    return changed[2 * own >= np.bincount(ranks, effect, len(changed))]
