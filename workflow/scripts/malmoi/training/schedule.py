"""Learning rate by step: warmup, then linear decay to zero (Devlin et al. 2019)."""

from __future__ import annotations


def learning_rate(step: int, total: int, peak: float, warmup_share: float) -> float:
    """Return the rate of step 0 … ``total`` - 1; it peaks after ``warmup_share`` of the steps."""
    warmup = max(1, round(total * warmup_share))
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (total - step) / max(1, total - warmup)
