"""Mask sequences for training: whole units, 15 % of the tokens, 80/10/10 per unit.

Follows Devlin et al. 2019 and the whole-word variant of google-research/bert: units are taken in random
order, one that would exceed the budget is skipped, and of the chosen ones 80 % become [MASK], 10 % a
random piece and 10 % stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from malmoi import sampling
from malmoi.errors import InputError
from malmoi.instances.spans import LONGEST, take_spans
from malmoi.instances.units import (
    BLOCK,
    BUDGET,
    FATE,
    PIECE,
    SEQUENCES,
    Block,
    choose,
    find_units,
    take_units,
)

#: Bits of ``unit_starts`` in the tokens files, by masking unit; a piece is a unit of its own.
UNIT_BITS = {"piece": 0, "eojeol": 1, "morpheme": 2, "span": 1}

#: Of 2**32, the draws of a unit that becomes [MASK], and those of one that does or is replaced.
_MASKED, _REPLACED = round(0.8 * 2**32), round(0.9 * 2**32)


@dataclass(frozen=True)
class Vocabulary:
    """What instances need of a vocabulary.

    ``size`` counts its pieces; ``cls``, ``sep``, ``mask`` and ``unknown`` are ids; ``candidates`` (int64,
    ascending) are the ids that a random choice may give, and the only ones ever to be predicted.
    """

    size: int
    cls: int
    sep: int
    mask: int
    unknown: int
    candidates: np.ndarray

    @cached_property
    def barred(self) -> list[tuple[int, int]]:
        """The ids that are no candidates, as ranges of first and last."""
        others = np.setdiff1d(np.arange(self.size), self.candidates)
        runs = np.split(others, np.flatnonzero(np.diff(others) > 1) + 1)
        return [(int(run[0]), int(run[-1])) for run in runs if len(run)]


def read_vocabulary(path: str | Path) -> Vocabulary:
    """Read ``vocab.txt``; special tokens are never drawn as random pieces.

    Raises:
        InputError: a special token is missing.
    """
    pieces = Path(path).read_text(encoding="utf-8").removesuffix("\n").split("\n")
    ids = {piece: number for number, piece in enumerate(pieces)}
    special = ("[CLS]", "[SEP]", "[MASK]", "[UNK]", "[PAD]")
    missing = [piece for piece in special if piece not in ids]
    if missing:
        raise InputError(f"{path}: has no {', '.join(missing)}; give the vocab.txt of a BERT")
    return Vocabulary(
        len(pieces),
        *(ids[piece] for piece in special[:4]),
        candidates=np.array([ids[piece] for piece in pieces if piece not in special]),
    )


@dataclass(frozen=True)
class MaskSettings:
    """How to mask.

    ``unit`` is ``piece``, ``morpheme``, ``eojeol`` (a word of BERT's basic tokenizer) or ``span`` (of words).
    ``rate`` is the share of tokens to mask, and ``functional_weight`` (above 0, at most 1) how likely a josa,
    eomi or punctuation mark is to come next, next to a content unit. ``span_mean`` is the mean length of
    a span in words, between 1 and 5.5.

    Raises:
        InputError: a value is outside its range.
    """

    unit: str = "morpheme"
    rate: float = 0.15
    functional_weight: float = 1.0
    span_mean: float = 3.8

    def __post_init__(self) -> None:
        if self.unit not in UNIT_BITS:
            raise InputError(f"masking unit {self.unit}: choose one of {', '.join(UNIT_BITS)}")
        middle = (LONGEST + 1) / 2
        for name, value, good in (
            ("rate", self.rate, 0 < self.rate <= 1),
            ("functional_weight", self.functional_weight, 0 < self.functional_weight <= 1),
            ("span_mean", self.span_mean, 1 <= self.span_mean <= middle),
        ):
            if not good:
                limits = f"between 1 and {middle}" if name == "span_mean" else "above 0, at most 1"
                raise InputError(f"masking {name} {value}: give a number {limits}")


@dataclass(frozen=True)
class Masked:
    """Sequences with masks: [T] tokens in all, of which [M] are to be predicted.

    ``seen`` [T] are the ids the model sees; ``positions`` int64 [M] ascending are places in it, ``labels`` [M]
    the ids that were there and ``counts`` int64 [B] how many each sequence has. Ids keep their type.
    """

    seen: np.ndarray
    positions: np.ndarray
    labels: np.ndarray
    counts: np.ndarray


def mask(
    ids: np.ndarray,
    units: np.ndarray,
    starts: np.ndarray,
    keys: np.ndarray,
    rates: float | np.ndarray,
    vocabulary: Vocabulary,
    settings: MaskSettings,
) -> Masked:
    """Mask sequences, each a function of its own ids, units, key and rate alone.

    ``ids`` uint16 or uint32 [T] are the sequences one after the other, special tokens included; ``units``
    uint8 [T] are the ``unit_starts`` of their tokens, 0 at special tokens; ``starts`` int64 [B+1] are the
    sequences' ends after a zero; ``keys`` uint64 [B]; ``rates`` is a share of tokens, or float64 [B].

    A sequence's budget is its rate times its tokens but [CLS] and [SEP], the fraction rounded at random, at
    least one. Its units are taken in random order, and one that would exceed the budget is skipped. A
    segment that begins inside a unit makes a unit of what is left of it. No token that is not one of
    ``vocabulary.candidates`` is masked, nor a unit that holds one.

    Raises:
        ValueError: a sequence is longer than 131,072 tokens.
    """
    rates = np.broadcast_to(np.asarray(rates, dtype=np.float64), len(starts) - 1)
    seen = ids.copy()
    none = np.zeros(0, dtype=np.int64)
    positions, labels, counts = [none], [ids[:0]], [none]
    begin = 0
    while begin < len(starts) - 1:
        end = int(np.searchsorted(starts, starts[begin] + BLOCK, side="right")) - 1
        if end == begin:
            raise ValueError(f"sequence {begin}: longer than {BLOCK} tokens")
        end = min(end, begin + SEQUENCES)
        part = slice(int(starts[begin]), int(starts[end]))
        found, original, count = _mask_block(
            seen[part],
            units[part],
            starts[begin : end + 1] - starts[begin],
            keys[begin:end],
            rates[begin:end],
            vocabulary,
            settings,
        )
        positions.append(found + starts[begin])
        labels.append(original)
        counts.append(count)
        begin = end
    return Masked(seen, *(np.concatenate(parts) for parts in (positions, labels, counts)))


def rate_at(progress: float, rate: float, final_rate: float | None) -> float:
    """Return the mask rate at a point of the training: from ``rate`` at 0 linearly to ``final_rate`` at 1.

    Without a final rate it is ``rate`` throughout.
    """
    if final_rate is None:
        return rate
    return rate + (final_rate - rate) * min(max(progress, 0.0), 1.0)


def _mask_block(
    ids: np.ndarray,
    units: np.ndarray,
    starts: np.ndarray,
    keys: np.ndarray,
    rates: np.ndarray,
    vocabulary: Vocabulary,
    settings: MaskSettings,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mask ``ids`` in place; return positions (int64 [M]), labels ([M]) and counts (int64 [B])."""
    separator = (ids == vocabulary.cls) | (ids == vocabulary.sep)
    barred = np.zeros(len(ids), dtype=bool)
    for first, last in vocabulary.barred:
        # Ids below the first wrap around and come out large.
        barred |= ids - ids.dtype.type(first) <= last - first
    opens, allowed = find_units(units, UNIT_BITS[settings.unit], separator, barred, starts)
    tokens = np.diff(starts) - np.diff(np.searchsorted(np.flatnonzero(separator), starts))
    chance = sampling.uniform(keys, np.full(len(keys), BUDGET))
    block = Block(
        keys=keys,
        starts=starts,
        opens=opens,
        allowed=allowed,
        units=units,
        budgets=np.minimum(tokens, np.maximum(1, np.floor(tokens * rates + chance)).astype(int)),
    )
    take = take_spans(settings.span_mean) if settings.unit == "span" else take_units
    first, end = choose(block, take, settings.functional_weight)
    sizes = end - first
    total = np.append(0, np.cumsum(sizes))
    positions = np.repeat(first - total[:-1], sizes) + np.arange(total[-1])
    bounds = np.searchsorted(first, starts)
    labels = ids[positions]
    fate = block.draws(first, bounds, FATE)
    fate = np.repeat((fate >= _MASKED).view(np.uint8) + (fate >= _REPLACED), sizes)
    seen = np.where(fate, labels, ids.dtype.type(vocabulary.mask))
    replaced = np.flatnonzero(fate == 1)
    random = positions[replaced]
    choice = block.draws(random, np.searchsorted(random, starts), PIECE)
    choice = (choice * np.uint64(len(vocabulary.candidates))) >> np.uint64(32)
    seen[replaced] = vocabulary.candidates[choice.astype(np.int64)]
    ids[positions] = seen
    return positions, labels, np.diff(total[bounds])
