"""Markdown with YAML front matter, as the statute and decision collections on GitHub keep it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from malmoi.readers.plain_text import decoded
from malmoi.readers.record import ReadError, Record, labelled, table_row

_FRONT_MATTER = re.compile(r"\s*---[ \t]*\r?\n(.*?\r?\n)?---[ \t]*(?:\r?\n|\Z)", re.S)
_HEADING = re.compile(r"[ ]{0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*")
_RULE = re.compile(r"[ ]{0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})")
_FENCE = re.compile(r"[ ]{0,3}(?:```|~~~)\S*[ \t]*")
_QUOTE = re.compile(r"\A[ ]{0,3}(?:>[ \t]?)+")
_SEPARATOR = re.compile(r"[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_STRONG = re.compile(r"(?<!\\)(\*\*|__)(?=\S)(.+?)(?<=[^\s\\])\1")
_IMAGE = re.compile(r"(?<!\\)!\[[^\]\n]*\]\([^()\n]*\)")
# A link needs an address; `[1](가)` in a decision is a point and a letter, not a link.
_LINK = re.compile(
    r"(?<!\\)\[([^\]\n]+)\]\((?:https?://|mailto:|/|\./|#)[^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)"
)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


def split(text: str) -> tuple[dict[str, Any], str]:
    """Return front matter, all its scalars as the strings they were written as, and the body.

    Raises:
        ReadError: ``bad_record``, the front matter is not YAML.
    """
    match = _FRONT_MATTER.match(text)
    if not match:
        return {}, text
    try:
        # The base loader makes nothing but strings, lists and dicts: the safe loader would turn the
        # statute number 007100 into an integer.
        front = yaml.load(match[1] or "", Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except yaml.YAMLError as error:
        raise ReadError("bad_record", f"front matter: {' '.join(str(error).split())}") from error
    return (front, text[match.end() :]) if isinstance(front, dict) else ({}, text)


def plain(body: str) -> tuple[str, str]:
    """Return a body without its marks, and its first heading.

    Heading, quote, rule, fence, strong-emphasis, link and image marks go and backslash escapes are
    undone. A table keeps its rows, one a line. List marks stay, since the numbers and dashes of a statute
    are its text.
    """
    lines, heading = [], ""
    for line in _COMMENT.sub("", body).splitlines():
        if _RULE.fullmatch(line) or _FENCE.fullmatch(line):
            continue
        line = _QUOTE.sub("", line, count=1)
        if title := _HEADING.fullmatch(line):
            line = title[1]
        if line.lstrip().startswith("|"):
            if _SEPARATOR.fullmatch(line):
                continue
            line = table_row(_CELL_BORDER.split(line))
        line = _inline(line)
        if title and not heading:
            heading = line.strip()
        lines.append(line)
    return "\n".join(lines), heading


def _inline(line: str) -> str:
    if "](" in line:
        line = _LINK.sub(r"\1", _IMAGE.sub("", line))
    if "**" in line or "__" in line:
        line = _STRONG.sub(r"\2", line)
    return _ESCAPE.sub(r"\1", line) if "\\" in line else line


def read(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the file as one record, titled by its front matter or else by its first heading."""
    front, body = split(decoded(data))
    text, heading = plain(body)
    found = labelled(front.get, fields)
    found["title"] = found["title"] or heading
    yield Record(text=text, **found)
