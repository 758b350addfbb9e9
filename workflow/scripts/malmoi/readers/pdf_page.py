"""What a PDF page holds, by position: its lines of text and the straight lines drawn on it.

Coordinates are points from the lower left corner of the page, or from where it is after a turn.
"""

from __future__ import annotations

import ctypes
import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw

#: Drawn things no thicker than this are lines; lines no further apart are one.
THIN = 3.0
_SHORTEST = 4.0
#: Forms within forms whose lines are looked at.
_DEPTH = 4
#: A character that covers less of the one before it stands behind it, by its width.
_TOUCHING = 0.1
#: Characters of a line looked at for one printed twice.
_REPEATED = 200
#: Characters of a page, about, that tell how it is turned.
_LOOKED_AT = 40
#: Glyphs whose boxes share this part of the lower one's height stand on one line: indices, parts of fractions.
_SHARED = 0.4
#: Blanks of this many glyph heights separate columns, not words.
_WIDE = 2.0
#: Codes by which Wingdings has its bullets; they are letters in other fonts.
_SYMBOL_CODES = frozenset((*b"lmnopqrstuvw", *range(0xA0, 0x100)))
#: PDFium's two marks for a hyphen at the end of a line, whatever it is there for.
_HYPHENS = str.maketrans("\ufffe\x02", "--")


@dataclass(slots=True)
class Glyph:
    """One character, or a field's text, and its box; ``made`` marks a blank that PDFium puts in."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    made: bool = False

    def repeats(self, other: Glyph) -> bool:
        """Tell whether this is another glyph printed again at almost the same place."""
        shift = abs(self.left - other.left) + abs(self.bottom - other.bottom)
        return self.text == other.text and shift < 0.1 * (self.right - self.left)


@dataclass(slots=True)
class Line:
    """Characters on one line of a page, without blanks around them.

    ``bottom`` and ``top`` are those of most characters; ``cell`` names the cell of a ruled table they stand in;
    ``blank_after`` says that the file has a blank behind the last, ``wide`` that there is a gap as between
    columns.
    """

    text: str
    left: float
    right: float
    bottom: float
    top: float
    page: int
    cell: tuple[int, int] | None = None
    blank_after: bool = False
    wide: bool = False

    @property
    def size(self) -> float:
        """Usual height of the line's characters in points."""
        return self.top - self.bottom


@dataclass(slots=True)
class Rulings:
    """Straight lines of a page: ``across`` as (y, left, right) and ``down`` as (x, bottom, top)."""

    across: list[tuple[float, float, float]]
    down: list[tuple[float, float, float]]


def glyphs(page: pdfium.PdfPage) -> tuple[list[Glyph], int]:
    """Return the characters of a page in the order of the file, and how the page is turned.

    Line ends are left out. A page whose text does not run to the right is turned so that it does; the turn is
    the number of right angles, and all coordinates are those after it.
    """
    text_page = page.get_textpage()
    turn = _turn(text_page)
    # Called per character, so the plain functions rather than pypdfium2's wrappers.
    get_unicode, is_generated = pdfium_raw.FPDFText_GetUnicode, pdfium_raw.FPDFText_IsGenerated
    get_box, box = pdfium_raw.FPDFText_GetLooseCharBox, pdfium_raw.FS_RECTF()
    handle, reference = text_page.raw, ctypes.byref(box)
    found: list[Glyph] = []
    for at in range(text_page.count_chars()):
        code = get_unicode(handle, at)
        if code in (10, 13):
            continue
        if 0xD800 <= code < 0xDC00:
            low = get_unicode(handle, at + 1)
            if 0xDC00 <= low < 0xE000:
                code = 0x10000 + (code - 0xD800 << 10) + (low - 0xDC00)
        if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
            continue
        if code in _SYMBOL_CODES and _in_symbol_font(text_page, at):
            # Where word processors keep the characters of symbol fonts; repair knows many of them.
            code += 0xF000
        get_box(handle, at, reference)
        made = code == 32 and is_generated(handle, at) == 1
        found.append(Glyph(chr(code), *_sides(box, turn), made))
    text_page.close()
    return found, turn


