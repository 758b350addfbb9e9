"""Instance files the tests make row by row, without a builder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from malmoi.fingerprint import of_file
from malmoi.instances.shards import schema

CLS, SEP = 2, 3
FIRST = 5

MASKING = {
    **{"unit": "morpheme", "rate": 0.15, "final_rate": None},
    **{"functional_weight": 1.0, "span_mean": 3.0},
}


def vocabulary(path: Path, size: int) -> Path:
    """Write a ``vocab.txt`` of the special tokens and made pieces."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"p{n}" for n in range(FIRST, size))]
    path.write_text("\n".join(pieces) + "\n", encoding="utf-8")
    return path


@dataclass
class Maker:
    """Makes instance files of pairs of random ids, ``static`` or ``dynamic``."""

    folder: Path
    size: int = 1000
    seed: int = 20
    most: int = 40

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.vocabulary = vocabulary(self.folder / "vocab.txt", self.size)
        self.random = np.random.default_rng(self.seed)
        self.made = 0

    def settings(self, when: str, **changes: Any) -> dict[str, Any]:
        return {
            **{"phase": "l64", "split": "train", "max_seq_length": self.most + 3},
            **{"pairs": {"kind": "nsp"}, "masking": {"when": when, **MASKING}},
            **{"vocabulary_size": self.size, "vocabulary_sha256": of_file(self.vocabulary)},
            **{"seed": self.seed, **changes},
        }

    def row(self, when: str, label: int | None = None) -> dict[str, Any]:
        a, b = self.random.integers(1, self.most // 2 + 1, 2).tolist()
        ids = self.random.integers(FIRST, self.size, a + b + 3)
        ids[0], ids[a + 1], ids[-1] = CLS, SEP, SEP
        inner = np.delete(np.arange(len(ids)), [0, a + 1, len(ids) - 1])
        units = np.zeros(len(ids), dtype=np.uint8)
        units[inner] = self.random.integers(0, 4, len(inner))
        positions = np.sort(self.random.choice(inner, max(1, len(inner) // 7), replace=False))
        number = self.made
        self.made += 1
        row = {
            "input_ids": ids.tolist(),
            "token_type_ids": [0] * (a + 2) + [1] * (b + 1),
            "next_sentence_label": int(self.random.integers(2)) if label is None else label,
            "doc_ids": [f"a{number}", f"b{number}"],
            "segment_starts": [0, 7],
        }
        if when == "dynamic":
            return {**row, "unit_starts": units.tolist()}
        labels = self.random.integers(FIRST, self.size, len(positions)).tolist()
        return {**row, "mlm_positions": positions.tolist(), "mlm_labels": labels}

    def write(
        self,
        name: str,
        count: int,
        when: str = "static",
        batch: int = 7,
        label: int | None = None,
        compression: str | None = None,
        **changes: Any,
    ) -> tuple[Path, list[dict[str, Any]]]:
        """Write ``count`` instances in record batches of ``batch``; return the file and its rows."""
        rows = [self.row(when, label) for _ in range(count)]
        path = write_rows(
            self.folder / name,
            rows,
            schema(self.size, when, self.settings(when, **changes)),
            batch,
            compression,
        )
        return path, rows


def write_rows(
    path: Path,
    rows: Sequence[dict[str, Any]],
    columns: pa.Schema,
    batch: int,
    compression: str | None = None,
) -> Path:
    """Write rows as an Arrow file of record batches of ``batch`` rows."""
    table = pa.Table.from_pylist(list(rows), schema=columns)
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with (
        pa.OSFile(str(path), "wb") as file,
        pa.ipc.new_file(file, table.schema, options=options) as writer,
    ):
        writer.write_table(table, max_chunksize=batch)
    return path
