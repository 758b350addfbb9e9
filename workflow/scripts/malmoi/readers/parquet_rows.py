"""Parquet files of documents, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from malmoi.readers.plain_text import decoded
from malmoi.readers.record import (
    DEFAULT_KEYS,
    ReadError,
    Record,
    check_columns,
    from_row,
    text_columns,
)

#: Rows decoded at a time; few, since a page of a few bytes may stand for many rows of a long text.
_BATCH = 64


def check_size(data: bytes, limit: int) -> None:
    """Check the unpacked size that a file declares, before anything is unpacked.

    Raises:
        ReadError: ``too_large``, it is more than ``limit`` bytes; ``truncated_or_damaged``.
    """
    metadata = _opened(data).metadata
    groups = range(metadata.num_row_groups)
    if sum(metadata.row_group(number).total_byte_size for number in groups) > limit:
        raise ReadError("too_large", "the row groups declare more than max_file_mb")


def read(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield a record for each row, in stored order.

    Raises:
        ReadError: ``truncated_or_damaged``; ``no_column``.
    """
    file = _opened(data)
    names = file.schema_arrow.names
    check_columns(fields, names)
    wanted = {*text_columns(fields), *(key for key in fields.values() if isinstance(key, str))}
    wanted.update(key for keys in DEFAULT_KEYS.values() for key in keys)
    columns = [each for each in names if each in wanted]
    number = 0
    try:
        for batch in file.iter_batches(_BATCH, columns=columns, use_threads=False):
            for row in batch.to_pylist():
                number += 1
                yield _record(row, fields, f"row {number}")
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, MemoryError):
            raise
        raise ReadError("truncated_or_damaged", f"after row {number}: {_words(error)}") from error


def _opened(data: bytes) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(pa.BufferReader(data))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, MemoryError):
            raise
        raise ReadError("truncated_or_damaged", _words(error)) from error


def _record(row: Mapping[str, Any], fields: Mapping[str, Any], record: str) -> Record:
    """Return the record of a row; bytes, as some systems store text, are decoded as a text file is."""

    def get(key: str) -> Any:
        value = row.get(key)
        return decoded(value) if isinstance(value, bytes) else value

    try:
        return from_row(get, fields, record)
    except ReadError as error:
        return Record(record=record, reason=f"bad_record: {error.reason}: {error.detail}")


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