def _sides(box: pdfium_raw.FS_RECTF, turn: int) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of a box after the page was turned."""
    if not turn:
        return box.left, box.right, box.bottom, box.top
    left, bottom = _turned(box.left, box.bottom, turn)
    right, top = _turned(box.right, box.top, turn)
    return min(left, right), max(left, right), min(bottom, top), max(bottom, top)


def _turn(text_page: pdfium.PdfTextPage) -> int:
    """Return the right angles by which most of some characters of a page are turned to the right."""
    count = text_page.count_chars()
    angles = Counter(
        round(pdfium_raw.FPDFText_GetCharAngle(text_page, at) / (math.pi / 2)) % 4
        for at in range(0, count, max(1, count // _LOOKED_AT))
        if pdfium_raw.FPDFText_IsGenerated(text_page, at) == 0
    )
    return angles.most_common(1)[0][0] if angles else 0


def _turned(x: float, y: float, turn: int) -> tuple[float, float]:
    """Return where a place is after the page was turned to the left by so many right angles."""
    return ((x, y), (-y, x), (-x, -y), (y, -x))[turn]


def written_on(page: pdfium.PdfPage, turn: int) -> list[Glyph]:
    """Return the values of a form's text fields and the text boxes put on a page, each as one box."""
    found = []
    for at in range(pdfium_raw.FPDFPage_GetAnnotCount(page)):
        note = pdfium_raw.FPDFPage_GetAnnot(page, at)
        kind, text = pdfium_raw.FPDFAnnot_GetSubtype(note), ""
        if kind == pdfium_raw.FPDF_ANNOT_FREETEXT:
            text = _entry(note, b"Contents")
        elif kind == pdfium_raw.FPDF_ANNOT_WIDGET and _entry(note, b"FT") in ("Tx", "Ch"):
            text = _entry(note, b"V")
        box = pdfium_raw.FS_RECTF()
        if text.strip() and pdfium_raw.FPDFAnnot_GetRect(note, box):
            found.append(Glyph(text, *_sides(box, turn)))
        pdfium_raw.FPDFPage_CloseAnnot(note)
    return found


def _entry(note: pdfium_raw.FPDF_ANNOTATION, key: bytes) -> str:
    size = pdfium_raw.FPDFAnnot_GetStringValue(note, key, None, 0)
    buffer = ctypes.create_string_buffer(size)
    pdfium_raw.FPDFAnnot_GetStringValue(
        note, key, ctypes.cast(buffer, ctypes.POINTER(pdfium_raw.FPDF_WCHAR)), size
    )
    return buffer.raw.decode("utf-16-le", "ignore").rstrip("\0")


def _in_symbol_font(text_page: pdfium.PdfTextPage, at: int) -> bool:
    buffer, flags = ctypes.create_string_buffer(64), ctypes.c_int()
    pdfium_raw.FPDFText_GetFontInfo(text_page, at, buffer, len(buffer), flags)
    return b"wingdings" in buffer.value.lower()


def rulings(page: pdfium.PdfPage, turn: int) -> Rulings:
    """Return the horizontal and vertical lines of a page: stroked ones, and rectangles filled thin."""
    found = Rulings([], [])
    for item in page.get_objects(filter=[pdfium_raw.FPDF_PAGEOBJ_PATH], max_depth=_DEPTH):
        fill, stroke = ctypes.c_int(), ctypes.c_int()
        pdfium_raw.FPDFPath_GetDrawMode(item, fill, stroke)
        if not fill.value and not stroke.value:
            continue
        outer = _outer_matrix(item)
        if stroke.value:
            matrix = item.get_matrix().multiply(outer)
            for begin, end in _segments(item):
                places = (_turned(*matrix.on_point(*each), turn) for each in (begin, end))
                _add(found, *places)
        else:
            left, bottom, right, top = item.get_bounds()
            corners = (outer.on_point(left, bottom), outer.on_point(right, top))
            _add(found, *(_turned(*each, turn) for each in corners))
    return found


def _outer_matrix(item: pdfium.PdfObject) -> pdfium.PdfMatrix:
    """Return what takes the space an object is drawn in to the page, for the forms around it."""
    matrix = pdfium.PdfMatrix()
    while (item := item.container) is not None:
        matrix = matrix.multiply(item.get_matrix())
    return matrix


def _add(found: Rulings, begin: tuple[float, float], end: tuple[float, float]) -> None:
    (x0, y0), (x1, y1) = begin, end
    width, height = abs(x1 - x0), abs(y1 - y0)
    if height <= THIN < _SHORTEST <= width:
        found.across.append(((y0 + y1) / 2, min(x0, x1), max(x0, x1)))
    elif width <= THIN < _SHORTEST <= height:
        found.down.append(((x0 + x1) / 2, min(y0, y1), max(y0, y1)))


