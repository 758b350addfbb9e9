"""Losses and gradients of tokens end to end, beside plain transformers on the same instances padded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from malmoi.instances.loader import Rows, padded
from malmoi.training.feed import Filling, step_of
from malmoi.training.model import PretrainingModule, model_config, untrained

MODEL = {"layers": 4, "hidden_size": 256, "heads": 4, "dropout": 0.0}  # BERT-mini
VOCABULARY, LONGEST = 2000, 512

#: What a token is masked with, and how often.
MASK, RATE = 4, 0.15

SEED = 20


def measure(data: Path, work: Path) -> dict[str, float]:
    """Compare ``PretrainingModule`` with ``BertForPreTraining`` batch by batch; ``data`` is not used.

    ``packed_loss_diff`` is the largest difference of the loss, MLM and next sentence together, relative to that
    of transformers, which computes all positions of a padded rectangle; ``packed_grad_diff`` the largest of any
    weight's gradient. Both are in float32 and without dropout. ``packed_fill_…`` is the same for micro-batches
    filled up to one shape, as a compiled model wants them.
    """
    torch.set_num_threads(1)
    values: dict[str, float] = {"packed_batches": len(LENGTHS)}
    for name, filling in (("packed", Filling()), ("packed_fill", Filling(3584, 64, LONGEST))):
        found = np.array([compare(lengths, filling) for lengths in LENGTHS.values()])
        values[f"{name}_loss_diff"], values[f"{name}_grad_diff"] = found.max(axis=0).tolist()
    return values


def _lengths() -> dict[str, list[int]]:
    draw = np.random.default_rng(SEED)
    return {
        "equal": [64] * 8,
        "short": draw.integers(4, 9, 40).tolist(),
        "long": [512, 511, 509, 512],
        "short and long": [512, *draw.integers(4, 12, 6).tolist(), 500],
        "one": [200],
        "shortest": [3],
        "drawn": draw.integers(4, 129, 32).tolist(),
        "drawn to 512": draw.integers(4, 513, 8).tolist(),
    }


#: Tokens of the sequences of each batch.
LENGTHS = _lengths()


def compare(lengths: list[int], filling: Filling) -> tuple[float, float]:
    """Return the relative difference of the loss and the largest one of a gradient's values."""
    rows = instances(lengths)
    # Each has a configuration of its own, in which the first names its attention.
    networks = [untrained(model_config(VOCABULARY, MODEL, LONGEST), SEED) for _ in range(2)]
    ours, plain = PretrainingModule(networks[0]), networks[1]
    (batch,) = step_of(rows, [len(rows)], "mlm+nsp", filling).micro_batches(torch.device("cpu"))
    outputs = ours(batch)
    loss = outputs.mlm_loss / outputs.mlm_count + outputs.nsp_loss / outputs.nsp_count
    loss.backward()
    rectangle = padded(rows, limit=LONGEST)
    expected = plain(**{name: torch.from_numpy(value).long() for name, value in rectangle.items()})
    expected.loss.backward()
    pairs = zip(ours.model.named_parameters(), plain.parameters(), strict=True)
    apart = [
        float((own.grad - other.grad).abs().max())
        for (_, own), other in pairs
        if own.grad is not None and other.grad is not None
    ]
    assert len(apart) == len(list(plain.parameters())), "a weight has no gradient"
    return abs(loss.item() / expected.loss.item() - 1), max(apart)


def instances(lengths: list[int]) -> Rows:
    """Return made instances of the given lengths, each with masks and a pair label."""
    draw = np.random.default_rng(len(lengths))
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    ids = draw.integers(5, VOCABULARY, ends[-1]).astype(np.uint16)
    chosen = draw.random(ends[-1]) < RATE
    chosen[ends[:-1] + 1] = True  # a batch without any has no loss
    places = np.flatnonzero(chosen)
    labels = ids[places]
    ids[places] = MASK
    return Rows(
        input_ids=ids,
        token_type_ids=draw.integers(0, 2, len(ids)).astype(np.uint8),
        cu_seqlens=ends,
        mlm_positions=places,
        mlm_labels=labels,
        mlm_offsets=np.searchsorted(places, ends),
        next_sentence_label=draw.integers(0, 2, len(lengths)),
    )
