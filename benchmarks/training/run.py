"""Measure pretraining: exact resume, ranks and stages, equality with transformers, speed, learning.

    make bench AREA=training DATA=../shared/data

Writes ``results.json`` (flat: name -> number, null where there is no GPU) and ``README.md`` beside this file.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts"), str(ROOT / "tests")]

from benchmarks.area import Figure, Wanted, main  # noqa: E402
from benchmarks.training import learning, parity  # noqa: E402

#: The modules that measure, in the order they run.
PARTS = ("packed", "export", "parity", "world_size", "kills", "cpu", "learning", "gpu")

#: What the figures should be at least (>=) or at most (<=), and what they say.
WANTED: Wanted = {
    "kills": (">=", 30, "SIGKILLs of all processes, in one run of each of ZeRO 1, 2, 3 on 2 ranks"),
    "kill_curve_differences": ("<=", 0, "values of curves and weights that differ after them"),
    "torn_save_recovered": (">=", 6, "torn saves and cut checkpoints after which a run ends alike"),
    "world_size_max_rel": (
        "<=",
        1e-5,
        "relative difference of a loss after ranks or ZeRO stage were changed",
    ),
    "world_size_data_differences": ("<=", 0, "steps with other data on another number of ranks"),
    "parity_max_rel": (
        "<=",
        1e-3,
        "relative difference of the loss at step 50 over stages, ranks and precisions",
    ),
    "packed_loss_diff": ("<=", 1e-6, "relative difference of the loss to padded transformers"),
    "packed_grad_diff": ("<=", 1e-5, "difference of a gradient to padded transformers"),
    "cpu_ratio_vs_plain": (
        ">=",
        1.5,
        "non-pad tokens per CPU-second, beside plain transformers and DeepSpeed, mini",
    ),
    "export_max_diff": ("<=", 1e-6, "difference of the exported model's outputs"),
    "export_key_faults": ("<=", 0, "missing or unexpected keys of the export"),
    "nsp_google_accuracy": (">=", 0.9, "next-sentence accuracy on held-out pairs, mode google"),
    "continued_below_scratch_share": (
        ">=",
        1,
        "held-out points at which continued pretraining is below scratch",
    ),
    "gpu_ratio_vs_naive_128": (">=", 2.5, "tokens/s beside plain transformers, GPU, length 128"),
    "gpu_ratio_vs_naive_512": (">=", 2.5, "the same, length 512"),
    "gpu_mfu_128": (">=", 0.45, "share of the GPU's peak that the model's arithmetic takes"),
    "gpu_mfu_512": (">=", 0.45, "the same, length 512"),
    "gpu_data_wait": ("<=", 0.01, "share of the time that the GPU waits for data"),
}

_GPU = """
## On a GPU

`gpu.py` needs no workflow and no `.venv`: any Python 3.11 or newer with torch 2.11 to 2.13, deepspeed,
transformers 5, tokenizers, safetensors, numpy, pyarrow, pandas, matplotlib, tensorboard and tqdm. From the
repository's root:

    python benchmarks/training/gpu.py --output benchmarks/training/gpu.json

It prints a profile as well. The part `gpu` takes the figures from that file into `results.json`; they are null
without it. `python benchmarks/training/gpu.py --tiny --output /tmp/gpu.json` goes through all of it on a CPU.
"""


def more(values: Mapping[str, Figure]) -> list[str]:
    """Return the README's further lines."""
    tables = [*parity.table(values), *learning.table(values)]
    return [*tables, *_GPU.rstrip("\n").split("\n")]


if __name__ == "__main__":
    main("training", "Pretraining", PARTS, WANTED, more)
