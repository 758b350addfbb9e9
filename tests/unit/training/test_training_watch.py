"""Steps that went wrong are noticed, one step later at the latest."""

import math

import pytest
import torch
from malmoi.training.watch import ENOUGH, RECENT, Watch


def watched(losses: list[float], factor: float | None = 2.0, norm: float = 1.0) -> Watch:
    watch = Watch({"spike_factor": factor})
    for step, loss in enumerate(losses):
        watch.submit(step, torch.tensor([loss, norm], dtype=torch.float64))
    watch.judge()
    return watch


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_bad_at_once(value: float) -> None:
    assert watched([3.0, value, 3.0]).bad == (1, f"its loss is {value}")
    assert watched([3.0], norm=value).bad == (0, f"the norm of its gradient is {value}")


def test_a_spike_is_measured_by_the_steps_before_it() -> None:
    usual = [3.0] * ENOUGH
    assert watched([*usual, 5.9]).bad is None
    bad = watched([*usual, 6.1, 3.0]).bad
    assert bad is not None and bad[0] == ENOUGH
    assert "its loss is 6.100, over 2 times the mean of the last 20 steps (3.000)" in bad[1]
    assert watched([*usual, 600.0], factor=None).bad is None
    # With too few steps to compare with, and by old losses, none is a spike.
    assert watched([3.0] * (ENOUGH - 1) + [600.0]).bad is None
    assert watched([0.1] * ENOUGH + [3.0 * 0.06] * RECENT + [0.35]).bad is None


def test_a_watch_goes_on_with_the_losses_of_a_checkpoint() -> None:
    watch = watched([3.0] * ENOUGH)
    other = Watch({"spike_factor": 2.0})
    other.forget(watch.recent)
    other.submit(7, torch.tensor([6.1, 1.0], dtype=torch.float64))
    assert other.bad is None
    other.judge()
    assert other.bad is not None and other.bad[0] == 7
    other.forget(watch.recent)
    assert other.bad is None
