"""Read instances for training: memory-mapped, any rows at once, with masks from the file or drawn here."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from malmoi import sampling
from malmoi.errors import InputError
from malmoi.fingerprint import of_file
from malmoi.instances import masking, shards
from malmoi.instances.batches import (
    IGNORED,
    Rows,
    left_to_right,
    micro_batches,
    packed,
    padded,
    ranges,
    rank_share,
    step_epochs,
    step_indices,
)
from malmoi.instances.mapped import MappedFile

#: What other rooms may use; they take it from here.
__all__ = [
    "HELD_OUT",
    "IGNORED",
    "InstanceStore",
    "Rows",
    "left_to_right",
    "micro_batches",
    "packed",
    "padded",
    "rank_share",
    "step_epochs",
    "step_indices",
]

#: The "epoch" of instances that are measured on: their masks stay the same for ever.
HELD_OUT = "held_out"

_IDS = (pa.list_(pa.uint16()), pa.list_(pa.uint32()))
_BYTES = (pa.list_(pa.uint8()),)
_COLUMNS = {
    "input_ids": _IDS,
    "token_type_ids": _BYTES,
    "mlm_positions": (pa.list_(pa.uint16()),),
    "mlm_labels": _IDS,
    "unit_starts": _BYTES,
    "next_sentence_label": (pa.int8(),),
}

#: What a store's files must have in common for one set of draws to be theirs.
_COMMON = ("phase", "masking", "vocabulary_sha256", "seed")


class InstanceStore:
    """All instances of a list of files, by number, without reading them into memory.

    Files with ``static`` masks give those; files with ``dynamic`` ones get masks when they are read, which
    needs the vocabulary. Opening looks at record batches, not at rows, so it takes the same time for any
    number of instances; a store is pickled as its paths.

    Args:
        paths: the files, in the manifest's order, which gives the instances their numbers.
        vocabulary: ``vocab.txt`` of the tokenizer, for dynamic masks.

    Raises:
        InputError: a file is missing, cut short or no instance file; the files do not belong together or
            are of another vocabulary. Damage inside a column is not seen here; the manifest's sha256 tells it.
    """

    def __init__(self, paths: Sequence[str | Path], vocabulary: str | Path | None = None) -> None:
        self.paths, self._vocabulary_path = tuple(paths), vocabulary
        self._files = [MappedFile(path, _COLUMNS) for path in paths]
        self._batches = [batch for file in self._files for batch in file.batches]
        sizes = [batch.num_rows for batch in self._batches]
        self._ends = np.cumsum(sizes, dtype=np.int64)
        self._begins = self._ends - np.array(sizes, dtype=np.int64)
        self._file_of = np.repeat(
            np.arange(len(self._files)), [len(file.batches) for file in self._files]
        )
        self._values = self._places(lambda file: file.values)
        self._offsets = self._places(lambda file: file.offsets)
        self._settings = self._common_settings()
        self.dynamic = "unit_starts" in self._values
        self._vocabulary = None
        if vocabulary is not None and self.dynamic:
            self._check_vocabulary(vocabulary)
            self._vocabulary = masking.read_vocabulary(vocabulary)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __reduce__(self) -> tuple:
        return InstanceStore, (self.paths, self._vocabulary_path)

    def lengths(self, indices: np.ndarray) -> np.ndarray:
        """Return the tokens of each instance (int64 [B]), special tokens included."""
        return _Selection(self, indices).spans("input_ids")[1]

    def rows(
        self, indices: np.ndarray, epochs: np.ndarray | str = HELD_OUT, progress: float = 1.0
    ) -> Rows:
        """Return instances (int64 [B] numbers, in any order) end to end, masked.

        Dynamic masks are a function of the file's seed and phase, the instance's number and its epoch
        (``epochs``: int64 [B], or one name for all); the share masked is that of the schedule after
        ``progress`` (0 to 1) of the training. Static files have their masks already.

        Raises:
            InputError: masks must be drawn and no vocabulary was given.
        """
        chosen = _Selection(self, indices)
        starts, lengths = chosen.spans("input_ids")
        ids = chosen.gather("input_ids", starts, lengths)
        type_starts, _ = chosen.spans("token_type_ids")
        types = chosen.gather("token_type_ids", type_starts, lengths)
        ends = np.concatenate([[0], np.cumsum(lengths)])
        if self.dynamic:
            unit_starts, _ = chosen.spans("unit_starts")
            units = chosen.gather("unit_starts", unit_starts, lengths)
            masked = self._mask(ids, units, ends, indices, epochs, progress)
            ids, positions, labels = masked.seen, masked.positions, masked.labels
            counts = masked.counts
        else:
            label_starts, counts = chosen.spans("mlm_labels")
            labels = chosen.gather("mlm_labels", label_starts, counts)
            position_starts, _ = chosen.spans("mlm_positions")
            positions = chosen.gather("mlm_positions", position_starts, counts)
            positions = positions + np.repeat(ends[:-1], counts)
        return Rows(
            input_ids=ids,
            token_type_ids=types,
            cu_seqlens=ends.astype(np.int32),
            mlm_positions=positions,
            mlm_labels=labels,
            mlm_offsets=np.concatenate([[0], np.cumsum(counts)]),
            next_sentence_label=chosen.scalars("next_sentence_label"),
        )

    def labels(
        self, indices: np.ndarray, epochs: np.ndarray | str = HELD_OUT, progress: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the original ids at masked positions (int64 [M]) and their count per instance (int64 [B])."""
        if self.dynamic:
            rows = self.rows(indices, epochs, progress)
            return rows.mlm_labels.astype(np.int64), np.diff(rows.mlm_offsets)
        chosen = _Selection(self, indices)
        starts, counts = chosen.spans("mlm_labels")
        return chosen.gather("mlm_labels", starts, counts).astype(np.int64), counts

    def document_ids(self, indices: np.ndarray) -> list[str]:
        """Return the document that the first segment of each instance is from."""
        chosen = _Selection(self, indices)
        result = np.empty(len(indices), dtype=object)
        for number in np.unique(chosen.batch).tolist():
            places = np.flatnonzero(chosen.batch == number)
            batch = self._batches[number]
            rows = pa.array(chosen.row[places])
            found = pc.list_element(batch.column("doc_ids").take(rows), 0)
            result[places] = found.to_numpy(zero_copy_only=False)
        return result.tolist()

    def _places(self, of: Callable[[MappedFile], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Return the places of every column that all files have, over all record batches."""
        used = [of(file) for file in self._files if file.batches]
        names = [name for name in _COLUMNS if used and all(name in each for each in used)]
        return {name: np.concatenate([each[name] for each in used]) for name in names}

    def _common_settings(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for file in self._files:
            settings = json.loads(file.metadata.get(shards.METADATA, b"{}"))
            own = {name: settings.get(name) for name in _COMMON}
            for name, value in (found or own).items():
                if own[name] != value:
                    raise InputError(
                        f"{file.path}: made with {name} {own[name]!r}, but {self.paths[0]} with {value!r}; "
                        "delete the older one and run again"
                    )
            found = own
        return found

    def _check_vocabulary(self, path: str | Path) -> None:
        expected = self._settings.get("vocabulary_sha256")
        if expected != of_file(path):
            raise InputError(
                f"{self.paths[0]}: made with another vocabulary than {path}; delete it and run again"
            )

    def _mask(
        self,
        ids: np.ndarray,
        units: np.ndarray,
        ends: np.ndarray,
        indices: np.ndarray,
        epochs: np.ndarray | str,
        progress: float,
    ) -> masking.Masked:
        if self._vocabulary is None:
            raise InputError(
                f"{self.paths[0]}: masks are dynamic, so reading it takes the vocabulary"
            )
        drawn = self._settings["masking"]
        keys = np.empty(len(indices), dtype=np.uint64)
        names = np.broadcast_to(np.asarray(epochs), len(indices))
        for epoch in np.unique(names).tolist():
            stream = sampling.key(self._settings["seed"], "mask", self._settings["phase"], epoch)
            keys[names == epoch] = sampling.bits(stream, indices[names == epoch])
        settings = masking.MaskSettings(
            **{name: drawn[name] for name in ("unit", "rate", "functional_weight", "span_mean")}
        )
        rate = masking.rate_at(progress, drawn["rate"], drawn["final_rate"])
        return masking.mask(ids, units, ends, keys, rate, self._vocabulary, settings)


class _Selection:
    """Some rows of a store: which record batch and row each is, and how to gather their values.

    Rows are visited file by file, so that a file costs one look-up per column however many rows it has.
    """

    def __init__(self, store: InstanceStore, indices: np.ndarray) -> None:
        self._store = store
        if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < len(store):
            raise IndexError(f"instances are numbered 0 to {len(store) - 1}")
        self.batch = np.searchsorted(store._ends, indices, side="right")
        self.row = indices - store._begins[self.batch]
        files = store._file_of[self.batch]
        self._order = np.argsort(files, kind="stable")
        numbers, firsts = np.unique(files[self._order], return_index=True)
        #: Where the rows of each file begin in the order, and after the last one the number of rows.
        self._bounds = np.append(firsts, len(files))
        self._files = [store._files[number] for number in numbers.tolist()]

    def spans(self, column: str) -> tuple[np.ndarray, np.ndarray]:
        """Return where each row's list begins in its file's view of the column, and how long it is."""
        places = self._store._offsets[column][self.batch] + self.row
        both = self._visit(
            [file.offset_view() for file in self._files],
            np.stack([places, places + 1], axis=1)[self._order],
            self._bounds,
        )
        begins, ends = np.empty_like(places), np.empty_like(places)
        begins[self._order], ends[self._order] = both.T
        return self._store._values[column][self.batch] + begins, ends - begins

    def gather(self, column: str, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Return the lists of the rows, one after the other, in the type of the column."""
        views = [file.view(column) for file in self._files]
        if len(views) == 1:
            first, last = int(starts.min()), int((starts + lengths).max())
            if last - first <= 2 * int(lengths.sum()):
                self._files[0].read_ahead(column, first, last)
            return views[0][ranges(starts, lengths)]
        ordered = lengths[self._order]
        bounds = np.concatenate([[0], np.cumsum(ordered)])[self._bounds]
        values = self._visit(views, ranges(starts[self._order], ordered), bounds)
        result = np.empty_like(values)
        result[ranges((np.cumsum(lengths) - lengths)[self._order], ordered)] = values
        return result

    def scalars(self, column: str) -> np.ndarray:
        """Return one number per row (int64)."""
        places = (self._store._values[column][self.batch] + self.row)[self._order]
        result = np.empty(len(places), dtype=np.int64)
        views = [file.view(column) for file in self._files]
        result[self._order] = self._visit(views, places, self._bounds)
        return result

    def _visit(self, views: list[np.ndarray], places: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        """Return the values at ``places``, of which those between two ``bounds`` are of one view."""
        result = np.empty(places.shape, dtype=np.result_type(np.uint8, *views))
        for view, start, stop in zip(views, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            result[start:stop] = view[places[start:stop]]
        return result
