"""Exposure: how far before others of its format a model ranks a secret, in bits.

Carlini et al. 2019: with R candidates, exposure is log2(R + 1) - log2(rank). A secret and its candidates are
drawn alike, so without memory every rank is as likely as another, whatever the vocabulary makes of them:
the mean is then about 1.4 bits, and exposure x or more has the chance 2^-x.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from malmoi.audit.canaries import Canary, candidates
from malmoi.audit.predictor import Predictor, Row
from malmoi.errors import InputError
from malmoi.progress import track


@dataclass(frozen=True)
class Exposed:
    """The rank of a canary's secret (1: first) among itself and ``candidates`` others."""

    canary: Canary
    rank: float
    candidates: int

    @property
    def bits(self) -> float:
        """Return the exposure."""
        return math.log2(self.candidates + 1) - math.log2(self.rank)


def exposures(
    predictor: Predictor, canaries: Sequence[Canary], seed: int, number: int
) -> list[Exposed]:
    """Rank each canary's secret among ``number`` candidates; of equal scores half count as before it.

    Raises:
        InputError: a canary is longer than the model's input.
    """
    found = []
    for canary in track(canaries, "exposure", len(canaries), "canaries"):
        scores = _scores(predictor, canary, [canary.secret, *candidates(canary, seed, number)])
        before = np.count_nonzero(scores[1:] > scores[0])
        equal = np.count_nonzero(scores[1:] == scores[0])
        found.append(Exposed(canary, 1 + before + equal / 2, number))
    return found


def group_chance(ranks: Iterable[float], candidates: int) -> float:
    """Return the chance of ranks as good as these, all together, without memory (Fisher's method).

    The sum of -ln(rank / (R + 1)) then follows a gamma distribution of as many degrees as there are ranks;
    ranks are whole numbers, which makes the result a little too large, never too small.
    """
    parts = [-math.log(rank / (candidates + 1)) for rank in ranks]
    return gamma_above(len(parts), sum(parts))


def gamma_above(shape: float, value: float) -> float:
    """Return the chance that a gamma variable (scale 1) is ``value`` or more."""
    tail = torch.special.gammaincc(
        torch.tensor(float(shape), dtype=torch.float64), torch.tensor(value, dtype=torch.float64)
    )
    return float(tail)


def _scores(predictor: Predictor, canary: Canary, secrets: Sequence[str]) -> np.ndarray:
    """Return the log-probability (float64 [S]) of each secret in the canary's place.

    Pieces are asked for from left to right, each with those after it masked (Kauf and Ivanova 2023), else
    the end of a number would give away its beginning. What secrets have in common is computed once.
    """
    left, right = predictor.ids(canary.before), predictor.ids(canary.after)
    pieces = [predictor.ids(secret) for secret in secrets]
    longest = len(left) + max(map(len, pieces)) + len(right) + 2
    if longest > predictor.longest:
        raise InputError(
            f"canary {canary.number} ({canary.format}) takes {longest} tokens, but the model reads "
            f"{predictor.longest}; train it with a longer max_position_embeddings, or without canaries"
        )
    asked: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for number, own in enumerate(pieces):
        for place, piece in enumerate(own):
            # A left-to-right model does not see how many pieces follow.
            blanks = 1 if predictor.causal else len(own) - place
            asked.setdefault((blanks, *own[:place]), []).append((number, piece))
    wanted = list(asked.values())
    rows = [Row([*left, *known], blanks, right) for blanks, *known in asked]
    scores = np.zeros(len(secrets))
    for numbers, expected in predictor.next_pieces(rows):
        pairs = [(row, *pair) for row, number in enumerate(numbers) for pair in wanted[number]]
        row, secret, piece = np.array(pairs).T
        values = expected[torch.from_numpy(row), torch.from_numpy(piece)].cpu().numpy()
        np.add.at(scores, secret, values.astype(np.float64))
    return scores
