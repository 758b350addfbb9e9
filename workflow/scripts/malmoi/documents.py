"""The document record: what every stage from ingest to segment passes on."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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


def batches(path: str | Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Yield the row groups of a Parquet file one after the other, all columns or those named.

    PyArrow's own iteration over batches keeps what it has read of the file until it is done with it all.
    """
    file = pq.ParquetFile(path)
    for number in range(file.num_row_groups):
        yield file.read_row_group(number, columns=None if columns is None else list(columns))


def read(paths: Iterable[str | Path], columns: Sequence[str] | None = None) -> Iterator[dict]:
    """Yield the documents of Parquet files in stored order, with all columns or those named."""
    for path in paths:
        for batch in batches(path, columns):
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
