"""Read the items of a task from a file: JSON lines, JSON, CSV, TSV and CoNLL, by its name's ending."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malmoi.errors import InputError

#: Columns, or keys of objects, that an item's parts are read from; dots lead into nested objects.
COLUMNS: dict[str, str | None] = {
    "id": None,
    "group": None,
    "text": "text",
    "second": None,
    "label": "label",
    "choices": "choices",
}
TABLES = {".csv": ",", ".tsv": "\t"}
ENDINGS = (".jsonl", ".json", *TABLES, ".conll", ".txt")


@dataclass
class Record:
    """One item; ``target`` is as ``tasks.Part`` has it, but with names of classes and tags."""

    id: str
    group: str
    texts: tuple[str, ...]
    target: Any


class UnfitError(ValueError):
    """Why a record cannot be used."""


def read_records(
    path: str | Path, kind: str, columns: Mapping[str, str | None], split: str
) -> Iterator[Record]:
    """Yield the items of a file in its order.

    ``.jsonl`` has an object per line; ``.json`` a list of them, or an object whose ``data`` is one;
    ``.csv`` and ``.tsv`` begin with the columns' names. Tags of tokens are read from ``.tsv``, ``.conll``
    and ``.txt`` with a unit and its tag per line and empty lines between items, as KLUE and CoNLL have
    them (an I that continues nothing begins an entity), or from objects whose label is a list of
    ``[start, end, type]``, in characters of the text.
    Questions are read from JSON as SQuAD, KorQuAD and KLUE-MRC have it. An item without an id or a group
    is named by its number and is a group of its own.

    Raises:
        InputError: the file cannot be read as one of these; it names the item.
    """
    path = Path(path)
    if path.suffix not in ENDINGS:
        raise InputError(f"{path}: unknown ending; known are {', '.join(ENDINGS)}")
    if kind == "qa" and path.suffix != ".json":
        raise InputError(f"{path}: questions are read from .json, as SQuAD and KLUE-MRC have it")
    try:
        lines = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}); name a UTF-8 file") from None
    number = 0
    try:
        if kind == "qa":
            rows = _questions(json.loads(lines))
        elif kind == "tokens" and path.suffix in (".tsv", ".conll", ".txt"):
            rows = _tagged(lines)
        else:
            rows = (_item(row, kind, columns) for row in _rows(lines, path))
        for number, (name, group, texts, target) in enumerate(rows, start=1):
            own = name or f"{split}-{number}"
            yield Record(own, group or own, texts, target)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: item {number + 1}: not JSON ({error})") from None
    except UnfitError as error:
        raise InputError(f"{path}: item {number + 1}: {error}") from None


def _rows(text: str, path: Path) -> Iterator[Mapping[str, Any]]:
    if path.suffix in TABLES:
        yield from csv.DictReader(text.splitlines(keepends=True), delimiter=TABLES[path.suffix])
        return
    if path.suffix == ".jsonl":
        rows = map(json.loads, filter(str.strip, text.split("\n")))
    elif path.suffix == ".json":
        content = json.loads(text)
        rows = content.get("data") if isinstance(content, dict) else content
    else:
        raise UnfitError(
            f"{path.suffix} holds tags of tokens alone; use .jsonl, .json, .csv or .tsv"
        )
    for row in rows if rows is not None else [None]:
        if not isinstance(row, dict):
            raise UnfitError("it is no JSON object")
        yield row


def _value(row: Mapping[str, Any], name: str | None, needed: bool = False) -> Any:
    """Return what a column or a dotted path of keys holds; None where the item has no such."""
    value: Any = row
    for part in [name] if name in row else (name or "").split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if needed and value in (None, ""):
        raise UnfitError(f"it has no {name!r}; its keys are {', '.join(map(str, row))}")
    return value


def _item(
    row: Mapping[str, Any], kind: str, columns: Mapping[str, str | None]
) -> tuple[str, str, tuple[str, ...], Any]:
    text = str(_value(row, columns["text"], needed=True))
    label = _value(row, columns["label"], needed=kind != "tokens")
    texts: tuple[str, ...] = (text,)
    if columns["second"]:
        texts += (str(_value(row, columns["second"], needed=True)),)
    target: Any
    if kind == "classification":
        if not isinstance(label, str | int | float):
            raise UnfitError(f"its label is {label!r}, which is neither text nor a number")
        target = str(label).strip()
    elif kind == "regression":
        target = _number(label)
    elif kind == "tokens":
        target = _tags(text, label or [])
    else:
        choices = _value(row, columns["choices"], needed=True)
        if not isinstance(choices, list) or len(choices) < 2:
            raise UnfitError("its choices are not a list of at least two")
        choices = [str(choice) for choice in choices]
        texts = (text, *choices)
        target = choices.index(label) if isinstance(label, str) and label in choices else label
        if (
            isinstance(target, bool)
            or not isinstance(target, int)
            or not 0 <= target < len(choices)
        ):
            raise UnfitError(
                f"its label {label!r} is neither a choice nor a number below {len(choices)}"
            )
    name, group = (_value(row, columns[column]) for column in ("id", "group"))
    return "" if name is None else str(name), "" if group is None else str(group), texts, target


def _number(label: Any) -> float:
    try:
        number = float(label)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise UnfitError(f"its label {label!r} is no number")
    return number


def _tags(text: str, spans: Any) -> list[str]:
    """Return a BIO tag for each character that is not white space."""
    tags = ["O"] * len(text)
    for span in spans:
        if not isinstance(span, list) or len(span) != 3:
            raise UnfitError(f"{span!r} is no [start, end, type]")
        start, end, name = span
        if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text)):
            raise UnfitError(f"the span {span} does not lie in its text of {len(text)} characters")
        covered = [place for place in range(start, end) if not text[place].isspace()]
        if any(tags[place] != "O" for place in covered):
            raise UnfitError(f"the span {span} overlaps another")
        for place in covered:
            tags[place] = f"{'B' if place == covered[0] else 'I'}-{name}"
    return [tag for tag, character in zip(tags, text, strict=True) if not character.isspace()]


def _tagged(text: str) -> Iterator[tuple[str, str, tuple[str, ...], list[str]]]:
    """Yield items of lines ``unit TAB tag``; units of one character each are a text, others its words."""
    name, units = "", []
    for line in [*text.split("\n"), ""]:
        line = line.rstrip("\r")
        if line.startswith("## "):
            name = line[3:].split("\t")[0].strip() if "\t" in line else name
        elif line.strip():
            parts = line.rsplit("\t" if "\t" in line else " ", 1)
            if len(parts) != 2 or (parts[1] != "O" and parts[1][:2] not in ("B-", "I-")):
                raise UnfitError(f"{line!r} is no unit with its tag: O, B-… or I-…")
            # CoNLL has further columns between the two.
            units.append((parts[0].split("\t" if "\t" in line else " ")[0], parts[1]))
        elif units:
            yield name, "", *_joined(units)
            name, units = "", []


def _joined(units: list[tuple[str, str]]) -> tuple[tuple[str, ...], list[str]]:
    tags: list[str] = []
    for unit, tag in units:
        inner = f"I{tag[1:]}" if tag != "O" else tag
        tags += [tag, *[inner] * (len(unit) - 1)] if not unit.isspace() else []
    before = "O"
    for at, tag in enumerate(tags):
        # IOB1 marks few beginnings, and KLUE-NER has some on the space before the entity.
        tags[at] = f"B{tag[1:]}" if tag[0] == "I" and before[1:] != tag[1:] else tag
        before = tag
    by_character = all(len(unit) == 1 for unit, _ in units)
    return (("" if by_character else " ").join(unit for unit, _ in units),), tags


def _questions(
    content: Any,
) -> Iterator[tuple[str, str, tuple[str, ...], list[tuple[int, str]]]]:
    try:
        for article in content["data"]:
            for paragraph in article["paragraphs"]:
                context = paragraph["context"]
                for item in paragraph["qas"]:
                    answers = [
                        (answer["answer_start"], answer["text"])
                        for answer in ([] if item.get("is_impossible") else item["answers"])
                    ]
                    for start, answer in answers:
                        if not answer or context[start : start + len(answer)] != answer:
                            raise UnfitError(
                                f"the answer {answer!r} does not stand at {start} of its context"
                            )
                    name = str(item.get("guid", item.get("id", "")))
                    yield name, article.get("title") or "", (item["question"], context), answers
    except (KeyError, TypeError) as error:
        raise UnfitError(f"it is not as SQuAD and KLUE-MRC have it ({error})") from None
