"""The document record: what every stage from ingest to segment passes on."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from malmoi.atomic import writing_rows

#: ``group`` names what must not straddle a split (case number, product, patient); ``meta`` is a JSON
#: object with everything else the raw file said, labels for fine-tuning among it; ``raw_sha256`` is the hash of
#: the raw file or archive member, or, where it holds several documents, of this one's text as it was read.
FIELDS: tuple[str, ...] = (
    "doc_id",
    "source",
    "domain",
    "kind",
    "title",
    "date",
    "group",
    "text",
    "meta",
    "raw_path",
    "raw_sha256",
)

SCHEMA = pa.schema([pa.field(name, pa.string(), nullable=False) for name in FIELDS])


def document_id(source: str, raw_path: str, text: str, occurrence: int = 0) -> str:
    """Return a stable 32-digit hexadecimal id made of where a document came from and what it says.

    ``occurrence`` tells equal texts of one raw file apart; it is 0 for the first.
    """
    parts = (source, raw_path, str(occurrence), text)
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def table(documents: Iterable[dict[str, str]]) -> pa.Table:
    """Return documents as a table in the order given; each dict holds exactly ``FIELDS``.

    Raises:
        ValueError: a document lacks a field or has one more, which Arrow would pass over in silence.
    """
    records = list(documents)
    for record in records:
        if record.keys() != set(FIELDS):
            missing = ", ".join(name for name in FIELDS if name not in record)
            unknown = ", ".join(sorted(record.keys() - set(FIELDS)))
            raise ValueError(
                f"document {record.get('doc_id')}: fields missing: {missing or 'none'}; "
                f"unknown: {unknown or 'none'}"
            )
    return pa.Table.from_pylist(records, schema=SCHEMA)


def read(paths: Iterable[str | Path]) -> Iterator[dict]:
    """Yield the documents of Parquet files in stored order."""
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=256):
            yield from batch.to_pylist()


def merged(paths: Iterable[str | Path]) -> Iterator[dict]:
    """Yield the documents of Parquet files that are each sorted by id, sorted by id over all of them.

    No file is held in memory as a whole.
    """
    yield from heapq.merge(*(read([path]) for path in paths), key=itemgetter("doc_id"))


def writing(
    path: str | Path, schema: pa.Schema = SCHEMA
) -> AbstractContextManager[Callable[[Mapping[str, Any]], None]]:
    """Return a context that yields a function to add one document to a file, in the order to be read."""
    return writing_rows(path, schema, rows_per_group=256)