def _segments(
    item: pdfium.PdfObject,
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Yield begin and end of the straight parts of a path, in its own space."""
    x, y = ctypes.c_float(), ctypes.c_float()
    start = last = None
    for at in range(pdfium_raw.FPDFPath_CountSegments(item)):
        segment = pdfium_raw.FPDFPath_GetPathSegment(item, at)
        pdfium_raw.FPDFPathSegment_GetPoint(segment, x, y)
        point = x.value, y.value
        kind = pdfium_raw.FPDFPathSegment_GetType(segment)
        if kind == pdfium_raw.FPDF_SEGMENT_MOVETO:
            start = point
        elif kind == pdfium_raw.FPDF_SEGMENT_LINETO and last:
            yield last, point
        if pdfium_raw.FPDFPathSegment_GetClose(segment) and start:
            yield point, start
        last = point


def lines_of(
    characters: list[Glyph],
    page: int,
    cell_at: Callable[[float, float], tuple[int, int] | None],
) -> list[Line]:
    """Return the lines of a page in the order of the file, each within one cell.

    PDFium's own line ends are not used: it joins a heading with the text under it.
    """
    rows: list[_Row] = []
    for glyph in characters:
        if glyph.made:
            if rows:
                rows[-1].glyphs.append(glyph)
            continue
        middle = (glyph.left + glyph.right) / 2, (glyph.bottom + glyph.top) / 2
        cell = cell_at(*middle)
        if rows and rows[-1].cell == cell and rows[-1].follows(glyph):
            continue
        # A line goes on after an excursion: a fraction, or the columns of a row written one by one.
        row = next((row for row in rows[:-4:-1] if row.cell == cell and row.takes(glyph)), None)
        if row is None:
            row = _Row(cell)
            rows.append(row)
        row.add(glyph)
    return [line for row in rows if (line := row.line(page))]


class _Row:
    """The characters of a line while it is read."""

    def __init__(self, cell: tuple[int, int] | None) -> None:
        self.cell = cell
        self.glyphs: list[Glyph] = []
        self._last: Glyph | None = None
        self._bottom = self._top = 0.0

    def follows(self, glyph: Glyph) -> bool:
        """Add a character that stands right behind the last one, as most do; tell whether it does."""
        last = self._last
        if (
            last is None
            or last is not self.glyphs[-1]
            or glyph.bottom != last.bottom
            or glyph.top != last.top
            or glyph.left < last.right - _TOUCHING * (last.right - last.left)
        ):
            return False
        self.glyphs.append(glyph)
        self._last = glyph
        return True

    def takes(self, glyph: Glyph) -> bool:
        """Tell whether a character stands on this line, behind what is there."""
        if self._last is None:
            return False
        height = glyph.top - glyph.bottom
        shared = min(self._top, glyph.top) - max(self._bottom, glyph.bottom)
        lower = min(height, self._top - self._bottom)
        # Slanted and overprinted characters begin before the last one ends.
        step = glyph.left - self._last.right
        return shared >= _SHARED * lower and step > -3 * max(height, lower)

    def add(self, glyph: Glyph) -> None:
        """Add a character, unless it is one printed again to look bold."""
        last = self._last
        if last is None:
            self._bottom, self._top = glyph.bottom, glyph.top
        elif glyph.left < last.right and any(map(glyph.repeats, self.glyphs[-_REPEATED:])):
            return
        elif not glyph.text.isspace() and not last.text.isspace():
            # What stands between belongs to another line.
            while self.glyphs[-1].made and glyph.left - last.right < 0.1 * (last.top - last.bottom):
                self.glyphs.pop()
        if not glyph.text.isspace():
            self._bottom = min(self._bottom, glyph.bottom)
            self._top = max(self._top, glyph.top)
        self.glyphs.append(glyph)
        self._last = glyph

    def line(self, page: int) -> Line | None:
        """Return the line, None where it is blank."""
        raw = "".join(glyph.text for glyph in self.glyphs)
        text = " ".join(raw.translate(_HYPHENS).split())
        drawn = [each for each in self.glyphs if not each.made and not each.text.isspace()]
        if not text or not drawn:
            return None
        # Of most characters, so that a raised index or a fraction does not move the line.
        bottom = statistics.median(each.bottom for each in drawn)
        top = statistics.median(each.top for each in drawn)
        size = top - bottom
        wide = any(after.left - before.right > _WIDE * size for before, after in pairwise(drawn))
        last = max(at for at, each in enumerate(self.glyphs) if each is drawn[-1])
        behind = self.glyphs[last + 1 :]
        return Line(
            text=text,
            left=min(each.left for each in drawn),
            right=max(each.right for each in drawn),
            bottom=bottom,
            top=top,
            page=page,
            cell=self.cell,
            blank_after=any(not each.made for each in behind),
            wide=wide,
        )
