"""Look out for steps that went wrong, without making the device wait for the host."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

#: Steps whose mean loss a spike is measured by, and how many of them there must be.
RECENT, ENOUGH = 100, 20


class Watch:
    """Judges each step's loss and gradient norm when the next one is under way.

    Reading a value from a GPU at once would leave it idle until the next step is launched; one step later
    the value has long been there. A step found bad has then been followed by another, which does no harm:
    both are undone by going back to a checkpoint.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Begin with no step seen; ``settings`` is ``pretrain.bad_steps``."""
        self._factor: float | None = settings["spike_factor"]
        #: Losses of the last good steps, oldest first.
        self.recent: list[float] = []
        #: The first step that went wrong and what is wrong with it; None while all is well.
        self.bad: tuple[int, str] | None = None
        self._pending: tuple[int, torch.Tensor, torch.cuda.Event | None] | None = None

    def submit(self, step: int, values: torch.Tensor) -> None:
        """Hand over the loss and the gradient norm of all ranks' ``step`` (float64 [2], on the device).

        The step before it is judged.
        """
        self.judge()
        if not values.is_cuda:
            self._pending = (step, values.clone(), None)
            return
        copy = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
        copy.copy_(values, non_blocking=True)
        arrived = torch.cuda.Event()
        arrived.record()
        self._pending = (step, copy, arrived)

    def judge(self) -> None:
        """Judge the step handed over last, waiting for its values."""
        if self._pending is None or self.bad:
            return
        step, values, arrived = self._pending
        self._pending = None
        if arrived is not None:
            arrived.synchronize()
        loss, norm = values.tolist()
        wrong = self._wrong(loss, norm)
        if wrong:
            self.bad = step, wrong
        else:
            self.recent = [*self.recent, loss][-RECENT:]

    def _wrong(self, loss: float, norm: float) -> str | None:
        if not math.isfinite(loss):
            return f"its loss is {loss}"
        if not math.isfinite(norm):
            return f"the norm of its gradient is {norm}"
        mean = sum(self.recent) / max(1, len(self.recent))
        if self._factor and len(self.recent) >= ENOUGH and loss > self._factor * mean:
            return (
                f"its loss is {loss:.3f}, over {self._factor:g} times the mean of the last "
                f"{len(self.recent)} steps ({mean:.3f})"
            )
        return None

    def forget(self, recent: list[float]) -> None:
        """Go on from a checkpoint, which has the ``recent`` losses of its time."""
        self._pending, self.bad, self.recent = None, None, list(recent)
