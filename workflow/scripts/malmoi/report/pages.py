"""Pages of HTML from CSV tables and JSON files, since a report shows those two as downloads alone."""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Sequence
from pathlib import Path

from malmoi.atomic import write_text

#: A number as CSV has it. Figures with a leading zero, such as those of shards, are names.
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")

#: Columns that a laptop's screen has room for.
WIDE = 12

_STYLE = """
body { font: 14px/1.4 "Noto Sans CJK KR", "Noto Sans KR", "Malgun Gothic", sans-serif; margin: 1em; }
p { color: #555; margin: 0 0 1em; }
table { border-collapse: collapse; }
th { position: sticky; top: 0; background: #eef1f4; vertical-align: bottom; }
th, td { padding: .25em .6em; border-bottom: 1px solid #ddd; text-align: left; }
td { max-width: 36em; overflow-wrap: break-word; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
"""


def write_pages(inputs: Sequence[str | Path], outputs: Sequence[str | Path]) -> None:
    """Write a page for each CSV table or JSON file; it names the file, which has the exact figures."""
    for source, target in zip(map(Path, inputs), outputs, strict=True):
        text = source.read_text(encoding="utf-8")
        body = as_table(text) if source.suffix == ".csv" else f"<pre>{html.escape(text)}</pre>"
        name = html.escape(source.as_posix())
        write_text(
            target,
            f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{name}</title>'
            f"<style>{_STYLE}</style></head>\n<body>\n<p>{name}</p>\n{body}\n</body>\n</html>\n",
        )


def as_table(text: str) -> str:
    """Return a CSV table as HTML: columns of numbers to the right, with four digits at most after rounding.

    Whole numbers keep all their digits. Header names break at their underscores. A table of more than ``WIDE``
    columns and fewer rows is shown on its side.
    """
    head, *rows = csv.reader(text.splitlines(keepends=True))
    numeric = [_is_numeric([row[at] for row in rows]) for at in range(len(head))]
    names = [html.escape(name).replace("_", "_<wbr>") for name in head]
    cells = [
        [
            shown(cell) if number else html.escape(cell)
            for cell, number in zip(row, numeric, strict=True)
        ]
        for row in rows
    ]
    if len(head) > WIDE and len(rows) < len(head):
        lines = [
            f"<tr><th>{name}</th>{_cells('td', column, [number] * len(rows))}</tr>"
            for name, number, *column in zip(names, numeric, *cells, strict=True)
        ]
        return "\n".join(["<table>", *lines, "</table>"])
    lines = [f"<tr>{_cells('td', row, numeric)}</tr>" for row in cells]
    top = f"<thead><tr>{_cells('th', names, numeric)}</tr></thead>"
    return "\n".join(["<table>", top, "<tbody>", *lines, "</tbody>", "</table>"])


def shown(cell: str) -> str:
    """Return a number of a table for reading: 1234567 as 1,234,567 and 0.123456 as 0.1235."""
    if not cell:
        return ""
    if cell.lstrip("-").isdecimal():
        return f"{int(cell):,}"
    value = float(cell)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _is_numeric(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(_NUMBER.fullmatch(cell) for cell in filled)


def _cells(tag: str, cells: Sequence[str], numeric: Sequence[bool]) -> str:
    return "".join(
        f'<{tag} class="number">{cell}</{tag}>' if number else f"<{tag}>{cell}</{tag}>"
        for cell, number in zip(cells, numeric, strict=True)
    )
