"""Runs that go on with other ranks or at another ZeRO stage, beside those that do not change."""

from __future__ import annotations

import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from malmoi.instances.batches import IGNORED
from malmoi.training import checkpoint
from malmoi.training.feed import Steps
from malmoi.training.plan import Plan
from tools.training_runs import curve, finish, make_data, make_run

STEPS, CHANGE = 40, 20

#: Ranks and ZeRO stage before the change and after it.
CHANGES = (((2, 1), (1, 1)), ((1, 1), (2, 1)), ((2, 1), (2, 3)), ((2, 3), (2, 2)))


def measure(data: Path, work: Path) -> dict[str, float]:
    """Train half the steps in one layout and half in another; ``data`` is not used.

    ``world_size_max_rel`` is the largest difference of a step's loss, relative, to the run that kept its
    layout, from the change on and without dropout; ``world_size_2_1_to_1_1`` and so on that of one change
    from ranks and stage to others. With dropout, which draws other numbers on other ranks, the run from two
    ranks to one must have the same data: ``world_size_data_differences`` counts steps that have another number
    of tokens in the runs' logs, or other sequences in what the ranks together are fed.
    """
    folder = work / "world_size"
    shutil.rmtree(folder, ignore_errors=True)
    manifest = make_data(folder / "data")
    whole: dict[tuple[int, int], Plan] = {}
    values: dict[str, float] = {}
    for before, after in CHANGES:
        if before not in whole:
            whole[before] = finish(_plan(manifest, folder / f"whole_{_name(before)}", before))
        name = f"{_name(before)}_to_{_name(after)}"
        changed = _changed(whole[before], _plan(manifest, folder / name, after))
        apart = (curve(changed)["loss"] / curve(whole[before])["loss"] - 1).abs()
        assert apart[:CHANGE].max() == 0, "the steps before the change are not of the same run"
        values[f"world_size_{name}"] = float(apart[CHANGE:].max())
    values["world_size_max_rel"] = max(values.values())
    with_dropout = finish(_plan(manifest, folder / "dropout", (2, 1), dropout=0.1))
    changed = _changed(with_dropout, _plan(manifest, folder / "dropout_1", (1, 1), dropout=0.1))
    tokens = curve(changed)["tokens"] != curve(with_dropout)["tokens"]
    assert (curve(changed)["loss"] != curve(with_dropout)["loss"]).any(), "dropout changed nothing"
    fed = _sequences(changed, 1) != _sequences(with_dropout, 2)
    values["world_size_data_differences"] = int((tokens | fed).sum())
    return values


def _name(layout: tuple[int, int]) -> str:
    return f"{layout[0]}_{layout[1]}"


def _plan(manifest: Path, folder: Path, layout: tuple[int, int], dropout: float = 0.0) -> Plan:
    ranks, stage = layout
    return make_run(
        manifest,
        folder,
        steps=STEPS,
        micro_batch_size=4,
        model={"layers": 2, "hidden_size": 64, "heads": 2, "dropout": dropout},
        runtime={
            **{"ranks": ranks, "zero_stage": stage},
            **{"checkpoint_every": CHANGE, "keep_checkpoints": 10},
        },
    )


def _changed(before: Plan, plan: Plan) -> Plan:
    """Finish a plan from the middle of another's run."""
    source, target = Path(before.checkpoints), Path(plan.checkpoints)
    assert source.name == target.name, "ranks and stage are no part of the fingerprint"
    target.mkdir(parents=True)
    name = checkpoint.name_of(CHANGE)
    shutil.copytree(source / name, target / name)
    shutil.copy(source / "log.jsonl", target / "log.jsonl")
    return finish(plan)


def _sequences(plan: Plan, ranks: int) -> np.ndarray:
    """Return, for each step, what its sequences are over all ranks, whatever their order (object [STEPS])."""
    feeds = [Steps(plan, rank, ranks, 0) for rank in range(ranks)]
    found = np.empty(STEPS, dtype=object)
    for step in range(STEPS):
        found[step] = Counter()
        for feed in feeds:
            for batch in feed[step].micro_batches(torch.device("cpu")):
                spans = pairwise(batch["cu_seqlens"].tolist())
                labels = batch["next_sentence_label"].tolist()
                ids = batch["input_ids"].numpy()
                # What micro-batches are filled up with has no label.
                found[step].update(
                    ids[first:last].tobytes()
                    for (first, last), label in zip(spans, labels, strict=False)
                    if label != IGNORED
                )
    return found
