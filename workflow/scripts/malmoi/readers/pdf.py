"""PDF: paragraphs and tables of its pages.

Ruled tables become a line for each row, as in the other formats; running headers and footers and page numbers
are left out; paragraphs are joined as ``pdf_paragraphs`` says, also over the end of a page. Text comes in the
order of the file, which for programs that write Korean PDFs is the order of reading, so that columns need no
guessing. Tables without rulings stay lines. What was filled into a form's fields or written into text boxes on
a page stands before the line under it; comments and pictures are left out.
"""

from __future__ import annotations

import bisect
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw

from malmoi.readers.pdf_page import Line, glyphs, lines_of, rulings, written_on
from malmoi.readers.pdf_paragraphs import Paragraphs
from malmoi.readers.pdf_tables import Table, tables
from malmoi.readers.record import OLD_LETTERS, ReadError, Record, table_lines, title_of

_PAGE_NUMBER = re.compile(
    r"[-–—\s]*(?:page\s*)?(?:\d{1,4}(?:\s*/\s*\d{1,4})?|[ivx]{1,6})[-–—\s]*", re.I
)
#: Lines at the top and at the bottom of a page that may be running headers and footers.
_EDGE = 4
#: A running line stands at one height, to so many points, on so many pages and on this share of them.
_SAME_HEIGHT = 4.0
_FEWEST_PAGES = 3
_FEWEST_SHARE = 0.25
#: The same with a number that counts the pages; titles of one exercise a page may do that for a while.
_FEWEST_COUNTED_SHARE = 0.4
#: Two tables have the same columns if their rulings are not further apart.
_SAME_COLUMN = 3.0
#: Characters that stand for a glyph whose meaning the file does not tell.
_UNMAPPED = re.compile(r"[\x00-\x08\x0e-\x1f\ue000-\uf8ff\uffff]")
_UNMAPPED_SHARE = 0.05
#: Those of them that are no text at all; the private-use ones are, in Korean fonts, old letters.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\uffff]")


@dataclass
class _Cell:
    """The lines of a table's cell, and the x of its left and right side."""

    lines: list[Line]
    sides: tuple[float, float]


#: The cells of a row by the number of their first column.
_Row = dict[int, _Cell]


@dataclass
class _Page:
    lines: list[Line]
    tables: list[Table]


