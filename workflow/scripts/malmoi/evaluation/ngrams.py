"""Count models of the training text's pieces: what knowing which piece follows which is worth.

Interpolated Kneser-Ney smoothing with one discount for each order (Ney, Essen and Kneser 1994, in the form of
Chen and Goodman 1999, section 2.7), over sorted arrays of hashed histories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from malmoi.errors import InputError
from malmoi.sampling import key

#: Multipliers of the hashes; odd, so that no bits are lost.
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SPREAD = np.uint64(0xBF58476D1CE4E5B9)

#: Documents of a store that are read at a time.
_BATCH = 1024


@dataclass(frozen=True)
class _Order:
    """What followed the histories of one length, sorted by the history's hash.

    ``histories`` uint64 [H] and ``bounds`` int64 [H + 1] say which of ``pieces`` (int64 [G], sorted within a
    history) and ``counts`` (int64 [G]) are its.
    """

    histories: np.ndarray
    bounds: np.ndarray
    pieces: np.ndarray
    counts: np.ndarray
    discount: float


class NGrams:
    """The distribution of the next piece given up to ``order - 1`` pieces before it.

    Args:
        documents: the ids of each training document.
        size: pieces of the vocabulary; a document begins with ``order - 1`` times the id ``size``.
        order: the longest n-gram.
    """

    def __init__(self, documents: Sequence[np.ndarray], size: int, order: int = 5) -> None:
        self.size, self.order = size, order
        self.begin = size
        lead = np.full(order - 1, self.begin, dtype=np.int64)
        parts = [part for ids in documents for part in (lead, ids)]
        stream = np.concatenate([*parts, np.zeros(0, dtype=np.int64)]).astype(np.int64)
        places = np.flatnonzero(stream != self.begin)
        self._orders: list[_Order] = []
        weights = np.ones(len(places), dtype=np.int64)
        for length in range(order - 1, -1, -1):
            histories = _hashes(stream, places, length)
            grams = histories * _SPREAD + stream[places].astype(np.uint64) * _FACTOR
            _, firsts, which = np.unique(grams, return_index=True, return_inverse=True)
            counts = np.bincount(which, weights, minlength=len(firsts)).astype(np.int64)
            self._orders.insert(0, _order(histories[firsts], stream[places[firsts]], counts))
            # Shorter n-grams count the distinct longer ones that end in them (Kneser and Ney 1995).
            places, weights = places[firsts], np.ones(len(firsts), dtype=np.int64)

    def distribution(self, history: Sequence[int]) -> np.ndarray:
        """Return the probability of each piece (float64 [V]) after a history (its last pieces count)."""
        given = [self.begin] * (self.order - 1) + list(history)
        result = np.full(self.size, 1.0 / self.size)
        for length, counts in enumerate(self._orders):
            recent = np.array(given[len(given) - length :], dtype=np.int64)
            wanted = _hashes(np.append(recent, 0), np.array([length]), length)[0]
            at = int(np.searchsorted(counts.histories, wanted))
            if at == len(counts.histories) or counts.histories[at] != wanted:
                break
            part = slice(counts.bounds[at], counts.bounds[at + 1])
            seen = counts.counts[part]
            total = seen.sum()
            result *= counts.discount * len(seen) / total
            result[counts.pieces[part]] += (seen - counts.discount) / total
        return result


def _hashes(stream: np.ndarray, places: np.ndarray, length: int) -> np.ndarray:
    """Return a hash (uint64) of the ``length`` ids before each place."""
    result = np.zeros(len(places), dtype=np.uint64)
    for back in range(length, 0, -1):
        result = (result + stream[places - back].astype(np.uint64) + np.uint64(1)) * _FACTOR
        result ^= result >> np.uint64(29)
    return result


def _order(histories: np.ndarray, pieces: np.ndarray, counts: np.ndarray) -> _Order:
    order = np.lexsort((pieces, histories))
    distinct, starts = np.unique(histories[order], return_index=True)
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    # At the ends of the range what was not seen, or was seen once, would have no probability at all.
    discount = float(np.clip(once / max(1, once + 2 * twice), 0.1, 0.9))
    bounds = np.append(starts, len(order)).astype(np.int64)
    return _Order(distinct, bounds, pieces[order], counts[order], discount)


def read_tokens(
    paths: Sequence[str | Path], limit: int, seed: int, split: str = "train"
) -> list[np.ndarray]:
    """Return the ids (int64) of documents of a split of token stores, about ``limit`` tokens at most.

    Where there are more, documents are drawn by ``seed`` and their ids.

    Raises:
        InputError: the split has no tokens.
    """
    stores = [pa.ipc.open_file(pa.memory_map(str(path))).read_all() for path in paths]
    sizes = {
        doc_id: size
        for store in stores
        for doc_id, size, part in zip(
            store["doc_id"].to_pylist(),
            store["input_ids"].combine_chunks().value_lengths().to_pylist(),
            store["split"].to_pylist(),
            strict=True,
        )
        if part == split
    }
    if not sum(sizes.values()):
        raise InputError(
            f"{', '.join(map(str, paths))}: the {split} split has no tokens to count; give it more documents"
        )
    order = sorted(sizes, key=lambda doc_id: (key(seed, "intrinsic", "tokens", doc_id), doc_id))
    before = np.cumsum([0, *(sizes[doc_id] for doc_id in order)])[:-1]
    chosen = {
        doc_id for doc_id, tokens in zip(order, before.tolist(), strict=True) if tokens < limit
    }
    found: list[tuple[str, np.ndarray]] = []
    for store in stores:
        for batch in store.to_batches(max_chunksize=_BATCH):
            bounds = batch["input_ids"].offsets.to_numpy()
            values = batch["input_ids"].values.to_numpy()
            for row, doc_id in enumerate(batch["doc_id"].to_pylist()):
                if doc_id in chosen:
                    ids = values[bounds[row] : bounds[row + 1]].astype(np.int64)
                    found.append((doc_id, ids))
    return [ids for _, ids in sorted(found, key=lambda item: item[0])]
