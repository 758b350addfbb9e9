"""PDF: the text of its pages, with the lines of a paragraph joined again.

A PDF knows lines, not paragraphs, and Korean lines break inside words. The rule here is short on purpose:
a line goes on in the next one when it is full (40 columns and 0.75 of its page's median line), does not
end a sentence, and the next one does not begin a list item, heading or table row. Whether a blank belongs
between them cannot be known for certain: if the page writes a blank at the end of some lines, a line
without one was broken inside a word; on a page without such blanks a blank is put in.
"""

from __future__ import annotations

import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw

from malmoi.readers.record import ReadError, Record

_FULL = 0.75
_NARROWEST = 40
_SENTENCE_END = re.compile(r"[.?!:;。]['\"’”)\]】]*\Z")
_ITEM = re.compile(
    r"[①-⑳㉠-㉻○●◎□■◇◆▪▫•·※★☆❍❏▶►▷◦➢✓\-–—*【〔\[<〈《|]"
    r"|\d{1,3}(?:\.\d{1,3})+\.?\s|[(\[]?(?:\d{1,3}|[가-하]|[ivxIVXⅠ-Ⅻ]{1,4}|[a-zA-Z])[.)\]]\s|제\s?\d+\s?[조장절편관항]"
)
#: A line of a table of contents: leader dots and a page number.
_LEADER = re.compile(r"[·.…]{4,}\s*\d*\s*\Z")
_PAGE_NUMBER = re.compile(r"[-–—\s]*(?:page\s*)?\d{1,4}(?:\s*/\s*\d{1,4})?[-–—\s]*", re.I)
#: Characters that stand for a glyph whose meaning the file does not tell.
_UNMAPPED = re.compile(r"[\x00-\x08\x0e-\x1f\ue000-\uf8ff\uffff]")


def read(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the document as one record, a blank line between pages that do not run on.

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
        pages = [_page_lines(document, number) for number in range(len(document))]
    except pdfium.PdfiumError as error:
        raise ReadError("truncated_or_damaged", f"PdfiumError: {error}") from error
    finally:
        document.close()
    everything = "".join(line for page in pages for line in page)
    if not everything.strip():
        raise ReadError("image_only", f"{len(pages)} pages without text")
    if len(_UNMAPPED.findall(everything)) > 0.05 * len(everything):
        raise ReadError("undecodable", "the fonts have no map to Unicode")
    text = "\n".join("\n".join(join_lines(page)) for page in without_running_lines(pages) if page)
    yield Record(text=text, title=PurePosixPath(name).stem)


def _page_lines(document: pdfium.PdfDocument, number: int) -> list[str]:
    page = document[number]
    text_page = page.get_textpage()
    text = text_page.get_text_range()
    text_page.close()
    page.close()
    return [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]


def without_running_lines(pages: list[list[str]]) -> list[list[str]]:
    """Return pages without page numbers and without first or last lines that most pages repeat.

    Lines count as equal when they differ in digits and blanks only; repetition counts from four pages on.
    """

    def shape(line: str) -> str:
        return re.sub(r"\d+", "0", "".join(line.split()))

    edges = Counter(shape(line) for page in pages for line in {*page[:1], *page[-1:]})
    enough = max(4, len(pages) // 2 + 1)

    def runs(line: str) -> bool:
        return bool(_PAGE_NUMBER.fullmatch(line)) or edges[shape(line)] >= enough

    kept = []
    for page in pages:
        start = 1 if page and runs(page[0]) else 0
        end = len(page) - 1 if len(page) > start and runs(page[-1]) else len(page)
        kept.append(page[start:end])
    return kept


def join_lines(lines: list[str]) -> list[str]:
    """Return the lines of a page with those of one paragraph joined, see the module's text for the rule."""
    # The median, not the widest: PDFium joins some lines itself.
    full = max(_NARROWEST, _FULL * statistics.median(map(_width, lines))) if lines else 0.0
    marks_blanks = sum(line.endswith(" ") for line in lines) >= 0.1 * len(lines)
    joined: list[str] = []
    last = ""
    for line in lines:
        goes_on = (
            last
            and len(lines) > 2
            and _width(last) >= full
            and not _SENTENCE_END.search(last.rstrip())
            and not _LEADER.search(last)
            and not _ITEM.match(line.lstrip())
        )
        if not goes_on:
            joined.append(line.strip())
        elif last.rstrip().endswith(("\ufffe", "\u00ad")):
            # PDFium's mark for a hyphen that only breaks the line.
            joined[-1] = joined[-1].rstrip("\ufffe\u00ad") + line.strip()
        else:
            inside_word = (
                marks_blanks and not last.endswith(" ") and _hangul(last[-1], line.lstrip()[0])
            )
            joined[-1] += ("" if inside_word else " ") + line.strip()
        last = line
    return joined


def _hangul(*characters: str) -> bool:
    return all("가" <= character <= "힣" for character in characters)


def _width(line: str) -> int:
    """Return the columns a line takes, where East Asian characters take two."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in line.strip())
