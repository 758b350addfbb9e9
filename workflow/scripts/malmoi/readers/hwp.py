"""HWP 5 and HWPX, the formats of Korean offices, read to the same text.

The two formats store one document model, and ``hwp_binary`` and ``hwp_xml`` follow one convention:

* a paragraph is a line; blank paragraphs are left out;
* numbers and bullets that the editor draws before list items are written before them;
* a table row is a line with bars between its cells; a row of one filled cell is its paragraphs, since offices
  draw boxes as tables; a table within a cell becomes part of the cell's text;
* a table or text box set in the line of text stands where it is set, any other after its paragraph; a
  caption stands on its side of the object;
* footnotes and endnotes follow their paragraph, without their numbers;
* equations stand in the text as one line, see ``hwp_equation``; a composed character as its parts;
* running headers, footers, page numbers, memos, hidden comments, form fields, charts and pictures are left out.

Own code, because no library under a usable licence reads lists, captions, floating tables and notes of both
formats to the same text (PyPI was searched in November 2026). Sources: Hancom's "한글 문서 파일 형식 5.0"
revision 1.3 with its chapter on distribution documents, KS X 6101 for HWPX, and neolord0/hwplib (Apache-2.0)
for fields the first leaves out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from malmoi.readers import hwp_binary, hwp_xml
from malmoi.readers.record import ReadError, Record, title_of


def read(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the document as one record: a line for each paragraph and for each table row.

    Raises:
        ReadError: ``locked``, ``unsupported_format``, ``image_only``, ``empty``, ``too_large`` or
            ``truncated_or_damaged``.
    """
    reader = hwp_xml if data.startswith(b"PK") else hwp_binary
    try:
        lines, images = reader.read_lines(data)
    except RecursionError as error:
        raise ReadError("truncated_or_damaged", "objects are nested too deep") from error
    if not lines:
        if images:
            raise ReadError("image_only", f"{images} images and no text")
        raise ReadError("empty", "no text")
    # The title in the metadata is seldom the document's: it stays behind from whatever was saved over.
    yield Record(text="\n".join(lines), title=title_of(name))
