"""Tell a file's format by its content; the name only breaks ties between kinds of plain text."""

from __future__ import annotations

import io
import itertools
import json
import re
from pathlib import PurePosixPath
from typing import BinaryIO

from lxml import etree

from malmoi.readers import json_records, markup
from malmoi.readers.archive import Budget, container_of, opened
from malmoi.readers.plain_text import decoded
from malmoi.readers.record import ReadError

_OTHER_BINARIES = (
    (b"HWP Document File", "HWP 3"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a", "RAR"),
    (b"ALZ\x01", "ALZ"),
    (b"EGGA", "EGG"),
    (b"{\\rtf", "RTF"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML = re.compile(r"<(?:!doctype html|html|head|body|div|table|meta|title)\b", re.I)
_ROOT = re.compile(r"<[^\W\d][\w.\-]*(?::[\w.\-]+)?[\s/>]")
#: Characters from which on a line of JSON is judged by its ends.
_LONG_LINE = 1_000_000

#: No limit: what a zip declares is checked when it is read.
_ANY_SIZE = 1 << 62

_LINE = re.compile(r"\S[^\n]*")
_LIST_OF_OBJECTS = re.compile(r"\[\s*\{\s*[\"}]")
#: No text begins so; JSON that does is nested too deeply to be tried out.
_DEEP = re.compile(r"(?:[\[{]\s{0,9}(?:\"[^\"\n]{0,99}\"\s{0,9}:\s{0,9})?){200}")
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n")


def format_of(data: bytes, name: str) -> str:
    """Return the format of a file that is no archive, by the names the config has for them.

    Raises:
        ReadError: ``unsupported_format`` for a known other one, ``undecodable`` for what is no text,
            ``locked`` for a workbook with a password.
    """
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(_OLE):
        return _ole_format(data)
    if data.startswith(b"PAR1"):
        return "parquet"
    if container_of(data[:512]) == "zip":
        return zip_format(io.BytesIO(data))
    for magic, title in _OTHER_BINARIES:
        if data.startswith(magic):
            raise ReadError("unsupported_format", title)
    return _text_format(decoded(data), PurePosixPath(name).suffix.lower())


def zip_format(file: BinaryIO) -> str:
    """Return ``hwp`` for HWPX, ``xlsx``, or ``zip`` for an archive of files.

    Raises:
        ReadError: ``truncated_or_damaged``; ``unsupported_format``, a document of another kind.
    """
    with opened(file, Budget(_ANY_SIZE)) as archive:
        names = set(archive.namelist())
    if any(re.fullmatch(r"Contents/section\d+\.xml", each) for each in names):
        return "hwp"
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise ReadError("unsupported_format", "a zip-based document that is neither HWPX nor XLSX")
    return "zip"


def _ole_format(data: bytes) -> str:
    """Tell HWP 5 from what else is kept in Microsoft's compound files, by the names of the streams."""

    def has(name: str) -> bool:
        return name.encode("utf-16-le") + b"\0\0" in data

    if has("HwpSummaryInformation") or has("BodyText"):
        return "hwp"
    if has("EncryptedPackage"):
        raise ReadError("locked", "an Office document with a password")
    if has("Workbook") or has("Book"):
        return "xlsx"
    for name, title in (("WordDocument", "DOC"), ("PowerPoint Document", "PPT")):
        if has(name):
            raise ReadError("unsupported_format", title)
    return "hwp"


def _text_format(text: str, suffix: str) -> str:
    start = text.lstrip()
    if suffix in (".csv", ".tsv"):
        return "csv"
    if start.startswith("<?xml"):
        head = start[start.find("?>") + 2 :].lstrip()
        return "html" if _HTML.match(head) else "xml"
    if _HTML.match(start):
        return "html"
    if start[:9].upper() == "<!DOCTYPE":
        return "xml"
    if _ROOT.match(start) and _is_xml(start):
        return "xml"
    if start.startswith(("{", "[")) and (found := _json_format(start, suffix)):
        return found
    if _FRONT_MATTER.match(start) or suffix in (".md", ".markdown"):
        return "markdown"
    return "text"


def _is_xml(text: str) -> bool:
    """Tell XML from text that begins with something like ``<개정 2015.12.29>``."""
    try:
        markup.parse(text)
    except ReadError as error:
        return error.reason == "unsafe_member"
    except (ValueError, etree.LxmlError):
        return False
    return True


def _json_format(text: str, suffix: str) -> str:
    """Return ``json`` or ``jsonl``, or nothing for text such as ``[1] 판시사항``.

    ``text`` begins with a bracket. Of a long one, only short lines are decoded.
    """
    if suffix in (".jsonl", ".ndjson"):
        return "jsonl"
    if _LIST_OF_OBJECTS.match(text) or _DEEP.match(text):
        return "json"
    lines = [match[0] for match in itertools.islice(_LINE.finditer(text), 64)]
    if _is_object(lines[0]):
        return "jsonl" if len(lines) > 1 else "json"
    if suffix == ".json":
        return "json"
    if text.startswith("["):
        return ""
    if len(text) > _LONG_LINE:
        return "jsonl" if any(map(_is_object, lines[:10])) else "json"
    try:
        json.loads(text)
    except json_records.FAILURES:
        return "jsonl" if any(map(_is_object, lines[:10])) else ""
    return "json"


def _is_object(line: str) -> bool:
    if len(line) > _LONG_LINE:
        return line.startswith("{") and line.rstrip().endswith("}")
    try:
        return isinstance(json.loads(line), dict)
    except json_records.FAILURES:
        return False
