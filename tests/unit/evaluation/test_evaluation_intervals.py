"""Intervals cover the truth about as often as they say and treat a group as one observation."""

import numpy as np
from malmoi.evaluation.intervals import figure, interval, numbered


def mean_of(values):
    return lambda weights, _runs: np.array([weights @ values / weights.sum()])


def test_the_interval_of_a_mean_has_the_textbook_width():
    values = np.random.default_rng(0).normal(size=400)
    low, high = interval(400, mean_of(values), seed=1)
    expected = 2 * 1.96 * values.std() / 20
    assert low[0] < values.mean() < high[0]
    assert 0.85 < (high[0] - low[0]) / expected < 1.15


def test_intervals_cover_the_truth():
    generator = np.random.default_rng(3)
    covered = 0
    for trial in range(200):
        low, high = interval(60, mean_of(generator.normal(size=60)), seed=trial, resamples=200)
        covered += bool(low[0] <= 0 <= high[0])
    assert 0.88 <= covered / 200 <= 0.99


def test_the_seed_decides_the_interval():
    values = np.arange(50.0)
    one, two = (interval(50, mean_of(values), seed=4) for _ in range(2))
    assert one == two
    assert interval(50, mean_of(values), seed=5) != one


def test_runs_are_resampled_too():
    low, high = interval(
        1, lambda _groups, runs: np.array([runs @ [0.0, 1.0] / runs.sum()]), seed=1, runs=2
    )
    assert (low[0], high[0]) == (0.0, 1.0)


def test_names_are_numbered_alike_and_undefined_figures_are_none():
    numbers, count = numbered(["b", "a", "b"])
    assert numbers.tolist() == [1, 0, 1]
    assert count == 2
    assert figure(float("nan")) is None
    assert figure(1 / 3) == 0.333333
