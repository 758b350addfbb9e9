"""Read instances for training: memory-mapped, in an order that is a function of the global step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from malmoi import sampling
from malmoi.errors import InputError

#: The label of positions that are not masked, as ``torch.nn.CrossEntropyLoss`` ignores it.
IGNORED = -100


class InstanceStore:
    """All instances of a list of files, by number, without reading them into memory.

    Raises:
        InputError: a file is missing, cut short or no Arrow file. Damage inside a column is not seen here;
            the manifest's sha256 tells it.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        self._batches: list[pa.RecordBatch] = []
        for path in paths:
            try:
                reader = pa.ipc.open_file(pa.memory_map(str(path)))
                batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
            except (OSError, pa.ArrowInvalid) as error:
                raise InputError(
                    f"{path}: not a readable instance file ({error}); delete it and run again"
                ) from error
            self._batches += [batch for batch in batches if batch.num_rows]
        self._ends = np.cumsum([batch.num_rows for batch in self._batches], dtype=np.int64)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def batch(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Return instances padded to the longest of them, as int64 arrays.

        ``input_ids``, ``token_type_ids``, ``attention_mask`` and ``labels`` are [B, S]; ``labels`` is -100
        where nothing is masked. ``next_sentence_label`` is [B].
        """
        rows = [self._row(int(index)) for index in indices]
        width = max((len(row[0]) for row in rows), default=0)
        shape = (len(rows), width)
        result = {
            "input_ids": np.zeros(shape, dtype=np.int64),
            "token_type_ids": np.zeros(shape, dtype=np.int64),
            "attention_mask": np.zeros(shape, dtype=np.int64),
            "labels": np.full(shape, IGNORED, dtype=np.int64),
            "next_sentence_label": np.zeros(len(rows), dtype=np.int64),
        }
        for number, (ids, types, positions, labels, following) in enumerate(rows):
            result["input_ids"][number, : len(ids)] = ids
            result["token_type_ids"][number, : len(ids)] = types
            result["attention_mask"][number, : len(ids)] = 1
            result["labels"][number, positions] = labels
            result["next_sentence_label"][number] = following
        return result

    def document_ids(self, indices: np.ndarray) -> list[str]:
        """Return the document that segment A of each instance is from."""
        places = (self._place(int(index)) for index in indices)
        return [batch.column(5)[row].as_py() for batch, row in places]

    def _place(self, index: int) -> tuple[pa.RecordBatch, int]:
        number = int(np.searchsorted(self._ends, index, side="right"))
        batch = self._batches[number]
        return batch, index - int(self._ends[number]) + batch.num_rows

    def _row(self, index: int) -> tuple[np.ndarray, ...]:
        batch, row = self._place(index)
        lists = tuple(batch.column(place)[row].values.to_numpy() for place in range(4))
        return (*lists, batch.column(4)[row].as_py())


def step_indices(size: int, step: int, batch_size: int, seed: int, phase: str) -> np.ndarray:
    """Return the instances (int64 [batch_size]) of one global step of a phase.

    Each epoch is another random order of all ``size`` instances; a step may take the end of one epoch and
    the beginning of the next. Nothing depends on earlier steps or on the number of ranks.
    """
    positions = step * batch_size + np.arange(batch_size, dtype=np.int64)
    epochs, places = positions // size, positions % size
    result = np.empty(batch_size, dtype=np.int64)
    for epoch in np.unique(epochs).tolist():
        order = sampling.Permutation(size, sampling.key(seed, "order", phase, epoch))
        result[epochs == epoch] = order(places[epochs == epoch])
    return result
