"""A compiled model is compiled once for micro-batches of one shape, whatever their sequences' lengths."""

import numpy as np
import torch
from malmoi.instances.loader import Rows
from malmoi.training.feed import Filling, step_of
from malmoi.training.model import PretrainingModule, model_config, untrained
from torch._dynamo.testing import CompileCounter

VOCABULARY, LONGEST = 50, 32


def batch(seed: int) -> dict:
    draw = np.random.default_rng(seed)
    lengths = draw.integers(4, LONGEST + 1, 12)
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    places = np.flatnonzero(draw.random(ends[-1]) < 0.2)
    rows = Rows(
        input_ids=draw.integers(5, VOCABULARY, ends[-1]).astype(np.uint16),
        token_type_ids=draw.integers(0, 2, ends[-1]).astype(np.uint8),
        cu_seqlens=ends,
        mlm_positions=places,
        mlm_labels=draw.integers(5, VOCABULARY, len(places)).astype(np.uint16),
        mlm_offsets=np.searchsorted(places, ends),
        next_sentence_label=draw.integers(0, 2, len(lengths)),
    )
    step = step_of(rows, [len(rows)], "mlm+nsp", Filling(16 * LONGEST, 64, LONGEST))
    return next(step.micro_batches(torch.device("cpu")))


def test_other_lengths_compile_nothing_anew_and_losses_stay_the_same() -> None:
    model = {"layers": 2, "hidden_size": 32, "heads": 4, "dropout": 0.0}
    plain = PretrainingModule(untrained(model_config(VOCABULARY, model, LONGEST), 1))
    module = PretrainingModule(untrained(model_config(VOCABULARY, model, LONGEST), 1))
    counter = CompileCounter()
    torch._dynamo.reset()
    module.compile(dynamic=False, backend=counter)
    counts = []
    for seed in range(4):
        outputs, expected = module(batch(seed)), plain(batch(seed))
        torch.testing.assert_close(outputs, expected)
        counts.append(counter.frame_count)
    assert counts[0] > 0 and len(set(counts)) == 1, counts
