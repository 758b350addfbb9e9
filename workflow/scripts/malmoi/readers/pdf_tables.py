"""The cells of ruled tables, from the lines drawn on a page."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass

from malmoi.readers.pdf_page import THIN, Rulings

#: A grid of more boxes is a drawing.
_MOST_BOXES = 20_000

_MOST_TABLES = 300

_Edge = tuple[float, float, float]


@dataclass
class Table:
    """A grid of boxes and, for each box by column and row from the top left, the number of its cell.

    ``columns`` are the x of the rulings from the left, ``rows`` their y from the top; the number of a cell is
    that of its first box, counted along the rows.
    """

    columns: list[float]
    rows: list[float]
    cells: list[int]

    def __post_init__(self) -> None:
        self._depths = [-each for each in self.rows]

    def cell_at(self, x: float, y: float) -> int | None:
        """Return the cell of a point, None outside."""
        if not self.columns[0] <= x < self.columns[-1]:
            return None
        column = bisect.bisect_right(self.columns, x) - 1
        row = bisect.bisect_right(self._depths, -y) - 1
        if not 0 <= row < len(self.rows) - 1:
            return None
        return self.cells[row * (len(self.columns) - 1) + column]

    def place(self, cell: int) -> tuple[int, int]:
        """Return row and column of a cell's first box."""
        return divmod(cell, len(self.columns) - 1)

    def sides(self, cell: int) -> tuple[float, float]:
        """Return the x of the left and right side of a cell's first row of boxes."""
        width = len(self.columns) - 1
        row, begin = divmod(cell, width)
        end = begin + 1
        while end < width and self.cells[row * width + end] == cell:
            end += 1
        return self.columns[begin], self.columns[end]

    def is_box(self) -> bool:
        """Tell a frame around text from a table."""
        return len(set(self.cells)) == 1

    def area(self) -> float:
        """Return the area in square points."""
        return (self.columns[-1] - self.columns[0]) * (self.rows[0] - self.rows[-1])


def tables(drawn: Rulings) -> list[Table]:
    """Return the tables and frames of a page, those within others first."""
    across, down = _merged(drawn.across), _merged(drawn.down)
    found = []
    for some_across, some_down in _connected(across, down):
        table = _table(some_across, some_down)
        if table:
            found.append(table)
    # So many are the bars and boxes of a chart.
    return sorted(found, key=Table.area) if len(found) <= _MOST_TABLES else []


def _merged(edges: Iterable[_Edge]) -> list[_Edge]:
    """Return edges with those that run along one line and touch made one."""
    levels: list[list[_Edge]] = []
    for edge in sorted(edges):
        if (
            levels
            and edge[0] - levels[-1][-1][0] <= THIN / 2
            and edge[0] - levels[-1][0][0] <= THIN
        ):
            levels[-1].append(edge)
        else:
            levels.append([edge])
    merged: list[_Edge] = []
    for level in levels:
        at = sum(edge[0] for edge in level) / len(level)
        begin = end = None
        for _, low, high in sorted(level, key=lambda edge: edge[1]):
            if end is not None and low <= end + THIN:
                end = max(end, high)
            else:
                if end is not None:
                    merged.append((at, begin, end))
                begin, end = low, high
        merged.append((at, begin, end))
    return merged


def _connected(across: list[_Edge], down: list[_Edge]) -> Iterable[tuple[list[_Edge], list[_Edge]]]:
    """Yield groups of edges that touch one another."""
    group = list(range(len(across) + len(down)))

    def root(at: int) -> int:
        while group[at] != at:
            group[at] = group[group[at]]
            at = group[at]
        return at

    if len(across) * len(down) > _MOST_BOXES * 50:
        return
    for i, (y, left, right) in enumerate(across):
        for j, (x, bottom, top) in enumerate(down, start=len(across)):
            if left - THIN <= x <= right + THIN and bottom - THIN <= y <= top + THIN:
                group[root(i)] = root(j)
    members: dict[int, tuple[list[_Edge], list[_Edge]]] = {}
    for i, edge in enumerate(across):
        members.setdefault(root(i), ([], []))[0].append(edge)
    for j, edge in enumerate(down, start=len(across)):
        members.setdefault(root(j), ([], []))[1].append(edge)
    yield from members.values()


def _table(across: list[_Edge], down: list[_Edge]) -> Table | None:
    if len(across) < 2 or not down:
        return None
    # Korean tables are often open at the left and right: the rows' ends close them.
    left, right = min(edge[1] for edge in across), max(edge[2] for edge in across)
    bottom, top = across[0][0], across[-1][0]
    down = [*down, (left, bottom, top), (right, bottom, top)]
    columns = _levels(edge[0] for edge in down)
    rows = _levels(edge[0] for edge in across)[::-1]
    width, height = len(columns) - 1, len(rows) - 1
    if width < 1 or height < 1 or width * height > _MOST_BOXES:
        return None
    cells = list(range(width * height))

    def root(at: int) -> int:
        while cells[at] != at:
            at = cells[at]
        return at

    def join(one: int, other: int) -> None:
        low, high = sorted((root(one), root(other)))
        cells[high] = low

    # Which rulings stand on each level, so that a box need look at its own only.
    on_column = [[e for e in down if abs(e[0] - x) <= THIN] for x in columns]
    on_row = [[e for e in across if abs(e[0] - y) <= THIN] for y in rows]
    for row in range(height):
        y = (rows[row] + rows[row + 1]) / 2
        for column in range(width):
            x = (columns[column] + columns[column + 1]) / 2
            at = row * width + column
            if column + 1 < width and not _covered(on_column[column + 1], y):
                join(at, at + 1)
            if row + 1 < height and not _covered(on_row[row + 1], x):
                join(at, at + width)
    return Table(columns, rows, [root(at) for at in range(width * height)])


def _levels(values: Iterable[float]) -> list[float]:
    levels: list[float] = []
    for value in sorted(values):
        if not levels or value - levels[-1] > THIN:
            levels.append(value)
    return levels


def _covered(edges: list[_Edge], at: float) -> bool:
    return any(low <= at <= high for _, low, high in edges)
