"""Markdown with YAML front matter, as the statute and decision collections on GitHub keep it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from malmoi.readers.markup import without_comments
from malmoi.readers.plain_text import decoded
from malmoi.readers.record import ReadError, Record, Section, labelled, table_row

# The base loader makes nothing but strings, lists and dicts: the safe loader would turn the statute
# number 007100 into an integer.
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

#: Longest front matter, in characters; a statute with a hundred annexes has 16,000.
_LONGEST_FRONT_MATTER = 1_000_000

_DEEPEST = 50

_FRONT_MATTER = re.compile(r"\s*---[ \t]*\r?\n(.*?\r?\n)?---[ \t]*(?:\r?\n|\Z)", re.S)
_HEADING = re.compile(r"[ ]{0,3}(#{1,6})[ \t]")
_RULE = re.compile(r"[ ]{0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})")
_FENCE = re.compile(r"[ ]{0,3}(?:```|~~~)\S*[ \t]*")
_QUOTE = re.compile(r"\A[ ]{0,3}(?:>[ \t]?)+")
_SEPARATOR = re.compile(r"\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
# Two or three of a mark, no more: four underscores are a blank to be filled in.
_STRONG = re.compile(r"(?<![\\*])\*{2,3}(?!\*)|(?<![\\_\w])_{2,3}(?!_)|(?<![\\_])_{2,3}(?![\w_])")
_IMAGE = re.compile(r"(?<!\\)!\[[^\[\]\n]{0,500}\]\([^()\n]{0,2000}\)")
# A link needs an address; `[1](가)` in a decision is a point and a letter, not a link.
_LINK = re.compile(
    r"(?<!\\)\[([^\[\]\n]{1,500})\]"
    r"\((?:https?://|mailto:|/|\./|#)[^()\s]{0,2000}(?:\([^()\s]{0,500}\)[^()\s]{0,500}){0,9}\)"
)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


def split(text: str) -> tuple[dict[str, Any], str]:
    """Return front matter, all its scalars as the strings they were written as, and the body.

    Raises:
        ReadError: ``bad_record``, the front matter is not YAML, longer than a million characters, or has
            aliases, with which a few lines stand for gigabytes.
    """
    match = _FRONT_MATTER.match(text)
    if not match:
        return {}, text
    if match.end() > _LONGEST_FRONT_MATTER:
        raise ReadError("bad_record", f"front matter of {match.end()} characters")
    try:
        _check_events(match[1] or "")
        front = yaml.load(match[1] or "", Loader=_LOADER)
    except yaml.YAMLError as error:
        raise ReadError("bad_record", f"front matter: {' '.join(str(error).split())}") from error
    return (front, text[match.end() :]) if isinstance(front, dict) else ({}, text)


def _check_events(front: str) -> None:
    """Refuse aliases and deep nesting, on which the loader would spend gigabytes or its stack."""
    depth = 0
    for event in yaml.parse(front, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise ReadError("bad_record", "front matter: aliases are not read")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ReadError("bad_record", f"front matter: nested deeper than {_DEEPEST}")


def plain(body: str) -> tuple[str, str, list[Section]]:
    """Return a body without its marks, its first heading, and its sections.

    Heading, quote, rule, fence, strong-emphasis, link and image marks go and backslash escapes are
    undone. A table keeps its rows, one a line. List marks stay, since the numbers and dashes of a statute
    are its text. A section is a heading of the second level or lower with the text up to the next heading.
    """
    lines: list[str] = []
    heading = ""
    # Per heading: its level, its text, and the numbers of its line and of the last one with text.
    found: list[tuple[int, str, int, int]] = []
    for line in without_comments(body).splitlines():
        if _RULE.fullmatch(line) or _FENCE.fullmatch(line):
            continue
        line = _QUOTE.sub("", line, count=1)
        title = _HEADING.match(line)
        if title:
            line = _heading_text(line[title.end() :])
        if line.lstrip().startswith("|"):
            if _SEPARATOR.fullmatch(line.strip()):
                continue
            line = table_row(_CELL_BORDER.split(line))
        line = _inline(line)
        if title:
            heading = heading or line.strip()
            found.append((len(title[1]), line.strip(), len(lines), len(lines)))
        elif found and line.strip():
            found[-1] = (*found[-1][:3], len(lines))
        lines.append(line)
    ends = list(itertools.accumulate(len(line) + 1 for line in lines))
    sections = [
        (name, ends[first] - len(lines[first]) - 1, ends[last] - 1)
        for level, name, first, last in found
        if level > 1 and name and last > first
    ]
    return "\n".join(lines), heading, sections


def _heading_text(line: str) -> str:
    """Return a heading without the marks that may close it."""
    line = line.strip()
    bare = line.rstrip("#")
    return bare.rstrip() if bare != line and (not bare or bare[-1] in " \t") else line


def _inline(line: str) -> str:
    if "](" in line:
        line = _LINK.sub(r"\1", _IMAGE.sub("", line))
    for mark in ("*", "_"):
        if mark * 2 in line:
            line = _without_strong(line, mark)
    return _ESCAPE.sub(r"\1", line) if "\\" in line else line


def _without_strong(line: str, mark: str) -> str:
    """Return a line without the pairs of marks that make what is between them strong."""
    kept, start = [], 0
    opened: re.Match[str] | None = None
    for match in _STRONG.finditer(line):
        if match[0][0] != mark:
            continue
        after_text = match.start() > 0 and not line[match.start() - 1].isspace()
        before_text = match.end() < len(line) and not line[match.end()].isspace()
        if opened and after_text and match[0] == opened[0] and match.start() > opened.end():
            kept += [line[start : opened.start()], line[opened.end() : match.start()]]
            start, opened = match.end(), None
        elif opened is None and before_text:
            opened = match
    return "".join([*kept, line[start:]])


def read(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the file as one record, titled by its front matter or else by its first heading."""
    front, body = split(decoded(data))
    text, heading, sections = plain(body)
    found = labelled(front.get, fields)
    found["title"] = found["title"] or heading
    yield Record(text=text, sections=sections, **found)
