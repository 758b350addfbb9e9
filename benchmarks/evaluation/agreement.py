"""Does fine-tuning give what transformers' own Trainer gives?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tools.tiny_bert import make_tiny_bert
from tools.trainer_run import made_parts, malmoi_accuracy, noise, trainer_accuracy

SEEDS = range(8)


def measure(data: Path, work: Path) -> dict[str, float]:
    """Fine-tune one encoder of random weights with each of them, with the same seeds, on texts made for it.

    ``trainer_agreement`` is the distance of the two mean accuracies on validation and
    ``trainer_agreement_noise`` two standard errors of it. ``data`` is not used.
    """
    torch.set_num_threads(1)
    folder = work / "encoder"
    folder.mkdir(parents=True, exist_ok=True)
    make_tiny_bert(folder, layers=2)
    parts = made_parts()
    ours = np.mean([malmoi_accuracy(folder, parts, seed) for seed in SEEDS])
    theirs = np.mean([trainer_accuracy(folder, parts, seed, work / "trainer") for seed in SEEDS])
    return {
        "trainer_agreement": float(abs(ours - theirs)),
        "trainer_agreement_noise": float(noise(float(theirs))),
        "trainer_accuracy_malmoi": float(ours),
        "trainer_accuracy_transformers": float(theirs),
    }
