"""Two training loops over the same instances: malmoi's, and one as an honest user of transformers writes it.

    python -m benchmarks.training.loops ours|plain PLAN

prints as JSON what the steps between the first ones and the last one took.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deepspeed
import numpy as np
import torch
from malmoi.instances.loader import IGNORED, InstanceStore, step_indices
from malmoi.training.feed import Feed
from malmoi.training.loop import Trainer
from malmoi.training.model import model_config
from malmoi.training.plan import Plan
from torch.utils.data import DataLoader, Dataset
from transformers import AutoTokenizer, BertForPreTraining

from benchmarks.peak import peak_mb

#: Steps before the clock starts, in which buffers are made. It stops before the last one begins.
WARMUP = 2


class _TimedTrainer(Trainer):
    """Notes the CPU-seconds at the begin of every step."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.times: list[float] = []

    def _train_step(self, feed: Feed) -> bool:
        self.times.append(time.process_time())
        return super()._train_step(feed)


def ours(plan: Plan) -> list[float]:
    """Train as a run does; return the CPU-seconds at the begin of each step."""
    trainer = _TimedTrainer(plan)
    trainer.run()
    return trainer.times


class _Instances(Dataset):
    """Instances as the datasets library hands them out: a mapping of lists."""

    def __init__(self, plan: Plan) -> None:
        self._store = InstanceStore(plan.phases[0].train, Path(plan.tokenizer) / "vocab.txt")

    def __len__(self) -> int:
        return len(self._store)

    def __getitem__(self, number: int) -> dict[str, Any]:
        rows = self._store.rows(np.array([number]))
        labels = np.full(len(rows.input_ids), IGNORED)
        labels[rows.mlm_positions] = rows.mlm_labels
        return {
            "input_ids": rows.input_ids.tolist(),
            "token_type_ids": rows.token_type_ids.tolist(),
            "labels": labels.tolist(),
            "next_sentence_label": int(rows.next_sentence_label[0]),
        }


def _batches(plan: Plan) -> Iterator[dict[str, torch.Tensor]]:
    """Yield the plan's global batches padded to the phase's length."""
    (phase,) = plan.phases
    tokenizer, length = AutoTokenizer.from_pretrained(plan.tokenizer), phase.max_seq_length

    def collate(features: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        labels = [feature.pop("labels") for feature in features]
        batch = tokenizer.pad(
            features, padding="max_length", max_length=length, return_tensors="pt"
        )
        batch["labels"] = torch.tensor(
            [label + [IGNORED] * (length - len(label)) for label in labels]
        )
        return dict(batch)

    data = _Instances(plan)
    order = [
        step_indices(len(data), step, phase.batch_size, plan.seed, phase.name).tolist()
        for step in range(phase.steps)
    ]
    yield from DataLoader(data, batch_sampler=order, collate_fn=collate)


def plain(plan: Plan) -> list[float]:
    """Do the same steps with transformers and DeepSpeed alone; return what ``ours`` returns."""
    deepspeed.init_distributed(verbose=False)
    settings = plan.settings
    model = BertForPreTraining(
        model_config(plan.vocabulary_size, settings["model"], settings["max_position_embeddings"])
    )
    decayed = [value for value in model.parameters() if value.ndim >= 2]
    others = [value for value in model.parameters() if value.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
        lr=settings["learning_rate"],
    )
    engine, *_ = deepspeed.initialize(
        model=model,
        optimizer=optimizer,
        config={
            "train_micro_batch_size_per_gpu": plan.phases[0].batch_size,
            "gradient_clipping": 1.0,
            "zero_optimization": {"stage": 1},
            "steps_per_print": 2**60,
        },
    )
    times = []
    engine.train()
    for batch in _batches(plan):
        times.append(time.process_time())
        loss = engine(**batch).loss
        engine.backward(loss)
        engine.step()
    return times


def main() -> None:
    """Run one of the loops and print its figures."""
    for name, value in (("RANK", "0"), ("LOCAL_RANK", "0"), ("WORLD_SIZE", "1")):
        os.environ[name] = value
    os.environ["MASTER_ADDR"] = "127.0.0.1"
    os.environ["MASTER_PORT"] = "29557"
    torch.set_num_threads(1)
    plan = Plan.load(sys.argv[2])
    times = (ours if sys.argv[1] == "ours" else plain)(plan)
    (phase,) = plan.phases
    store = InstanceStore(phase.train, Path(plan.tokenizer) / "vocab.txt")
    tokens = sum(
        int(
            store.lengths(
                step_indices(len(store), step, phase.batch_size, plan.seed, phase.name)
            ).sum()
        )
        for step in range(WARMUP, phase.steps - 1)
    )
    print(
        json.dumps(
            {"tokens": tokens, "cpu_seconds": times[-1] - times[WARMUP], "peak_mb": peak_mb()}
        ),
        flush=True,
    )
    os._exit(0)


if __name__ == "__main__":
    main()
