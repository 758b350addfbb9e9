"""The segment stage run on made documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from malmoi import documents
from malmoi.morphology.segments import segment_documents
from malmoi.morphology.stream import Counts

#: What the stage writes besides its cache.
FILES = ("segments.parquet", "changes.parquet", "ledger.parquet")
SETTINGS = {"terms": [], "patterns": False, "spacing": "none", "input": "raw"}


def write_documents(path: Path, texts: list[str], meta: str = "{}") -> Path:
    """Write curated documents with these texts."""
    rows = []
    for number, text in enumerate(texts):
        row = dict.fromkeys(documents.FIELDS, "")
        row |= {"doc_id": f"{number:032x}", "source": "made", "text": text, "meta": meta}
        rows.append(row | {"raw_path": f"raw/{number}.txt", "split": "train", "title": "판결"})
    schema = documents.SCHEMA.append(pa.field("split", pa.string(), nullable=False))
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return path


def segment(
    folder: Path,
    source: Path,
    workers: int = 1,
    dictionaries: list[str] | None = None,
    cache: Path | None = None,
    **settings: Any,
) -> Counts:
    """Run the stage into ``folder``, with a cache of its own unless one is given."""
    folder.mkdir(exist_ok=True)
    return segment_documents(
        input_path=source,
        settings=SETTINGS | settings,
        dictionaries=dictionaries or [],
        cache_path=cache or folder / "cache",
        workers=workers,
        output_path=folder / "segments.parquet",
        changes_path=folder / "changes.parquet",
        ledger_path=folder / "ledger.parquet",
    )
