"""What is measured while training: sums over batches, and the stretch between two lines of the log."""

from __future__ import annotations

import math
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
        *(outputs.mlm_loss, outputs.mlm_count, outputs.mlm_correct),
        *(outputs.nsp_loss, outputs.nsp_count, outputs.nsp_correct),
    ]
    return torch.stack(values).double().detach()


def means(sums: list[float]) -> dict[str, float]:
    """Return mean losses and accuracies from sums; NaN where nothing was counted."""
    mlm_loss, masked, mlm_correct, nsp_loss, pairs, nsp_correct = sums
    return {
        "mlm_loss": mlm_loss / masked if masked else math.nan,
        "mlm_accuracy": mlm_correct / masked if masked else math.nan,
        "nsp_loss": nsp_loss / pairs if pairs else math.nan,
        "nsp_accuracy": nsp_correct / pairs if pairs else math.nan,
    }


class Window:
    """What happened on one rank since the last line of the log.

    It is part of a checkpoint, so that a resumed run writes the same line as an uninterrupted one.
    """

    def __init__(self, peak: float | None = None) -> None:
        """Begin a window; ``peak`` is the most FLOP/s of all ranks' devices together, None where unknown."""
        self.peak = peak
        self._reset()

    def _reset(self) -> None:
        self.sums: torch.Tensor | None = None
        self.tokens = self.flops = self.steps = 0
        self.rate = self.waited = 0.0
        self.restart_clock()

    def restart_clock(self, seconds: float = 0.0) -> None:
        """Count time from now on, ``seconds`` of it gone by."""
        self.started = time.perf_counter() - seconds

    def add(
        self, sums: torch.Tensor, *, tokens: int, flops: int, rate: float, waited: float
    ) -> None:
        """Add a step.

        Args:
            sums: this rank's ``batch_sums`` (float64 [6]), on its device; not read here, so nothing waits.
            tokens: tokens of all ranks that are no padding.
            flops: what ``step_flops`` gives for all ranks' part of the step.
            rate: the learning rate.
            waited: seconds this rank waited for data.
        """
        self.sums = sums if self.sums is None else self.sums + sums
        self.tokens += tokens
        self.flops += flops
        self.steps += 1
        self.rate = rate
        self.waited += waited

    def close(
        self, sum_over_ranks: SumOverRanks, grad_norm: float | torch.Tensor | None
    ) -> dict[str, float]:
        """Return the window's figures over all ranks and begin the next one.

        Figures that do not exist are NaN: of next sentences where no row was a pair, ``mfu`` where the peak is
        unknown, ``gpu_memory_gb`` on a CPU. docs/training.md says what each one is.

        Args:
            sum_over_ranks: adds up numbers over all ranks; all of them close their windows together.
            grad_norm: norm of the last step's gradient before clipping, None where it is not known.
        """
        sums = sum_over_ranks(self._own())
        # Read after the sums, which wait until the device is done with the steps.
        seconds = time.perf_counter() - self.started
        measured = means(sums)
        device = None if self.sums is None else self.sums.device
        row = {
            "learning_rate": self.rate,
            # Left out for want of pairs alone: a loss that became NaN must be seen.
            "loss": measured["mlm_loss"] + (measured["nsp_loss"] if sums[4] else 0.0),
            **measured,
            "grad_norm": math.nan if grad_norm is None else float(grad_norm),
            "tokens": self.tokens,
            "seconds": seconds,
            "tokens_per_second": self.tokens / seconds,
            "flops_per_second": self.flops / seconds,
            "mfu": self.flops / seconds / self.peak if self.peak else math.nan,
            "data_wait": self.waited / seconds,
            "gpu_memory_gb": torch.cuda.max_memory_allocated(device) / 1e9
            if device is not None and device.type == "cuda"
            else math.nan,
        }
        self._reset()
        return row

    def state(self, rank: int, ranks: int, sum_over_ranks: SumOverRanks) -> dict:
        """Return the window as JSON, with the sums of every rank: float64 keeps all their digits."""
        rows = [self._own() if number == rank else [0.0] * SUMS for number in range(ranks)]
        shared = sum_over_ranks([value for row in rows for value in row])
        return {
            "sums": [shared[start : start + SUMS] for start in range(0, len(shared), SUMS)],
            **{"tokens": self.tokens, "flops": self.flops, "steps": self.steps},
            "waited": self.waited,
            "seconds": time.perf_counter() - self.started,
        }

    def restore(self, state: dict, rank: int, ranks: int, device: torch.device) -> None:
        """Go on with the window of a checkpoint, which another number of ranks may have written.

        As many ranks as wrote it take up their own sums; otherwise the first takes all of them.
        """
        rows = state["sums"]
        if len(rows) == ranks:
            own = rows[rank]
        elif rank == 0:
            own = [sum(column) for column in zip(*rows, strict=True)]
        else:
            own = [0.0] * SUMS
        self.sums = torch.tensor(own, dtype=torch.float64, device=device)
        self.tokens, self.flops, self.steps = state["tokens"], state["flops"], state["steps"]
        self.waited = state["waited"]
        self.restart_clock(state["seconds"])

    def _own(self) -> list[float]:
        return [0.0] * SUMS if self.sums is None else self.sums.tolist()
