"""What a reader yields, and the few conversions every reader shares."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

#: The fields of a record; any other name in a source's ``fields`` goes to ``meta``.
NAMED = ("title", "date", "group", "kind")

#: Keys looked for where a source's ``fields`` does not map a field, first found first.
DEFAULT_KEYS: dict[str, tuple[str, ...]] = {
    "title": ("사건명", "제목", "itemName", "ITEM_NAME", "title"),
    "date": ("선고일자", "시행일자", "공포일자", "ITEM_PERMIT_DATE", "date"),
    "group": ("사건번호", "법령ID", "itemSeq", "ITEM_SEQ", "group"),
    "kind": (),
}

#: The private code, from the fonts of Hanyang, in which Hancom's programs write the first letter of their name.
OLD_LETTERS = {0xF53A: "ᄒᆞᆫ"}

#: A named part of a text: name, first code point, code point after the last.
Section = tuple[str, int, int]


@dataclass
class Record:
    """One document as its file gives it.

    ``record`` says where in the file it stands, empty where the file is one document. A record with a
    ``reason`` could not be read and has no text; it goes to the ledger as quarantined. ``sections`` are
    ascending parts of the text that do not overlap; each begins at a line's start with its own heading
    and ends at a line's end, before the newline.
    """

    text: str = ""
    title: str = ""
    date: str = ""
    group: str = ""
    kind: str = ""
    meta: dict[str, str] = field(default_factory=dict)
    sections: list[Section] = field(default_factory=list)
    record: str = ""
    reason: str = ""


class ReadError(Exception):
    """A whole file cannot be read: ``reason`` is the ledger's slug, ``detail`` says what happened."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


_ARCHIVE = re.compile(r".*\.(?:zip|tar|tgz|gz|tzst|zst)!", re.I | re.S)


def title_of(raw_path: str) -> str:
    """Return the title of a document that has none of its own: its file's name without the ending."""
    name = PurePosixPath(_ARCHIVE.sub("", raw_path, count=1))
    return PurePosixPath(name.stem).stem if name.suffix in (".gz", ".zst") else name.stem


def joined_sections(parts: Iterable[tuple[str, str]], separator: str) -> tuple[str, list[Section]]:
    """Return the texts of parts joined by ``separator``, which ends in a newline, and where each stands.

    A part is a section's name, empty for text outside of any, and its text.
    """
    pieces: list[str] = []
    sections: list[Section] = []
    length = 0
    for name, text in parts:
        if pieces:
            length += len(separator)
        if name:
            sections.append((name, length, length + len(text)))
        pieces.append(text)
        length += len(text)
    return separator.join(pieces), sections


def as_text(value: Any) -> str:
    """Return a scalar, or a list of scalars one per line, as text; nothing for null and objects."""
    if value is None or isinstance(value, Mapping):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        # A stack, since lists may nest deeper than Python's recursion limit.
        lines, waiting = [], [value]
        while waiting:
            item = waiting.pop()
            if isinstance(item, list | tuple):
                waiting.extend(reversed(item))
            elif line := as_text(item):
                lines.append(line)
        return "\n".join(lines)
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat()
    return str(value)


def text_columns(fields: Mapping[str, Any]) -> list[str]:
    """Return the columns whose values, joined by newlines, are the text; ``text`` where none is named."""
    names = fields.get("text") or ["text"]
    return [names] if isinstance(names, str) else list(names)


def labelled(get: Callable[[str], Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return title, date, group, kind and meta of a record.

    ``get`` gives the raw value of a key, None where there is none.
    """
    found: dict[str, Any] = {"meta": {}}
    for name in NAMED:
        keys = [fields[name]] if fields.get(name) else DEFAULT_KEYS[name]
        values = (as_text(get(key)).strip() for key in keys)
        found[name] = next((value for value in values if value), "")
    found["date"] = iso_date(found["date"])
    for name, key in fields.items():
        if name != "text" and name not in NAMED:
            found["meta"][name] = as_text(get(key)).strip()
    return found


def from_row(get: Callable[[str], Any], fields: Mapping[str, Any], record: str) -> Record:
    """Return the record of one row or object; one without text has the reason ``no_text``."""
    parts = [as_text(get(column)).strip() for column in text_columns(fields)]
    text = "\n".join(part for part in parts if part)
    if not text:
        return Record(record=record, reason="no_text")
    return Record(text=text, record=record, **labelled(get, fields))


#: Columns that a message names at most.
_NAMED_COLUMNS = 30


def check_columns(fields: Mapping[str, Any], present: Iterable[str]) -> None:
    """Check that every text column is a column of the file, so that its records can have a text.

    Raises:
        ReadError: ``no_column``, one is not; the detail names those that are.
    """
    there = dict.fromkeys(present)
    for column in text_columns(fields):
        if column not in there:
            names = ", ".join(repr(each) for each in itertools.islice(there, _NAMED_COLUMNS))
            more = ", ..." if len(there) > _NAMED_COLUMNS else ""
            raise ReadError(
                "no_column",
                f"there is no column {column!r} for the text; the columns are {names}{more}. "
                "Set fields.text of the source to one of them",
            )


_DATE = re.compile(
    r"(\d{4})(?:(\d\d)(\d\d)|\s*[-./년]\s*(\d{1,2})\s*[-./월]\s*(\d{1,2})\s*[.일]?)(?:[T ].*)?",
    re.S,
)


def iso_date(value: str) -> str:
    """Return ``20260331``, ``2026.3.31.`` or ``2026년 3월 31일`` as ``2026-03-31``, anything else as it is."""
    match = _DATE.fullmatch(value.strip())
    if not match:
        return value
    year, *rest = (int(group) for group in match.groups() if group)
    try:
        return datetime.date(year, *rest).isoformat()
    except ValueError:
        return value


def table_row(cells: Iterable[str]) -> str:
    """Return a table row as one line: the cells that are not blank, between bars."""
    words = (" ".join(cell.split()) for cell in cells)
    return " | ".join(word for word in words if word)


def table_lines(rows: Iterable[Sequence[Sequence[str]]]) -> list[str]:
    """Return the lines of a table, given the lines in each cell of each row."""
    lines: list[str] = []
    for row in rows:
        filled = [cell for cell in row if cell]
        if len(filled) == 1:
            lines.extend(filled[0])
        elif filled:
            lines.append(table_row(" ".join(cell) for cell in filled))
    return lines
