"""Excel workbooks (XLSX, and XLS of before 2007): the rows of each sheet.

The library holds a sheet as a full grid in which every cell owns its text. So a file of some kilobytes
can ask for terabytes, with two cells far apart or with one long text in many cells. What an XLSX file
would take is therefore reckoned from its own XML first.
"""

from __future__ import annotations

import datetime
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import python_calamine as calamine

from malmoi.readers.archive import Budget, opened, zip_content
from malmoi.readers.record import (
    ReadError,
    Record,
    check_columns,
    from_row,
    table_row,
    text_columns,
    title_of,
)

#: The number of a row in its sheet, from 1, and the texts of its cells.
Row = tuple[int, list[str]]

#: Cells of a sheet's grid, each taking 24 bytes.
_MOST_CELLS = 20_000_000

#: Charts, dialogues and macros are sheets as well.
_WORKSHEET = calamine.SheetTypeEnum.WorkSheet

_CELL = re.compile(rb"<(?:\w+:)?c\s([^<>]*?)/?>(?:\s*<(?:\w+:)?v(?:\s[^<>]*)?>\s*(\d{1,9}))?")
_PLACE = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]{1,3})(\d{1,7})[\"']")
_ROW = re.compile(rb"<(?:\w+:)?row\s[^<>]*?\br\s*=\s*[\"'](\d{1,7})[\"']")
_SHARED = re.compile(rb"\bt\s*=\s*[\"']s[\"']")
_STRING_END = re.compile(rb"</(?:\w+:)?si\s*>")


def check_size(data: bytes, limit: int) -> None:
    """Check that an XLSX file, all its cells told out, takes no more than ``limit`` bytes.

    Raises:
        ReadError: ``too_large``; what ``archive.zip_content`` raises.
    """
    if not data.startswith(b"PK"):
        return
    budget = Budget(limit)
    with opened(io.BytesIO(data), budget) as archive:
        lengths: list[int] = []
        sheets = []
        for info in archive.infolist():
            name = info.filename.lower()
            if name.endswith("sharedstrings.xml"):
                content = zip_content(archive, info.filename, info, budget)
                ends = [0, *(match.end() for match in _STRING_END.finditer(content))]
                lengths = [end - start for start, end in itertools.pairwise(ends)]
            elif "worksheets/" in name and name.endswith(".xml"):
                sheets.append(info)
        for info in sheets:
            _check_sheet(zip_content(archive, info.filename, info, budget), lengths, limit)


def _check_sheet(content: bytes, lengths: Sequence[int], limit: int) -> None:
    rows = max((int(match[1]) for match in _ROW.finditer(content)), default=0)
    rows = max(rows, content.count(b"<row"), content.count(b":row"))
    columns = told = 0
    count = 0
    for match in _CELL.finditer(content):
        count += 1
        attributes, value = match.groups()
        if place := _PLACE.search(attributes):
            columns = max(columns, _column(place[1]))
            rows = max(rows, int(place[2]))
        if value and _SHARED.search(attributes) and int(value) < len(lengths):
            told += lengths[int(value)]
    if rows * max(columns, 1) > max(_MOST_CELLS, count):
        raise ReadError("too_large", f"a sheet of {rows} rows and {columns} columns")
    if told > limit:
        raise ReadError("too_large", "the cells hold more than max_file_mb")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def read(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield a record for each row under the header, or one for each sheet where no column is the text.

    The header is the first row that holds the columns ``fields.text`` names, or ``text``. Where
    ``fields.text`` is not set and no row holds ``text``, a sheet is one record: a line for each row, the
    cells between bars.

    Raises:
        ReadError: ``locked``, ``truncated_or_damaged``, ``unsupported_format``; ``no_column``, no sheet has the
            columns that ``fields.text`` names.
    """
    try:
        workbook = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        columns = text_columns(fields)
        titles = [each.name for each in workbook.sheets_metadata if each.typ == _WORKSHEET]
        headers = {title: _header(_rows(workbook, title), columns) for title in titles}
        mapped = any(number is not None for number in headers.values())
        if not mapped and fields.get("text"):
            check_columns(fields, _first_filled(workbook, titles))
        for title, header in headers.items():
            if mapped:
                yield from _row_records(title, _rows(workbook, title), header, fields)
                continue
            lines = (table_row(row) for _, row in _rows(workbook, title))
            if text := "\n".join(line for line in lines if line):
                stem = title_of(name)
                full = stem if len(headers) == 1 else f"{stem} {title}"
                yield Record(text=text, title=full, record=f"sheet {title}")
    except calamine.PasswordError as error:
        raise ReadError("locked", str(error)) from error
    except (calamine.CalamineError, OSError) as error:
        raise ReadError("truncated_or_damaged", f"{type(error).__name__}: {error}") from error


def _rows(workbook: calamine.CalamineWorkbook, title: str) -> Iterator[Row]:
    sheet = workbook.get_sheet_by_name(title)
    first = sheet.start[0] + 1 if sheet.start else 1
    for number, row in enumerate(sheet.iter_rows(), start=first):
        yield number, [_text(cell) for cell in row]


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime.datetime | datetime.date):
        return cell.isoformat()
    return str(cell).strip()


def _header(rows: Iterable[Row], columns: Sequence[str]) -> int | None:
    """Return the number of the first row that holds the columns, None where no row does."""
    wanted = set(columns)
    return next((number for number, row in rows if wanted.issubset(row)), None)


def _first_filled(workbook: calamine.CalamineWorkbook, titles: Iterable[str]) -> list[str]:
    """Return the first row of the workbook with two filled cells, which its columns are named in."""
    rows = (row for title in titles for _, row in _rows(workbook, title))
    return next((list(filter(None, row)) for row in rows if sum(map(bool, row)) > 1), [])


def _row_records(
    title: str, rows: Iterable[Row], header: int | None, fields: Mapping[str, Any]
) -> Iterator[Record]:
    names: list[str] = []
    for number, row in rows:
        if header is None and any(row):
            reason = "no_column: no row of the sheet names the text's columns"
            yield Record(record=f"sheet {title}", reason=reason)
            return
        if number == header:
            names = row
        elif names and any(row):
            cells = dict(zip(names, row, strict=False))
            yield from_row(cells.get, fields, f"sheet {title} row {number}")
