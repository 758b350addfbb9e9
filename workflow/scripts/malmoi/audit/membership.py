"""Membership: can somebody with the model tell which documents it was trained on?

Two attacks, both by losses at fixed masked places: the model's loss alone, and its difference to that of a
reference model (the likelihood ratio of Mireshghallah et al. 2022). Three groups of documents are kept
apart: members, documents that neither model saw, and those of the reference. Beside them stands a bar that
needs no network, a ratio of piece counts: what it tells is which words occur in the corpus, so only what an
attack tells beyond it is the model's memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from malmoi.audit.chunks import Sampled
from malmoi.audit.predictor import Predictor, losses
from malmoi.audit.reference import train_reference
from malmoi.evaluation.intervals import figure, interval
from malmoi.sampling import key, uniform

ATTACKS = ("loss", "ratio")
MEASURES = ("auc", "tpr")
BAR = "counts"

#: The share of false alarms at which the share of members found is told.
FALSE_ALARMS = 0.01

_MASKED = 0.15


def membership_scores(
    predictor: Predictor, sampled: Sampled, masks: int, steps: int, seed: int
) -> dict[str, np.ndarray]:
    """Return the scores (float64 [members + unseen], higher: rather a member) of attacks and bar.

    Each chunk is looked at ``masks`` times with other pieces masked; both models see the same masks. The
    reference is trained for at most ``steps`` steps.
    """
    chunks = [*sampled.members, *sampled.unseen]
    size = len(sampled.member_counts)
    reference = train_reference(sampled.reference, predictor.tokenizer, size, steps, seed)
    own, other = np.zeros(len(chunks)), np.zeros(len(chunks))
    for number in range(masks):
        positions = [
            _positions(len(chunk), key(seed, "audit", "masks", number, place))
            for place, chunk in enumerate(chunks)
        ]
        own += predictor.losses(chunks, positions) / masks
        other += losses(reference, predictor.tokenizer, chunks, positions) / masks
    ratio = _unigram(sampled.member_counts) - _unigram(sampled.reference_counts)
    bar = np.array([ratio[chunk].mean() for chunk in chunks])
    return {"loss": -own, "ratio": other - own, BAR: bar}


def membership_report(scores: Mapping[str, np.ndarray], members: int, seed: int) -> dict[str, Any]:
    """Return the area under the ROC curve and the members found at 1 % false alarms of every score.

    The first ``members`` scores are of members. Intervals (95 %) are by resampling documents, those of the
    differences to the bar (``excess``) paired. ``null`` is the area between two halves of the unseen
    documents, with the ends that chance leaves 99.9 % of the time between.
    """
    names = [*ATTACKS, BAR]
    count = len(scores[BAR])
    is_member = np.arange(count) < members
    curves = {name: _Curve(scores[name], is_member) for name in names}

    def statistic(weights: np.ndarray, _runs: np.ndarray | None = None) -> np.ndarray:
        table = np.array([curves[name].measures(weights) for name in names])
        return np.concatenate([table, table[: len(ATTACKS)] - table[-1]]).ravel()

    point = statistic(np.ones(count))
    low, high = interval(count, statistic, seed)
    triples = iter(np.column_stack([point, low, high]).tolist())
    report: dict[str, Any] = {"members": members, "unseen": count - members}
    for kind, chosen in (("attacks", names), ("excess", ATTACKS)):
        report[kind] = {
            name: {
                measure: dict(
                    zip(("value", "low", "high"), map(figure, next(triples)), strict=True)
                )
                for measure in MEASURES
            }
            for name in chosen
        }
    unseen = scores["ratio"][members:]
    half = uniform(key(seed, "audit", "null"), np.arange(len(unseen))).argsort() < len(unseen) // 2
    report["null"] = null_band(unseen, half)
    report["roc"] = {name: curves[name].points() for name in names}
    return report


def null_band(scores: np.ndarray, half: np.ndarray) -> dict[str, float | None]:
    """Return the area between two parts of ``scores``, and the band in which chance has it 99.9 % of the time.

    None where a part is empty.
    """
    first, second = int(half.sum()), int((~half).sum())
    if not first or not second:
        return {"value": None, "low": None, "high": None}
    value = _Curve(scores, half).measures(np.ones(len(scores)))[0]
    width = 3.29 * math.sqrt((first + second + 1) / (12 * first * second))
    return {"value": figure(value), "low": figure(0.5 - width), "high": figure(0.5 + width)}


class _Curve:
    """A ROC curve of scores whose items may be drawn several times."""

    def __init__(self, scores: np.ndarray, is_member: np.ndarray) -> None:
        _, place = np.unique(-scores, return_inverse=True)
        self._place, self._is_member = place, is_member
        self._levels = int(place.max()) + 1

    def measures(self, weights: np.ndarray) -> tuple[float, float]:
        """Return the area, and the share of members above the threshold of ``FALSE_ALARMS``."""
        found, alarms = self._cumulated(weights)
        if not found[-1] or not alarms[-1]:
            return math.nan, math.nan
        found, alarms = found / found[-1], alarms / alarms[-1]
        area = float(np.trapezoid(found, alarms))
        return area, float(found[np.searchsorted(alarms, FALSE_ALARMS, side="right") - 1])

    def points(self) -> list[list[float]]:
        """Return at most 100 points of the curve: false alarms and members found."""
        found, alarms = self._cumulated(np.ones(len(self._place)))
        chosen = np.unique(np.linspace(0, len(found) - 1, 100).astype(int))
        return [
            [round(alarms[at] / alarms[-1], 4), round(found[at] / found[-1], 4)]
            for at in chosen.tolist()
        ]

    def _cumulated(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return members and others at each threshold or above, from none to all (float64 [levels + 1])."""
        members, others = (
            np.bincount(self._place, weights * chosen, minlength=self._levels)
            for chosen in (self._is_member, ~self._is_member)
        )
        return np.append(0, members.cumsum()), np.append(0, others.cumsum())


def _positions(length: int, stream: int) -> np.ndarray:
    draws = uniform(stream, np.arange(length))
    return np.flatnonzero(draws <= max(_MASKED, draws.min()))


def _unigram(counts: np.ndarray) -> np.ndarray:
    return np.log(counts + 1.0) - math.log(counts.sum() + len(counts))
