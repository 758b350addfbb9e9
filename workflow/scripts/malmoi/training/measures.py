"""What is measured while training: sums over batches, and the stretch between two lines of the log."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from malmoi.training.model import PretrainingOutputs

#: Sums that ``batch_sums`` gives: MLM loss, count, correct; NSP loss, count, correct.
SUMS = 6

#: Adds up a list of numbers over all ranks.
SumOverRanks = Callable[[list[float]], list[float]]


def batch_sums(outputs: PretrainingOutputs) -> torch.Tensor:
    """Return the losses, counts and correct predictions of a batch as sums (float64 [6])."""
    values = [
        outputs.mlm_loss * outputs.mlm_count,
        outputs.mlm_count,
        outputs.mlm_correct,
        outputs.nsp_loss * outputs.nsp_count,
        outputs.nsp_count,
        outputs.nsp_correct,
    ]
    return torch.stack(values).double().detach()


def means(sums: list[float]) -> dict[str, float]:
    """Return mean losses and accuracies from sums; 0 where nothing was counted."""
    masked, pairs = max(1.0, sums[1]), max(1.0, sums[4])
    return {
        "mlm_loss": sums[0] / masked,
        "mlm_accuracy": sums[2] / masked,
        "nsp_loss": sums[3] / pairs,
        "nsp_accuracy": sums[5] / pairs,
    }


class Window:
    """What happened on one rank since the last line of the log.

    It is part of a checkpoint, so that a resumed run writes the same line as an uninterrupted one.
    """

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self.sums: torch.Tensor | None = None
        self.tokens = self.steps = 0
        self.rate = self.waited = 0.0
        self.restart_clock()

    def restart_clock(self, seconds: float = 0.0) -> None:
        """Count time from now on, ``seconds`` of it gone by."""
        self.started = time.perf_counter() - seconds

    def add(self, sums: torch.Tensor, tokens: int, rate: float, waited: float) -> None:
        """Add a step: this rank's sums, all ranks' tokens, the learning rate, seconds spent on data."""
        self.sums = sums if self.sums is None else self.sums + sums
        self.tokens += tokens
        self.steps += 1
        self.rate = rate
        self.waited += waited

    def close(self, sum_over_ranks: SumOverRanks) -> dict[str, float]:
        """Return the window's figures over all ranks and begin the next one."""
        own = [0.0] * SUMS if self.sums is None else self.sums.tolist()
        measured = means(sum_over_ranks(own))
        seconds = time.perf_counter() - self.started
        row = {
            "learning_rate": self.rate,
            "loss": measured["mlm_loss"] + measured["nsp_loss"],
            **measured,
            "tokens": self.tokens,
            "seconds": seconds,
            "tokens_per_second": self.tokens / seconds,
            "data_wait": self.waited / seconds,
        }
        self._reset()
        return row

    def state(self, rank: int, ranks: int, sum_over_ranks: SumOverRanks) -> dict:
        """Return the window as JSON, with the sums of every rank: float64 keeps all their digits."""
        own = [0.0] * SUMS if self.sums is None else self.sums.tolist()
        rows = [own if number == rank else [0.0] * SUMS for number in range(ranks)]
        shared = sum_over_ranks([value for row in rows for value in row])
        return {
            "sums": [shared[start : start + SUMS] for start in range(0, len(shared), SUMS)],
            **{"tokens": self.tokens, "steps": self.steps, "waited": self.waited},
            "seconds": time.perf_counter() - self.started,
        }

    def restore(self, state: dict, rank: int, device: torch.device) -> None:
        """Go on with the window of a checkpoint."""
        self.tokens, self.steps, self.waited = state["tokens"], state["steps"], state["waited"]
        self.sums = torch.tensor(state["sums"][rank], dtype=torch.float64, device=device)
        self.restart_clock(state["seconds"])
