"""Bring each rank its part of every global step, made ahead of time in worker processes."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from malmoi.instances.loader import (
    IGNORED,
    InstanceStore,
    micro_batches,
    padded,
    step_epochs,
    step_indices,
)
from malmoi.training.plan import Phase, Plan
from malmoi.training.processes import end_with_parent

#: Steps that each worker has ready.
AHEAD = 2

_RECTANGLES = ("input_ids", "token_type_ids", "attention_mask", "labels")


class Step(NamedTuple):
    """One rank's part of a global step, in one tensor: a step of many micro-batches would otherwise need
    as many open files on its way from the worker.

    ``values`` (int32) holds, of each micro-batch, ids, token types, attention mask and labels of its
    ``shapes`` entry (rows, width), then a pair label per row. ``masked``, ``tokens`` and ``pairs`` count
    masked positions, tokens and rows with a pair label.
    """

    values: torch.Tensor
    shapes: list[list[int]]
    masked: int
    tokens: int
    pairs: int

    def micro_batches(self, device: torch.device) -> Iterator[dict[str, torch.Tensor]]:
        """Yield the micro-batches (int64) on a device, to which all go in one copy."""
        values = self.values.to(device, non_blocking=True)
        sizes = [(4 * width + 1) * rows for rows, width in self.shapes]
        for (rows, width), part in zip(self.shapes, values.split(sizes), strict=True):
            part = part.long()
            rectangles = part[: 4 * rows * width].view(4, rows, width)
            yield {
                **dict(zip(_RECTANGLES, rectangles, strict=True)),
                "next_sentence_label": part[4 * rows * width :],
            }


class Steps(Dataset):
    """The global steps of a plan by number; a step depends on its number and on the plan alone."""

    def __init__(self, plan: Plan, rank: int, ranks: int, first: int) -> None:
        self._plan, self._rank, self._ranks = plan, rank, ranks
        self._opened: tuple[str, InstanceStore] | None = None
        # Workers take the open files over, and what is wrong with one is said here, not in a worker.
        self._store(plan.phase_at(first)[0])

    def __getitem__(self, step: int) -> Step:
        plan = self._plan
        phase, phase_step = plan.phase_at(step)
        store = self._store(phase)
        indices = step_indices(len(store), phase_step, phase.batch_size, plan.seed, phase.name)
        epochs = step_epochs(len(store), phase_step, phase.batch_size)
        parts = micro_batches(
            store.lengths(indices),
            self._rank,
            self._ranks,
            micro_batch_size=phase.micro_batch_size,
        )
        own = np.concatenate(parts)
        rows = store.rows(indices[own], epochs[own], step / plan.total_steps)
        values, shapes, start = [], [], 0
        for part in parts:
            batch = padded(
                rows.part(start, start + len(part)),
                limit=plan.settings["max_position_embeddings"],
            )
            start += len(part)
            shapes.append(list(batch["input_ids"].shape))
            values += [batch[name].reshape(-1) for name in (*_RECTANGLES, "next_sentence_label")]
        return Step(
            values=torch.from_numpy(np.concatenate(values)),
            shapes=shapes,
            masked=len(rows.mlm_positions),
            tokens=len(rows.input_ids),
            pairs=int((rows.next_sentence_label != IGNORED).sum()),
        )

    def _store(self, phase: Phase) -> InstanceStore:
        if self._opened is None or self._opened[0] != phase.name:
            vocabulary = Path(self._plan.tokenizer) / "vocab.txt"
            self._opened = phase.name, InstanceStore(phase.train, vocabulary)
        return self._opened[1]


class Feed:
    """The steps of a plan from ``first`` to the last, in order, for one rank.

    ``pretrain.runtime.loader_workers`` processes make them ahead (0: this process makes each when it is
    asked for); their number changes nothing about the steps. One that dies raises ``RuntimeError`` here at
    once. ``close`` ends them.

    Raises:
        InputError: the instances of the first phase cannot be read.
    """

    def __init__(self, plan: Plan, rank: int, ranks: int, first: int, device: torch.device) -> None:
        workers = plan.settings["runtime"]["loader_workers"]
        loader = DataLoader(
            Steps(plan, rank, ranks, first),
            batch_size=None,
            sampler=range(first, plan.total_steps),
            num_workers=workers,
            prefetch_factor=AHEAD if workers else None,
            # Forked workers need no start-up; they touch neither the network nor a GPU.
            multiprocessing_context="fork" if workers else None,
            worker_init_fn=_begin_worker,
            pin_memory=device.type == "cuda",
            # The loader draws a number for its workers, which none here uses: not from torch's own state.
            generator=torch.Generator(),
        )
        self._steps = iter(loader)

    def __iter__(self) -> Feed:
        return self

    def __next__(self) -> Step:
        try:
            return next(self._steps)
        except (ConnectionError, EOFError, FileNotFoundError):
            # A worker died while handing over a step. The signal of its end, whose handler raises what it
            # died of, comes a moment later.
            time.sleep(5)
            raise

    def close(self) -> None:
        """End the workers; there are no steps after it."""
        self._steps = iter(())


def _begin_worker(number: int) -> None:
    """Leave it to the rank what to do when the whole run is asked to stop: it still needs its data."""
    for name in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(name, signal.SIG_IGN)
    end_with_parent()
