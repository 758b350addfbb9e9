"""Exact look-ups in the training text: identifiers, and in how many documents a run of pieces stands."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Documents from which on an identifier is common: a bank's service number stands in many.
COMMON = 10

#: Multiplier of the rolling hash; odd, so that no bits are lost.
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Identifiers:
    """The identifiers of one shape in some documents: all, and those in fewer than ``COMMON`` of them."""

    all: frozenset[str]
    rare: frozenset[str]


def find_identifiers(texts: Iterable[str], patterns: Mapping[Any, str]) -> dict[Any, Identifiers]:
    """Return what matches each pattern in texts of one document each."""
    compiled = {name: re.compile(pattern) for name, pattern in patterns.items()}
    counts: dict[Any, Counter[str]] = {name: Counter() for name in compiled}
    for text in texts:
        for name, pattern in compiled.items():
            counts[name].update(set(pattern.findall(text)))
    return {
        name: Identifiers(
            frozenset(found), frozenset(text for text, number in found.items() if number < COMMON)
        )
        for name, found in counts.items()
    }


def document_counts(
    runs: np.ndarray, documents: Iterator[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Return in how many documents each run of ids (int64 [N, K]) stands (int64 [N]).

    ``documents`` gives ids of documents end to end and where each begins and all end. Runs are compared by a
    64-bit hash.
    """
    length = runs.shape[1]
    own = _hashes(runs.ravel(), length)[::length] if len(runs) else np.zeros(0, dtype=np.uint64)
    wanted = np.unique(own)
    counts = np.zeros(len(wanted), dtype=np.int64)
    for ids, bounds in documents:
        if len(ids) < length:
            continue
        hashes = _hashes(ids, length)
        place = np.searchsorted(wanted, hashes).clip(max=len(wanted) - 1)
        at = np.flatnonzero(wanted[place] == hashes)
        document = np.searchsorted(bounds, at, side="right") - 1
        inside = at + length <= bounds[document + 1]
        found = np.unique(np.column_stack([document, place[at]])[inside], axis=0)
        counts += np.bincount(found[:, 1], minlength=len(wanted))
    return counts[np.searchsorted(wanted, own)]


def _hashes(ids: np.ndarray, length: int) -> np.ndarray:
    """Return a hash (uint64) of the run that begins at each id but the last ones."""
    values = ids.astype(np.uint64) + np.uint64(1)
    result = np.zeros(len(ids) - length + 1, dtype=np.uint64)
    for place in range(length):
        result = result * _FACTOR + values[place : place + len(result)]
    return result
