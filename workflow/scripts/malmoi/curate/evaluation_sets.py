"""Read the texts of an evaluation set: JSON, JSONL, CSV, TSV, CoNLL columns, Parquet or one item a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from malmoi.errors import InputError

#: An item's name and one of its texts.
Item = tuple[str, str]

#: Keys that name an item, the first found first.
IDENTIFIERS = ("guid", "id", "uid", "qid", "question_id", "doc_id")

# A cell holds a document at most; the csv module's own limit is 128 KiB.
csv.field_size_limit(1 << 30)


def read_items(path: str | Path, fields: Collection[str] | None = None) -> Iterator[Item]:
    """Yield the texts of an evaluation set, each with its item's id or else its number from 1 on.

    The name's ending says the format. Of objects and columns those named in ``fields`` are read, at any
    depth, whole numbers among them; without ``fields`` all that are text, labels too, which are too short to
    be looked for. The columns of a CSV or TSV file without a header are named by number, from 0 on.
    Sentences in columns, a character or word with its tags on each line and a blank line after each sentence
    (CoNLL, KLUE's NER and DP), are put together again.

    Raises:
        InputError: the file is missing or not what its ending says, or has none of the fields.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        known = " ".join(_READERS)
        raise InputError(f"{path}: evaluation sets end in one of {known}, not in {suffix!r}")
    wanted = frozenset(map(str, fields)) if fields else None
    found = False
    try:
        for item in _READERS[suffix](path, wanted):
            found = True
            yield item
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}; convert it") from error
    except (ValueError, RecursionError, csv.Error, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as {suffix}: {error}") from error
    if not found:
        among = f" in {', '.join(sorted(wanted))}" if wanted else ""
        raise InputError(f"{path}: nothing found{among}; check its name")


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", newline="\n") as lines:
        for line in lines:
            yield line.rstrip("\r\n")


def _plain(path: Path, fields: Collection[str] | None) -> Iterator[Item]:
    for number, line in enumerate(_lines(path), start=1):
        if line.strip():
            yield str(number), line


def _json_lines(path: Path, fields: Collection[str] | None) -> Iterator[Item]:
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        yield from _texts(value, fields, str(number))


def _json(path: Path, fields: Collection[str] | None) -> Iterator[Item]:
    value = json.loads(path.read_text(encoding="utf-8-sig"))
    records = value if isinstance(value, list) else [value]
    for number, record in enumerate(records, start=1):
        yield from _texts(record, fields, str(number))


def _parquet(path: Path, fields: Collection[str] | None) -> Iterator[Item]:
    number = 0
    for batch in pq.ParquetFile(path).iter_batches(batch_size=1024):
        for record in batch.to_pylist():
            number += 1
            yield from _texts(record, fields, str(number))


def _texts(value: Any, fields: Collection[str] | None, name: str, key: str = "") -> Iterator[Item]:
    if isinstance(value, str):
        if fields is None or key in fields:
            yield name, value
    elif isinstance(value, int):
        if fields is not None and key in fields:
            yield name, str(value)
    elif isinstance(value, dict):
        own = next((value[each] for each in IDENTIFIERS if value.get(each) not in (None, "")), name)
        name = str(own) if isinstance(own, str | int) else name
        for each, inner in value.items():
            if fields is not None or each not in IDENTIFIERS:
                yield from _texts(inner, fields, name, each)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, fields, name, key)


def _comma_separated(path: Path, fields: Collection[str] | None) -> Iterator[Item]:
    with path.open(encoding="utf-8-sig", newline="") as text:
        yield from _rows(csv.reader(text), fields)


def _tab_separated(path: Path, fields: Collection[str] | None) -> Iterator[Item]:
    lines = list(_lines(path))
    if _is_columns(lines):
        yield from _sentences(lines)
        return
    kept = (line.split("\t") for line in lines if line.strip() and not line.startswith("##"))
    yield from _rows(kept, fields)


def _rows(rows: Iterable[list[str]], fields: Collection[str] | None) -> Iterator[Item]:
    header: list[str] = []
    for number, row in enumerate(rows, start=1):
        if number == 1 and not {*(fields or ()), *IDENTIFIERS}.isdisjoint(row):
            header = row
            continue
        names = header or map(str, range(len(row)))
        yield from _texts(dict(zip(names, row, strict=False)), fields, str(number))


def _is_columns(lines: list[str]) -> bool:
    """Return whether each line holds a token with its tags, and a blank line ends each sentence."""
    body = [line for line in lines if not line.startswith("#")]
    while body and not body[-1]:
        body.pop()
    return "" in body and all("\t" in line for line in body if line)


def _sentences(lines: list[str]) -> Iterator[Item]:
    tokens = [line.split("\t") for line in lines if line and not line.startswith("#")]
    # Dependency columns begin with the number of the word.
    place = int(all(row[0].isdigit() for row in tokens))
    name, words, number = "", [], 0
    for line in [*lines, ""]:
        if line.startswith("#") and not words:
            key, equals, value = line.lstrip("#").strip().partition(" = ")
            name = key.split("\t")[0] if not equals else value if key == "sent_id" else name
        elif line:
            words.append(line.split("\t")[place])
        elif words:
            number += 1
            yield name or str(number), "".join(words)
            name, words = "", []


_READERS: dict[str, Callable[[Path, Collection[str] | None], Iterator[Item]]] = {
    ".jsonl": _json_lines,
    ".json": _json,
    ".csv": _comma_separated,
    ".tsv": _tab_separated,
    ".conll": _tab_separated,
    ".conllu": _tab_separated,
    ".parquet": _parquet,
    ".txt": _plain,
}
