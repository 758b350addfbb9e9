"""Choose what to mask: whole units, 15 % of the tokens, 80/10/10 per unit.

Follows Devlin et al. 2019 and the whole-word variant of google-research/bert: units are taken in random
order, one that would exceed the budget is skipped, and of the chosen ones 80 % become [MASK], 10 % a
random piece and 10 % stay. Everything is done for all instances of a shard at once.
"""

from __future__ import annotations

import numpy as np

from malmoi import sampling


def choose_units(
    lengths: np.ndarray, instance: np.ndarray, budgets: np.ndarray, stream: int
) -> np.ndarray:
    """Return which units are masked (bool [U]).

    ``lengths`` int64 [U] are tokens per unit, ``instance`` int64 [U] ascending is the instance of each and
    ``budgets`` int64 [I] the tokens to mask per instance. A unit is chosen in random order if it fits
    into what is left of the budget.
    """
    chosen = np.zeros(len(lengths), dtype=bool)
    left = budgets.astype(np.int64).copy()
    order = np.lexsort((sampling.bits(stream, np.arange(len(lengths))), instance))
    while len(order):
        order = order[lengths[order] <= left[instance[order]]]
        if not len(order):
            break
        owner = instance[order]
        running = np.cumsum(lengths[order])
        first = np.r_[True, owner[1:] != owner[:-1]]
        # Tokens of the instance's earlier units; the first unit of each instance restarts the count.
        before = np.maximum.accumulate(np.where(first, running - lengths[order], 0))
        fits = running - before <= left[owner]
        # Up to the first unit that does not fit all are taken; that one is skipped and the rest tried again.
        blocked = np.cumsum(~fits)
        start = np.maximum.accumulate(np.where(first, blocked - ~fits, 0))
        taken = order[(blocked == start) & fits]
        chosen[taken] = True
        np.subtract.at(left, instance[taken], lengths[taken])
        waiting = np.ones(len(order), dtype=bool)
        waiting[(blocked == start) & fits] = False
        order = order[waiting]
    return chosen


def budgets(tokens: np.ndarray, rate: float, stream: int) -> np.ndarray:
    """Return tokens to mask per instance: ``rate`` of them, the fraction rounded at random, at least one."""
    exact = tokens * rate
    chance = sampling.uniform(stream, np.arange(len(tokens)))
    return np.maximum(1, np.floor(exact + chance)).astype(np.int64)


def replacements(
    ids: np.ndarray,
    unit: np.ndarray,
    mask_id: int,
    candidates: np.ndarray,
    stream: int,
) -> np.ndarray:
    """Return what the model sees at masked positions (like ``ids``).

    ``unit`` int64 [T] is each position's unit: one draw per unit decides between [MASK] (80 %), random pieces
    of ``candidates`` (10 %, drawn per token) and the token itself (10 %).
    """
    fate = sampling.uniform(sampling.key(stream, "fate"), unit)
    drawn = sampling.below(sampling.key(stream, "piece"), np.arange(len(ids)), len(candidates))
    seen = np.where(fate < 0.8, mask_id, np.where(fate < 0.9, candidates[drawn], ids))
    return seen.astype(ids.dtype)
