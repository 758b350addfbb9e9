"""Domain terms out of the dictionaries that the analyzer was given."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path


def read_terms(paths: Sequence[str | Path]) -> list[str]:
    """Return the distinct forms of dictionaries, sorted; regular expressions are left out.

    The files are plain text with the form before the first tab of a line, or CSV with a column ``form``, where
    ``verdict`` may reject a row. Segmentation, which reads them first, has checked them.
    """
    forms = (form for path in paths for form in _forms(Path(path)))
    return sorted(
        {unicodedata.normalize("NFC", form) for form in forms if form[:3] != "re:"} - {""}
    )


def _forms(path: Path) -> Iterator[str]:
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    if path.suffix.lower() != ".csv":
        yield from (line.split("\t")[0].strip() for line in lines if not line.startswith("#"))
        return
    reader = csv.DictReader(lines)
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
    for row in reader:
        if (row.get("verdict") or "").strip().lower() != "reject":
            yield (row["form"] or "").strip()
