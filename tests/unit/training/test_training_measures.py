"""The figures of a stretch of steps, on one rank and on several, cut off and gone on with."""

import json
import math
from collections.abc import Callable

import pytest
import torch
from malmoi.training.measures import Window, means

CPU = torch.device("cpu")
#: What four steps gave on each of two ranks: MLM loss, count, correct; NSP loss, count, correct.
STEPS = [
    [[step + 0.1, 7 + rank, step, 1.3 * step, 4 - rank, rank] for rank in range(2)]
    for step in range(4)
]


def alone(values: list[float]) -> list[float]:
    return values


def beside(others: list[float]) -> Callable[[list[float]], list[float]]:
    return lambda values: [a + b for a, b in zip(values, others, strict=True)]


def add(window: Window, sums: list[float], rate: float = 1e-3) -> None:
    values = torch.tensor(sums, dtype=torch.float64)
    window.add(values, tokens=1000, flops=10**12, rate=rate, waited=0.25)


def saved(windows: list[Window]) -> dict:
    """Return the state two ranks save, by way of JSON as in a checkpoint."""
    ranks, shares = len(windows), []
    for rank in range(ranks):
        windows[rank].state(rank, ranks, lambda values: shares.append(values) or values)
    total = [sum(column) for column in zip(*shares, strict=True)]
    return json.loads(json.dumps(windows[0].state(0, ranks, lambda values: total)))


def test_the_figures_of_a_stretch() -> None:
    window = Window(peak=4e12)
    window.restart_clock(10.0)
    add(window, [20.0, 8, 2, 3.0, 4, 3])
    add(window, [20.0, 8, 2, 3.0, 4, 3], rate=2e-3)
    row = window.close(beside([10.0, 4, 4, 1.0, 4, 4]), torch.tensor(1.5))
    assert row["mlm_loss"] == 50 / 20
    assert row["mlm_accuracy"] == 8 / 20
    assert row["nsp_loss"] == 7 / 12
    assert row["nsp_accuracy"] == 10 / 12
    assert row["loss"] == 50 / 20 + 7 / 12
    assert row["learning_rate"] == 2e-3
    assert row["grad_norm"] == 1.5
    assert row["tokens"] == 2000
    assert row["seconds"] == pytest.approx(10, abs=0.5)
    assert row["tokens_per_second"] == pytest.approx(200, rel=0.05)
    assert row["flops_per_second"] == pytest.approx(2e11, rel=0.05)
    assert row["mfu"] == pytest.approx(0.05, rel=0.05)
    assert row["data_wait"] == pytest.approx(0.05, rel=0.05)
    assert math.isnan(row["gpu_memory_gb"])
    assert (window.steps, window.tokens, window.flops) == (0, 0, 0)


def test_what_does_not_exist_is_no_number() -> None:
    window = Window()
    add(window, [20.0, 8, 2, 0.0, 0, 0])
    row = window.close(alone, None)
    assert row["loss"] == row["mlm_loss"] == 2.5
    for name in ("nsp_loss", "nsp_accuracy", "grad_norm", "mfu", "gpu_memory_gb"):
        assert math.isnan(row[name]), name
    assert math.isnan(means([0.0] * 6)["mlm_loss"])


def test_a_loss_that_became_nan_is_seen() -> None:
    window = Window()
    add(window, [20.0, 8, 2, math.nan, 4, 0])
    assert math.isnan(window.close(alone, 1.0)["loss"])


@pytest.mark.parametrize("ranks", [2, 1, 3])
def test_a_window_goes_on_after_a_checkpoint_with_any_number_of_ranks(ranks: int) -> None:
    whole = [Window(1e15) for _ in range(2)]
    for step in STEPS[:3]:
        for window, sums in zip(whole, step, strict=True):
            add(window, sums)
    state = saved(whole)
    resumed = [Window(1e15) for _ in range(ranks)]
    for rank, window in enumerate(resumed):
        window.restore(state, rank, ranks, CPU)
    if ranks == 2:
        for old, new in zip(whole, resumed, strict=True):
            assert torch.equal(old.sums, new.sums)
    assert torch.stack([window.sums for window in resumed]).sum(0).tolist() == pytest.approx(
        torch.stack([window.sums for window in whole]).sum(0).tolist(), rel=1e-15
    )
    for window in resumed:
        assert (window.steps, window.tokens, window.flops) == (3, 3000, 3 * 10**12)
        assert window.waited == 0.75
    assert saved(resumed)["seconds"] >= state["seconds"]
