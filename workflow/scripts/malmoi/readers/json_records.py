"""JSON (a list of objects, or one object) and JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from malmoi.readers.plain_text import decoded
from malmoi.readers.record import ReadError, Record, check_columns, from_row, text_columns


def getter(value: Mapping[str, Any]) -> Callable[[str], Any]:
    """Return a look-up by key, or by a path of keys with dots where the object has no such key."""

    def get(key: str) -> Any:
        if key in value:
            return value[key]
        found: Any = value
        for part in key.split("."):
            if not isinstance(found, Mapping) or part not in found:
                return None
            found = found[part]
        return found

    return get


def read(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield a record for each object of a list, or for the one object.

    Raises:
        ReadError: ``truncated_or_damaged``, the file is not JSON; ``bad_record``, it holds no objects.
        InputError: no object has a column that ``fields.text`` names.
    """
    try:
        value = json.loads(decoded(data))
    except json.JSONDecodeError as error:
        raise ReadError("truncated_or_damaged", f"JSONDecodeError: {error}") from error
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        raise ReadError("bad_record", f"neither an object nor a list, but {type(value).__name__}")
    numbered = [(f"item {number}", item) for number, item in enumerate(value, start=1)]
    yield from _records(numbered, name, fields)


def read_lines(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield a record for each line; a malformed line has the reason ``bad_record``.

    Raises:
        InputError: no object has a column that ``fields.text`` names.
    """
    numbered: list[tuple[str, Any]] = []
    # Only a line feed ends a JSON line: U+2028 and its like may stand inside a string.
    for number, line in enumerate(decoded(data).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            numbered.append((f"line {number}", json.loads(line)))
        except (json.JSONDecodeError, RecursionError) as error:
            numbered.append((f"line {number}", error))
    yield from _records(numbered, name, fields)


def _records(
    numbered: list[tuple[str, Any]], name: str, fields: Mapping[str, Any]
) -> Iterator[Record]:
    objects = [item for _, item in numbered if isinstance(item, dict)]
    if objects:
        keys = dict.fromkeys(key for item in objects for key in item)
        paths = [
            column
            for column in text_columns(fields)
            if column not in keys and any(getter(item)(column) is not None for item in objects)
        ]
        check_columns(name, fields, [*keys, *paths])
    for record, item in numbered:
        if isinstance(item, dict):
            yield from_row(getter(item), fields, record)
        elif isinstance(item, Exception):
            detail = f"{type(item).__name__}: {item}"
            yield Record(record=record, reason=f"bad_record: {detail}")
        else:
            yield Record(
                record=record, reason=f"bad_record: not an object, but {type(item).__name__}"
            )
