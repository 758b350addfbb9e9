"""Tokens files and vocabularies the instance tests make, without a tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from malmoi import ledger
from malmoi.instances.build import build_instances
from malmoi.vocab.tokens import schema

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PAD, UNK, CLS, SEP, MASK = range(5)
FIRST = len(SPECIAL_TOKENS)


@dataclass
class Document:
    """One document of a tokens file; what is not given follows from the ids."""

    ids: Sequence[int]
    ends: Sequence[int] = ()
    units: Sequence[int] = ()
    split: str = "train"
    group: str = ""
    fields: dict[str, str] = field(default_factory=dict)


def write_tokens(path: Path, documents: Sequence[Document], size: int, batch: int = 256) -> Path:
    """Write documents as a tokens file of a vocabulary of ``size``; document n has the id ``doc-n``.

    A record batch holds ``batch`` documents, at most.
    """
    columns = schema(size)
    rows = [
        {
            "doc_id": f"doc-{number:05d}",
            "source": "made",
            "domain": "legal",
            "kind": "judgment",
            "group": document.group,
            "split": document.split,
            "characters": 2 * len(document.ids),
            "input_ids": list(document.ids),
            "sentence_ends": list(document.ends) or [len(document.ids)],
            "unit_starts": list(document.units) or [3] * len(document.ids),
        }
        for number, document in enumerate(documents)
    ]
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, columns) as writer:
        for start in range(0, len(rows), batch):
            writer.write_batch(pa.RecordBatch.from_pylist(rows[start : start + batch], columns))
    return path


def write_vocabulary(path: Path, size: int) -> Path:
    """Write a ``vocab.txt`` of the special tokens and made pieces."""
    pieces = [*SPECIAL_TOKENS, *(f"p{number}" for number in range(FIRST, size))]
    path.write_text("\n".join(pieces) + "\n", encoding="utf-8")
    return path


@dataclass(frozen=True)
class Built:
    """What one call of ``build_instances`` left behind."""

    path: Path
    statistics: Path
    ledger: Path

    def table(self) -> pa.Table:
        with pa.memory_map(str(self.path)) as file:
            return pa.ipc.open_file(file).read_all()

    def rows(self) -> list[dict]:
        return self.table().to_pylist()

    def ledger_rows(self) -> list[dict]:
        return ledger.read([self.ledger]).to_pylist()


PAIRS = {"kind": "nsp", "mode": "balanced", "hard_share": 0.0, "short_share": 0.1}
MASKING = {
    **{"when": "static", "unit": "morpheme", "rate": 0.15, "final_rate": None},
    **{"functional_weight": 1.0, "span_mean": 3.0},
}


def build(folder: Path, inputs: Sequence[Path], vocabulary: Path, **settings: Any) -> Built:
    """Build instances into ``folder`` with plain settings where none are given.

    ``pairs`` and ``masking`` may give some of their entries.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = settings.pop("name", "0000")
    built = Built(folder / f"{name}.arrow", folder / f"{name}.json", folder / "ledger.parquet")
    defaults = {"split": "train", "phase": "l64", "max_seq_length": 64, "duplicates": 1, "seed": 20}
    for part, values in (("pairs", PAIRS), ("masking", MASKING)):
        settings[part] = values | settings.get(part, {})
    build_instances(
        inputs,
        vocabulary,
        **(defaults | settings),
        output_path=built.path,
        ledger_path=built.ledger,
        statistics_path=built.statistics,
    )
    return built


def original_ids(row: dict) -> np.ndarray:
    """Return an instance's ids with the labels put back over the masks."""
    ids = np.array(row["input_ids"], dtype=np.int64)
    ids[row.get("mlm_positions", [])] = row.get("mlm_labels", [])
    return ids


def segments(row: dict) -> list[np.ndarray]:
    """Return the original ids of each segment of an instance."""
    ids = original_ids(row)
    assert ids[0] == CLS and ids[-1] == SEP
    return [part[:-1] for part in np.split(ids[1:], np.flatnonzero(ids[1:] == SEP) + 1)[:-1]]


def random_ends(rng: np.random.Generator, length: int, mean: float) -> list[int]:
    """Return ascending sentence ends of a document of ``length`` tokens; the last is its length."""
    ends = np.cumsum(rng.geometric(1 / mean, size=length))
    return [*ends[ends < length].tolist(), length]
