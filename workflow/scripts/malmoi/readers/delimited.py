"""CSV and TSV with a header row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from malmoi.readers.plain_text import decoded
from malmoi.readers.record import ReadError, Record, check_columns, from_row

# The module's own limit is 131,072 characters a cell, less than a long court decision.
csv.field_size_limit(2**31 - 1)


def read(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield a record for each row after the header; a row of another length has the reason ``bad_record``.

    The delimiter is a tab in ``.tsv`` files, else whichever of comma, tab, semicolon and bar the header
    row holds most.

    Raises:
        ReadError: ``empty``, there is no header row; ``no_column``; ``truncated_or_damaged``.
    """
    text = decoded(data)
    first = next((line for line in io.StringIO(text) if line.strip()), "")
    delimiter = "\t" if name.lower().endswith(".tsv") else max(",\t;|", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = next((row for row in rows if any(cell.strip() for cell in row)), None)
        if header is None:
            raise ReadError("empty", "no header row")
        header = [cell.strip() for cell in header]
        check_columns(fields, header)
        for row in rows:
            if not row:
                continue
            record = f"line {rows.line_num}"
            if len(row) != len(header):
                reason = f"bad_record: {len(row)} cells under {len(header)} columns"
                yield Record(record=record, reason=reason)
            else:
                yield from_row(dict(zip(header, row, strict=True)).get, fields, record)
    except csv.Error as error:
        detail = f"line {rows.line_num}: {error}"
        raise ReadError("truncated_or_damaged", detail) from error
