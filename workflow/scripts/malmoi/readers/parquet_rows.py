"""Parquet, of which only the mapped columns are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from malmoi.readers.record import (
    DEFAULT_KEYS,
    ReadError,
    Record,
    check_columns,
    from_row,
    text_columns,
)


def read(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield a record for each row, in stored order.

    Raises:
        ReadError: ``truncated_or_damaged``.
        InputError: the file lacks a column that ``fields.text`` names.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        names = file.schema_arrow.names
        check_columns(name, fields, names)
        wanted = {*text_columns(fields), *(key for key in fields.values() if isinstance(key, str))}
        wanted.update(key for keys in DEFAULT_KEYS.values() for key in keys)
        number = 0
        for batch in file.iter_batches(256, columns=[each for each in names if each in wanted]):
            for row in batch.to_pylist():
                number += 1
                yield from_row(row.get, fields, f"row {number}")
    except (pa.ArrowInvalid, OSError) as error:
        raise ReadError("truncated_or_damaged", f"{type(error).__name__}: {error}") from error