def read(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the document as one record: a line for each paragraph and for each table row.

    Raises:
        ReadError: ``locked``, ``truncated_or_damaged``, ``image_only`` (no page has text), ``undecodable``
            (the fonts do not say which characters they draw).
    """
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        locked = error.err_code in (pdfium_raw.FPDF_ERR_PASSWORD, pdfium_raw.FPDF_ERR_SECURITY)
        reason = "locked" if locked else "truncated_or_damaged"
        raise ReadError(reason, f"PdfiumError: {error}") from error
    try:
        pages = [_page(document, number) for number in range(len(document))]
    except pdfium.PdfiumError as error:
        raise ReadError("truncated_or_damaged", f"PdfiumError: {error}") from error
    finally:
        document.close()
    everything = "".join(line.text for page in pages for line in page.lines)
    if not everything:
        raise ReadError("image_only", f"{len(pages)} pages without text")
    if len(_UNMAPPED.findall(everything)) > _UNMAPPED_SHARE * len(everything):
        raise ReadError("undecodable", "the fonts have no map to Unicode")
    _drop_running_lines(pages)
    text = "\n".join(_text(pages))
    yield Record(text=_CONTROL.sub("", text).translate(OLD_LETTERS), title=title_of(name))


def _page(document: pdfium.PdfDocument, number: int) -> _Page:
    page = document[number]
    characters, turn = glyphs(page)
    found = tables(rulings(page, turn))

    def cell_at(x: float, y: float) -> tuple[int, int] | None:
        for at, table in enumerate(found):
            if (cell := table.cell_at(x, y)) is not None:
                return at, cell
        return None

    lines = lines_of(characters, number, cell_at)
    for box in written_on(page, turn):
        cell = cell_at((box.left + box.right) / 2, (box.bottom + box.top) / 2)
        for text in filter(
            None, (" ".join(each.split()) for each in re.split(r"[\r\n]+", box.text))
        ):
            line = Line(text, box.left, box.right, box.bottom, box.top, number, cell)
            under = (at for at, each in enumerate(lines) if each.top < (box.bottom + box.top) / 2)
            lines.insert(next(under, len(lines)), line)
    page.close()
    if turn:
        # PDFium orders the lines of such a page by where they are before the turn.
        lines.sort(key=lambda line: -line.bottom)
    return _Page(lines, found)


def _drop_running_lines(pages: list[_Page]) -> None:
    """Take out page numbers, and first and last lines that pages repeat at the same height.

    A number in such a line may count the pages.
    """
    edges: dict[tuple[float, str], list[Line]] = defaultdict(list)
    for number, page in enumerate(pages):
        for line in _edge_lines(page):
            text = "".join(line.text.split())
            counted = re.sub(r"\d{1,4}", lambda found: f"<{int(found[0]) - number}>", text)  # noqa: B023
            for share, key in ((_FEWEST_SHARE, text), (_FEWEST_COUNTED_SHARE, counted)):
                edges[share, key].append(line)
    dropped: set[int] = set()
    for (share, _), found in edges.items():
        heights = sorted(line.bottom for line in found)
        for line in found:
            near = bisect.bisect_right(heights, line.bottom + _SAME_HEIGHT)
            near -= bisect.bisect_left(heights, line.bottom - _SAME_HEIGHT)
            # What only two pages share may be a title, so one of it stays.
            few = len(pages) == 2 and line.page == 1 and near == 2
            if few or near >= max(_FEWEST_PAGES, share * len(pages)):
                dropped.add(id(line))
    for page in pages:
        page.lines = [line for line in page.lines if id(line) not in dropped]
        edge = _edge_lines(page)
        for line in {id(each): each for each in (*edge[:1], *edge[-1:])}.values():
            if _PAGE_NUMBER.fullmatch(line.text):
                page.lines = [each for each in page.lines if each is not line]


def _edge_lines(page: _Page) -> list[Line]:
    """Return the uppermost and lowest lines outside tables, from the top."""
    free = [line for line in page.lines if not line.cell or page.tables[line.cell[0]].is_box()]
    free.sort(key=lambda line: -line.bottom)
    return free if len(free) <= 2 * _EDGE else [*free[:_EDGE], *free[-_EDGE:]]


def _text(pages: list[_Page]) -> Iterator[str]:
    """Yield the lines of the document's text."""
    paragraphs = Paragraphs([line for page in pages for line in page.lines])
    flow: list[Line] = []
    rows: list[_Row] = []
    open_table: Table | None = None

    def finished() -> list[str]:
        return table_lines(
            [paragraphs.joined(cell.lines, cell.sides) for cell in row.values()] for row in rows
        )

    for page in pages:
        for table, lines in _blocks(page):
            if table is None:
                yield from finished()
                rows, open_table = [], None
                flow.extend(lines)
                continue
            yield from paragraphs.joined(flow)
            flow = []
            more = _rows(table, lines)
            if open_table and _same_columns(open_table, table):
                _continue(rows, more, paragraphs)
            else:
                yield from finished()
                rows = more
            open_table = table
    yield from finished()
    yield from paragraphs.joined(flow)


def _blocks(page: _Page) -> Iterator[tuple[Table | None, list[Line]]]:
    """Yield each table with its lines, and the lines between tables.

    Programs draw tables before or after the page's text, so a table comes before the first line under it.
    """
    flow: list[Line] = []
    of_table: dict[int, list[Line]] = defaultdict(list)
    for line in page.lines:
        if line.cell is None or page.tables[line.cell[0]].is_box():
            flow.append(line)
        else:
            of_table[line.cell[0]].append(line)
    before: dict[int, list[int]] = defaultdict(list)
    for number in sorted(of_table, key=lambda each: -page.tables[each].rows[0]):
        table = page.tables[number]
        under = (
            at
            for at, line in enumerate(flow)
            if line.top < table.rows[0]
            and line.left < table.columns[-1]
            and line.right > table.columns[0]
        )
        before[next(under, len(flow))].append(number)
    begin = 0
    for at in sorted(before):
        if begin < at:
            yield None, flow[begin:at]
        begin = at
        for number in before[at]:
            yield page.tables[number], of_table[number]
    if begin < len(flow):
        yield None, flow[begin:]


def _rows(table: Table, lines: list[Line]) -> list[_Row]:
    """Return the cells of a table by column, for each row that has text."""
    cells: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        if line.cell:
            cells[line.cell[1]].append(line)
    rows: dict[int, _Row] = defaultdict(dict)
    for cell in sorted(cells):
        row, column = table.place(cell)
        rows[row][column] = _Cell(cells[cell], table.sides(cell))
    return list(rows.values())


def _same_columns(one: Table, other: Table) -> bool:
    pairs = zip(one.columns, other.columns, strict=False)
    return len(one.columns) == len(other.columns) and all(
        abs(x - y) <= _SAME_COLUMN for x, y in pairs
    )


def _continue(rows: list[_Row], more: list[_Row], paragraphs: Paragraphs) -> None:
    """Add a table's part on the next page, without its heading, and a row that the page's end cuts as one."""
    if _words(more[0]) == _words(rows[0]):
        more = more[1:]
    if more and _is_rest(rows[-1], more[0], paragraphs):
        for column, cell in more[0].items():
            rows[-1][column].lines.extend(cell.lines)
        more = more[1:]
    rows.extend(more)


def _words(row: _Row) -> dict[int, list[str]]:
    return {column: [line.text for line in cell.lines] for column, cell in row.items()}


def _is_rest(row: _Row, rest: _Row, paragraphs: Paragraphs) -> bool:
    """Tell whether each cell of ``rest`` goes on with a paragraph of ``row``."""
    return all(
        column in row and paragraphs.goes_on(row[column].lines[-1], cell.lines[0], cell.sides[1])
        for column, cell in rest.items()
    )
