"""JSON (a list of objects, one object, or an answer of data.go.kr) and JSON Lines, read item by item."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from malmoi.readers import drug_label
from malmoi.readers.plain_text import decoded
from malmoi.readers.record import ReadError, Record, check_columns, from_row, text_columns

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()

#: What decoding raises: malformed, nested too deeply, or a number of more digits than Python converts.
FAILURES = (ValueError, RecursionError)

#: Values, about 70 bytes each, that a file may hold which has to be decoded as a whole.
_MOST_VALUES = 10_000_000

#: Keys of a file's objects remembered for the message about a missing column.
_MOST_KEYS = 100

#: Objects without text from which on no further one is looked at for the text's column.
_MOST_WAITING = 100_000

#: An item's place in its file, and its value or why it has none.
Item = tuple[str, Any]


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

    An object that data.go.kr answers with (``body.items``, perhaps inside ``response``) gives a record for
    each of its items. Where ``fields.text`` is not set, drug labels are known by their keys.

    Raises:
        ReadError: ``truncated_or_damaged``, the file is not JSON from some item on; ``too_large``, it holds
            too many values to be decoded as a whole; ``bad_record``, it holds no objects; ``no_column``.
    """
    text = decoded(data)
    start = _SPACE.match(text).end()
    inside = _SPACE.match(text, start + 1).end()
    if text[start : start + 1] == "[" and text[inside : inside + 1] in ("{", "]"):
        yield from _records(_list_items(text, start + 1), fields)
        return
    if sum(map(text.count, "[{,")) > _MOST_VALUES:
        raise ReadError("too_large", "the values are too many to be decoded as a whole")
    try:
        value = json.loads(text)
    except FAILURES as error:
        raise ReadError("truncated_or_damaged", failure(error)) from error
    if not isinstance(value, dict | list):
        raise ReadError("bad_record", f"neither an object nor a list, but {type(value).__name__}")
    items = value if isinstance(value, list) else _answered(value)
    yield from _records(_numbered(items), fields)


def read_lines(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield a record for each line; a malformed line has the reason ``bad_record``.

    Raises:
        ReadError: ``no_column``.
    """
    yield from _records(_line_items(decoded(data)), fields)


def failure(error: Exception) -> str:
    """Return what a decoding error says, in a few words."""
    if isinstance(error, RecursionError):
        return "the values are nested too deeply"
    return f"{type(error).__name__}: {error}"


def _list_items(text: str, position: int) -> Iterator[Item]:
    """Yield the items of a list, decoded one at a time, from after its opening bracket."""
    position = _SPACE.match(text, position).end()
    number = 0
    more = text[position : position + 1] != "]"
    while more:
        number += 1
        try:
            value, position = _DECODER.raw_decode(text, position)
        except FAILURES as error:
            raise ReadError("truncated_or_damaged", f"item {number}: {failure(error)}") from error
        yield f"item {number}", value
        position = _SPACE.match(text, position).end()
        after = text[position : position + 1]
        if after not in (",", "]"):
            detail = f"no comma or bracket after item {number}"
            raise ReadError("truncated_or_damaged", detail)
        more = after == ","
        position = _SPACE.match(text, position + 1).end() if more else position
    if text[position + 1 :].strip():
        raise ReadError("truncated_or_damaged", "there is more after the list")


def _line_items(text: str) -> Iterator[Item]:
    # Only a line feed ends a JSON line: U+2028 and its like may stand inside a string.
    start = number = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        number += 1
        line = text[start:end]
        start = end + 1
        if not line.strip():
            continue
        value: Any
        try:
            value = json.loads(line)
        except FAILURES as error:
            value = error
        yield f"line {number}", value


def _answered(value: dict[str, Any]) -> list[Any]:
    """Return the items of an answer of data.go.kr, or else the object itself as the only one."""
    answer = value.get("response", value)
    body = answer.get("body") if isinstance(answer, dict) else None
    items = body.get("items") if isinstance(body, dict) else None
    if isinstance(items, dict):
        items = items.get("item")
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list):
        return [value]
    wrapped = all(isinstance(each, dict) and list(each) == ["item"] for each in items)
    return [each["item"] for each in items] if wrapped else items


def _numbered(items: Iterable[Any]) -> Iterator[Item]:
    return ((f"item {number}", item) for number, item in enumerate(items, start=1))


def _records(items: Iterable[Item], fields: Mapping[str, Any]) -> Iterator[Record]:
    keys: dict[str, None] = {}
    missing = dict.fromkeys(text_columns(fields))
    # Records without text wait until some object has the text's column: were there none, the file as a
    # whole would be at fault, not each of them.
    waiting: list[str] = []
    for record, item in items:
        if isinstance(item, Exception):
            yield Record(record=record, reason=f"bad_record: {failure(item)}")
        elif not isinstance(item, dict):
            kind = type(item).__name__
            yield Record(record=record, reason=f"bad_record: not an object, but {kind}")
        elif not fields.get("text") and drug_label.is_product(item):
            missing.clear()
            yield drug_label.from_object(item, getter(item), fields, record)
        else:
            if len(keys) < _MOST_KEYS:
                keys.update(dict.fromkeys(item))
            get = getter(item)
            for column in list(missing):
                if column in item or get(column) is not None:
                    del missing[column]
            found = from_row(get, fields, record)
            if found.reason and missing:
                waiting.append(record)
                if len(waiting) == _MOST_WAITING:
                    break
            else:
                yield found
    if missing and keys:
        present = [column for column in text_columns(fields) if column not in missing]
        check_columns(fields, [*keys, *present])
    for record in waiting:
        yield Record(record=record, reason="no_text")
