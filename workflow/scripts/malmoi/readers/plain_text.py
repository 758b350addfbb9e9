"""Plain text in any encoding Korean files come in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from malmoi.readers.record import ReadError, Record, title_of
from malmoi.text.charset import DecodeError, decode


def decoded(data: bytes) -> str:
    """Return bytes as text.

    Raises:
        ReadError: ``undecodable``.
    """
    try:
        return decode(data)[0]
    except DecodeError as error:
        raise ReadError("undecodable", str(error)) from error


def read(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the file as one record, titled by its name."""
    yield Record(text=decoded(data), title=title_of(name))
