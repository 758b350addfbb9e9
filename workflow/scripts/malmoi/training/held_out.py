"""Losses and accuracies on held-out instances while a run goes on."""

from __future__ import annotations

from pathlib import Path

import deepspeed
import numpy as np
import torch

from malmoi.instances.loader import InstanceStore, step_indices
from malmoi.training.feed import filling_of, step_of
from malmoi.training.measures import SUMS, batch_sums
from malmoi.training.plan import Phase, Plan


def held_out_sums(
    engine: deepspeed.DeepSpeedEngine, plan: Plan, phase: Phase, rank: int, ranks: int
) -> torch.Tensor | None:
    """Return this rank's sums (float64 [6]) over its part of a phase's held-out instances.

    ``pretrain.held_out_instances`` of them are drawn, the same ones each time. None where there are none. All
    ranks must call it together: under ZeRO-3 each forward pass is collective.
    """
    store = InstanceStore([phase.held_out], Path(plan.tokenizer) / "vocab.txt")
    count = min(len(store), plan.settings["held_out_instances"])
    if count == 0:
        return None
    parts = np.array_split(step_indices(len(store), 0, count, plan.seed, "held out"), ranks)
    size, filling = phase.micro_batch_size, filling_of(plan, phase)
    sums = torch.zeros(SUMS, dtype=torch.float64, device=engine.device)
    engine.eval()
    with torch.no_grad():
        # The first part is the largest: the others make as many passes, the last perhaps of nothing.
        for start in range(0, len(parts[0]), size):
            rows = store.rows(parts[rank][start : start + size])
            step = step_of(rows, [len(rows)], plan.settings["objective"], filling)
            for batch in step.micro_batches(engine.device):
                sums += batch_sums(engine(batch))
    return sums
