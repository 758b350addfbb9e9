"""DeepSpeed's configuration and engine, generated from the settings of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import deepspeed
import torch
from torch import nn

from malmoi.training.optimizer import make_optimizer


def deepspeed_config(settings: Mapping[str, Any], micro_batch_size: int, ranks: int) -> dict:
    """Return DeepSpeed's configuration; accumulation is done by the loop, so it says one step."""
    runtime = settings["runtime"]
    stage = runtime["zero_stage"]
    zero: dict[str, Any] = {"stage": stage}
    if stage and torch.cuda.is_available():
        zero["overlap_comm"] = True
    if runtime["offload_optimizer"]:
        zero["offload_optimizer"] = {"device": "cpu"}
    config = {
        "train_micro_batch_size_per_gpu": micro_batch_size,
        "gradient_accumulation_steps": 1,
        "train_batch_size": micro_batch_size * ranks,
        "gradient_clipping": settings["gradient_clipping"],
        "steps_per_print": 2**60,
        "bf16": {"enabled": settings["precision"] == "bf16"},
        "zero_optimization": zero,
        # The optimizer is torch's own, so that no extension has to be compiled for it.
        "zero_force_ds_cpu_optimizer": False,
    }
    if settings["precision"] == "bf16" and stage:
        # In bfloat16 the sum over many micro-batches would lose the small ones. Stage 0 knows no other.
        config["data_types"] = {"grad_accum_dtype": "fp32"}
    return config


def make_engine(
    module: nn.Module, settings: Mapping[str, Any], config: dict
) -> deepspeed.DeepSpeedEngine:
    """Return the engine that trains a module with the optimizer of ``settings``."""
    fused = torch.cuda.is_available() and not settings["runtime"]["offload_optimizer"]
    if settings["runtime"]["compile"]:
        module.compile(dynamic=False)
    optimizer = make_optimizer(module, settings, fused)
    engine, *_ = deepspeed.initialize(model=module, optimizer=optimizer, config=config)
    return engine
