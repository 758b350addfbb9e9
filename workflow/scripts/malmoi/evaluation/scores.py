"""Figures of several models on the same items, their intervals, and which differences are chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from malmoi.evaluation.finetuning import Kind
from malmoi.evaluation.intervals import drawn, ends, figure, numbered


def scores(
    kind: Kind,
    targets: Sequence[Any],
    groups: Sequence[str],
    predictions: Mapping[str, Sequence[Sequence[Any]]],
    seed: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return each model's scores and the differences of ``trained`` to each other model.

    ``predictions`` maps a model to the predictions of each of its runs; models with as many runs as
    ``trained`` are resampled with the same draws of runs. The ``p`` of a difference is two-sided, the
    share of resamples on the other side of 0; ``p_holm`` is corrected for the number of baselines (Holm
    1979).
    """
    numbers, count = numbered(list(groups))
    tables: dict[str, np.ndarray] = {}
    for name, runs in predictions.items():
        columns = np.stack([kind.columns(targets, run) for run in runs], axis=1)
        tables[name] = np.zeros((count, *columns.shape[1:]))
        np.add.at(tables[name], numbers, columns)
    wholes = {name: table.sum(0) for name, table in tables.items()}
    most_runs = max(len(whole) for whole in wholes.values())
    of_groups, of_runs = drawn(count, seed, runs=most_runs)
    resampled = {}
    for name, table in tables.items():
        sums = of_groups.astype(np.float64) @ table.reshape(count, -1)
        figures = kind.figures(sums.reshape(len(sums), *table.shape[1:]), wholes[name])
        share = of_runs / most_runs if figures.shape[1] > 1 else np.ones((len(sums), 1))
        resampled[name] = np.einsum("br,brm->bm", share, figures)
    others = [name for name in tables if name != "trained"]
    differences_drawn = {name: resampled["trained"] - resampled[name] for name in others}
    low, high = ends(np.column_stack([*resampled.values(), *differences_drawn.values()]))
    per_run = {name: kind.figures(whole, whole) for name, whole in wholes.items()}
    means = {name: values.mean(0) for name, values in per_run.items()}
    point = np.concatenate([*means.values(), *(means["trained"] - means[name] for name in others)])
    rows = [
        {"mean": figure(p), "low": figure(a), "high": figure(b)}
        for p, a, b in zip(point, low, high, strict=True)
    ]
    width = len(kind.measures)
    cut = [rows[start : start + width] for start in range(0, len(rows), width)]
    models = {
        name: {
            **dict(zip(kind.measures, own, strict=True)),
            "runs": [
                dict(zip(kind.measures, map(figure, run), strict=True)) for run in per_run[name]
            ],
        }
        for name, own in zip(tables, cut, strict=False)
    }
    differences = {
        name: dict(zip(kind.measures, own, strict=True))
        for name, own in zip(others, cut[len(tables) :], strict=True)
    }
    for at, measure in enumerate(kind.measures):
        chances = [two_sided(differences_drawn[name][:, at]) for name in others]
        for name, chance, corrected in zip(others, chances, holm(chances), strict=True):
            differences[name][measure] |= {"p": figure(chance), "p_holm": figure(corrected)}
    return models, differences


def two_sided(differences: np.ndarray) -> float:
    """Return twice the smaller share of resampled differences on one side of 0, counting one more."""
    least = min(np.count_nonzero(differences <= 0), np.count_nonzero(differences >= 0))
    return min(1.0, 2 * (least + 1) / (len(differences) + 1))


def holm(chances: Sequence[float]) -> list[float]:
    """Return p-values corrected so that any false one among them is as rare as for one alone."""
    corrected = [0.0] * len(chances)
    highest = 0.0
    for rank, at in enumerate(np.argsort(chances, kind="stable")):
        highest = max(highest, min(1.0, (len(chances) - rank) * chances[at]))
        corrected[at] = highest
    return corrected
