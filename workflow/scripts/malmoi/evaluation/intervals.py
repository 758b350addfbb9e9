"""95 % intervals by resampling what is independent: groups of documents and seeds, never tokens.

The percentile bootstrap over clusters (Efron and Tibshirani 1993). Every figure of one call is
computed from the same resamples, so a difference between two models gets a paired interval.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from malmoi.sampling import below, key

RESAMPLES = 1000


def interval(
    groups: int,
    statistic: Callable[[np.ndarray, np.ndarray], np.ndarray],
    seed: int,
    runs: int = 1,
    resamples: int = RESAMPLES,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the 2.5th and the 97.5th percentile (float64 [F] each) of F figures.

    ``statistic`` maps how often each group (int64 [groups]) and each run, that is each seed (int64
    [runs]), was drawn to the F figures; a figure that a resample leaves undefined is NaN and is
    passed over.
    """
    draws = zip(*drawn(groups, seed, runs, resamples), strict=True)
    return ends(np.stack([statistic(of_groups, of_runs) for of_groups, of_runs in draws]))


def drawn(
    groups: int, seed: int, runs: int = 1, resamples: int = RESAMPLES
) -> tuple[np.ndarray, np.ndarray]:
    """Return how often each resample draws each group and each run (int64 [resamples, groups or runs])."""
    group_stream = key(seed, "bootstrap", "groups")
    run_stream = key(seed, "bootstrap", "runs")
    return (
        np.stack([_multiplicities(groups, group_stream, number) for number in range(resamples)]),
        np.stack([_multiplicities(runs, run_stream, number) for number in range(resamples)]),
    )


def ends(figures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 2.5th and the 97.5th percentile of each column, passing over NaN."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="All-NaN slice encountered")
        low, high = np.nanpercentile(figures, [2.5, 97.5], axis=0)
    return low, high


def _multiplicities(size: int, stream: int, resample: int) -> np.ndarray:
    counters = np.arange(size, dtype=np.uint64) + np.uint64(resample * size)
    return np.bincount(below(stream, counters, size), minlength=size)


def numbered(names: list[str]) -> tuple[np.ndarray, int]:
    """Return a number for each name (int64, equal for equal names) and how many there are."""
    _, numbers = np.unique(np.asarray(names, dtype=object).astype(str), return_inverse=True)
    return numbers, int(numbers.max()) + 1 if len(numbers) else 0


def figure(value: float) -> float | None:
    """Return ``value`` with six decimals, None where it is undefined.

    The last bits of a sum depend on the number of threads, so they are no part of a result.
    """
    return round(float(value), 6) if np.isfinite(value) else None
