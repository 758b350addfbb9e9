"""Pairs of segments for next-sentence prediction, sentence order or neither."""

from __future__ import annotations

from malmoi.instances.sequences import Documents, PairSettings, Sequences

__all__ = ["Documents", "PairSettings", "Sequences"]
