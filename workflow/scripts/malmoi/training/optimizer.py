"""The optimizers a run may use, and the part of their state that a checkpoint keeps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict]:
    """Return optimizer groups: weight decay on matrices, none on biases and LayerNorm."""
    matrices = [value for value in module.parameters() if value.ndim >= 2]
    vectors = [value for value in module.parameters() if value.ndim < 2]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]


def make_optimizer(
    module: nn.Module, settings: Mapping[str, Any], fused: bool
) -> torch.optim.Optimizer:
    """Return the optimizer ``settings["optimizer"]`` of a module's weights.

    ``adamw`` is Loshchilov & Hutter 2019; ``fused`` does its step in one kernel, for a GPU. ``lamb`` is You
    et al. 2020 as their code in google-research/albert has it: no bias correction (warm-up takes its place),
    decay within the scaled update, the trust ratio unbounded and on matrices alone. Other keys read:
    ``learning_rate``, ``betas``, ``epsilon`` and ``weight_decay``.
    """
    groups = parameter_groups(module, settings["weight_decay"])
    values = {
        "lr": settings["learning_rate"],
        "betas": tuple(settings["betas"]),
        "eps": settings["epsilon"],
    }
    if settings["optimizer"] == "adamw":
        return torch.optim.AdamW(groups, **values, fused=fused)
    # Its import takes two seconds, which no rank should wait for that trains with AdamW.
    from pytorch_optimizer.optimizer.lamb import Lamb

    _, vectors = groups
    vectors["adam"] = True  # a trust ratio of 1
    # By default the library divides the step by Adam's bias correction although the trust ratio has set its
    # length, which makes the first step ten times too long; `adam_debias` leaves that out.
    optimizer = Lamb(groups, **values, weight_decouple=False, pre_norm=False, adam_debias=True)
    # The library cuts the norm of weights at 10; that of BERT-base's word embeddings is about 100.
    optimizer.clamp = math.inf
    return optimizer


def state_keys(optimizer: torch.optim.Optimizer) -> tuple[str, ...]:
    """Return the names of a weight's states that have its shape, the only ones besides the steps that count."""
    return ("exp_avg", "exp_avg_sq")


def set_steps(
    optimizer: torch.optim.Optimizer, weights: Iterable[torch.Tensor], steps: int
) -> None:
    """Let an optimizer go on after that many steps, the other states of its ``weights`` having been set."""
    if not isinstance(optimizer, torch.optim.AdamW):
        for group in optimizer.param_groups:
            group["step"] = steps
        return
    for weight in weights:
        # The fused kernel reads the count from the GPU, the others from main memory.
        device = weight.device if optimizer.defaults["fused"] else "cpu"
        step = torch.tensor(float(steps), dtype=torch.float32, device=device)
        optimizer.state[weight]["step"] = step
