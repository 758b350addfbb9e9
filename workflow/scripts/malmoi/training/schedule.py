"""Learning rate by step: a warm-up, then one of three ways down."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def learning_rate(step: int, total: int, settings: Mapping[str, Any]) -> float:
    """Return the rate of step 0 … ``total`` - 1.

    The rate rises to ``learning_rate`` over ``warmup_share`` of the steps and then falls to
    ``final_share`` of it, which step ``total`` would have. ``schedule`` says how it falls: in a straight
    line (``linear``, Devlin et al. 2019), along half a cosine (``cosine``, Loshchilov & Hutter 2017, without
    restarts), or in a straight line over the last ``decay_share`` of the steps alone (``wsd``: warm-up,
    stable, decay, Hu et al. 2024). A warm-up that reaches into the decay shortens the decay.
    """
    peak = settings["learning_rate"]
    final = settings["final_share"] * peak
    start = warmup = max(1, round(total * settings["warmup_share"]))
    if step < warmup:
        return peak * (step + 1) / warmup
    if settings["schedule"] == "wsd":
        start = max(warmup, total - round(total * settings["decay_share"]))
        if step < start:
            return peak
    length = max(1, total - start)
    if settings["schedule"] == "cosine":
        return final + (peak - final) * (1 + math.cos(math.pi * (step - start) / length)) / 2
    return final + (peak - final) * (total - step) / length
