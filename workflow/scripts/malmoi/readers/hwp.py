"""HWP 5 and HWPX, the formats of Korean offices."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import unhwp

from malmoi.readers.record import ReadError, Record, table_row

_LOCKED = (unhwp.ErrorKind.ENCRYPTED, unhwp.ErrorKind.DISTRIBUTION_RESTRICTED)
_UNSUPPORTED = (unhwp.ErrorKind.UNKNOWN_FORMAT, unhwp.ErrorKind.UNSUPPORTED_FORMAT)

#: What Hancom's editor leaves in place of the text of a document restricted to its own viewer.
_RESTRICTED = "이 문서는 상위 버전의 배포용 문서입니다"


def read(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the document as one record: a line for each paragraph and for each table row.

    Raises:
        ReadError: ``locked``, ``unsupported_format`` (HWP 3 among it), ``image_only`` or
            ``truncated_or_damaged``.
    """
    try:
        with unhwp.parse_bytes(data) as parsed:
            document = json.loads(parsed.json)
    except unhwp.UnhwpError as error:
        if error.kind in _LOCKED:
            reason = "locked"
        elif error.kind in _UNSUPPORTED:
            reason = "unsupported_format"
        else:
            reason = "truncated_or_damaged"
        raise ReadError(reason, f"{type(error).__name__}: {error}") from error
    if document.get("skipped_sections"):
        raise ReadError("truncated_or_damaged", f"{len(document['skipped_sections'])} sections")
    lines: list[str] = []
    for section in document["sections"]:
        for block in section["content"]:
            _add_block(block, lines)
    text = "\n".join(lines)
    if text.lstrip().startswith(_RESTRICTED):
        raise ReadError("locked", "restricted to Hancom's own viewer")
    if not text.strip() and document["resources"]:
        raise ReadError("image_only", f"{len(document['resources'])} images and no text")
    # The title in the metadata is seldom the document's: it stays behind from whatever was saved over.
    yield Record(text=text, title=PurePosixPath(name).stem)


def _add_block(block: Mapping[str, Any], lines: list[str]) -> None:
    if "Table" in block:
        for row in block["Table"]["rows"]:
            cells = [text for cell in row["cells"] if (text := _cell_text(cell)).strip()]
            # Offices draw boxes as tables of one cell; what is in them is paragraphs.
            lines.extend(cells[0].split("\n") if len(cells) == 1 else [table_row(cells)])
    elif "Paragraph" in block:
        lines.append(_paragraph_text(block["Paragraph"]))
    else:
        lines.append(_strings(block))


def _cell_text(cell: Mapping[str, Any]) -> str:
    # A cell holds bare paragraphs; anything else in it is a nested object such as a table.
    return "\n".join(
        _paragraph_text(item) if "style" in item else _strings(item) for item in cell["content"]
    )


def _paragraph_text(paragraph: Mapping[str, Any]) -> str:
    pieces = []
    for inline in paragraph["content"]:
        if inline == "LineBreak":
            pieces.append("\n")
        elif isinstance(inline, dict) and "Text" in inline:
            pieces.append(inline["Text"]["text"])
        elif isinstance(inline, dict) and "Image" not in inline:
            pieces.append(f" {_strings(inline)} ")
    return "".join(pieces)


def _strings(value: Any) -> str:
    """Return every ``text`` inside an object of another kind: a footnote, a link, a nested table."""
    if isinstance(value, dict):
        found = [
            item if key == "text" and isinstance(item, str) else _strings(item)
            for key, item in value.items()
        ]
    elif isinstance(value, list):
        found = [_strings(item) for item in value]
    else:
        return ""
    return " ".join(part for part in found if part)
