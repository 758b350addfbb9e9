"""Bring each rank its part of every global step, made ahead of time in worker processes."""

from __future__ import annotations

import functools
import os
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
    Rows,
    left_to_right,
    micro_batches,
    packed,
    step_epochs,
    step_indices,
)
from malmoi.training.plan import Phase, Plan
from malmoi.training.processes import end_with_parent

#: Steps that each worker has ready.
AHEAD = 2

#: The arrays of a micro-batch, with what gives each its length: tokens, sequences' ends, masks or pairs.
_ARRAYS = {
    "input_ids": 0,
    "token_type_ids": 0,
    "position_ids": 0,
    "cu_seqlens": 1,
    "masked_positions": 2,
    "masked_labels": 2,
    "next_sentence_label": 3,
}

#: Arrays that the model wants as they are; the others become int64.
_NARROW = ("cu_seqlens",)


class Step(NamedTuple):
    """One rank's part of a global step, in one tensor: a step of many micro-batches would otherwise need
    as many open files on its way from the worker.

    ``values`` (int32) holds the arrays of ``malmoi.instances.batches.packed`` of each micro-batch; its entry
    of ``shapes`` has their lengths (tokens, sequences + 1, masked positions, pair labels) and the longest
    sequence. ``masked``, ``tokens``, ``squared_lengths`` and ``pairs`` count masked positions, tokens, the
    squares of the sequences' lengths and rows with a pair label.
    """

    values: torch.Tensor
    shapes: list[list[int]]
    masked: int
    tokens: int
    squared_lengths: int
    pairs: int

    def micro_batches(self, device: torch.device) -> Iterator[dict[str, torch.Tensor | int]]:
        """Yield the micro-batches on a device, to which all go in one copy."""
        values, start = self.values.to(device, non_blocking=True), 0
        for *lengths, longest in self.shapes:
            batch: dict[str, torch.Tensor | int] = {"max_seqlen": longest}
            for name, which in _ARRAYS.items():
                part = values[start : start + lengths[which]]
                start += lengths[which]
                batch[name] = part if name in _NARROW else part.long()
            yield batch


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
        budget = phase.micro_batch_size * phase.max_seq_length
        parts = micro_batches(
            store.lengths(indices), self._rank, self._ranks, micro_batch_tokens=budget
        )
        own = np.concatenate(parts)
        rows = store.rows(indices[own], epochs[own], step / plan.total_steps)
        sizes = [len(part) for part in parts]
        return step_of(rows, sizes, plan.settings["objective"], filling_of(plan, phase))

    def _store(self, phase: Phase) -> InstanceStore:
        if self._opened is None or self._opened[0] != phase.name:
            vocabulary = Path(self._plan.tokenizer) / "vocab.txt"
            self._opened = phase.name, InstanceStore(phase.train, vocabulary)
        return self._opened[1]


class Filling(NamedTuple):
    """How micro-batches are filled up, so that a model sees few shapes: ``tokens`` to a multiple of that,
    sequences and masked positions as ``multiple`` of ``malmoi.instances.batches.packed`` says, and the longest
    sequence given out as ``longest`` (None: as it is).
    """

    tokens: int = 1
    multiple: int = 1
    longest: int | None = None


UNFILLED = Filling()


def filling_of(plan: Plan, phase: Phase) -> Filling:
    """Return how the micro-batches of a phase are filled up.

    A compiled model is built anew for each shape, so that all have one. Otherwise shapes are rounded: a CPU's
    allocator keeps memory of every size it gave out once, and a rank grew to three times what it needs.
    """
    budget = phase.micro_batch_size * phase.max_seq_length
    if plan.settings["runtime"]["compile"]:
        return Filling(budget, 64, phase.max_seq_length)
    return Filling(max(1, budget // 32), 8)


def step_of(rows: Rows, sizes: list[int], objective: str, filling: Filling = UNFILLED) -> Step:
    """Return instances as a step of micro-batches of ``sizes`` instances each, for an objective."""
    if objective == "ltr":
        rows = left_to_right(rows)
    values, shapes, start = [], [], 0
    for size in sizes:
        part = rows.part(start, start + size)
        start += size
        # A micro-batch without instances, which a small batch leaves to some ranks, still needs a token.
        tokens = max(1, len(part.input_ids))
        batch = packed(part, tokens + -tokens % filling.tokens, filling.multiple)
        values += [batch[name] for name in _ARRAYS]
        lengths = [
            len(batch[name])
            for name in ("input_ids", "cu_seqlens", "masked_labels", "next_sentence_label")
        ]
        shapes.append([*lengths, filling.longest or batch["max_seqlen"]])
    return Step(
        values=torch.from_numpy(np.concatenate(values, dtype=np.int32, casting="same_kind")),
        shapes=shapes,
        masked=len(rows.mlm_positions),
        tokens=len(rows.input_ids),
        squared_lengths=int(np.square(rows.lengths).sum()),
        pairs=int((rows.next_sentence_label != IGNORED).sum()),
    )


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
            worker_init_fn=functools.partial(_begin_worker, os.getpid()),
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


def _begin_worker(rank_process: int, number: int) -> None:
    """Leave it to the rank what to do when the whole run is asked to stop: it still needs its data."""
    for name in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(name, signal.SIG_IGN)
    end_with_parent(rank_process)
