"""Tell a file's format by its content; the name only breaks ties between kinds of plain text."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import PurePosixPath

from lxml import etree

from malmoi.readers import law_xml
from malmoi.readers.plain_text import decoded
from malmoi.readers.record import ReadError

_OTHER_BINARIES = (
    (b"HWP Document File", "HWP 3"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a", "RAR"),
    (b"{\\rtf", "RTF"),
)
_HTML = re.compile(r"<(?:!doctype html|html|head|body|div|table|meta|title)\b", re.I)
_ROOT = re.compile(r"<[^\W\d][\w.\-]*(?::[\w.\-]+)?[\s/>]")
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n")


def format_of(data: bytes, name: str) -> str:
    """Return ``pdf``, ``hwp``, ``zip``, ``parquet``, ``xml``, ``html``, ``json``, ``jsonl``, ``csv``,
    ``markdown`` or ``text``.

    Raises:
        ReadError: ``unsupported_format`` for a known other one, ``undecodable`` for what is no text.
    """
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "hwp"
    if data.startswith(b"PAR1"):
        return "parquet"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _zip_format(data)
    for magic, title in _OTHER_BINARIES:
        if data.startswith(magic):
            raise ReadError("unsupported_format", title)
    return _text_format(decoded(data), PurePosixPath(name).suffix.lower())


def _zip_format(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ReadError("truncated_or_damaged", f"{type(error).__name__}: {error}") from error
    if any(re.fullmatch(r"Contents/section\d+\.xml", each) for each in names):
        return "hwp"
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise ReadError("unsupported_format", "a zip-based document that is not HWPX")
    return "zip"


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
        law_xml.parse(text)
    except ReadError as error:
        return error.reason == "unsafe_member"
    except (ValueError, etree.LxmlError):
        return False
    return True


def _json_format(text: str, suffix: str) -> str:
    """Return ``json`` or ``jsonl``, or nothing for text such as ``[1] 판시사항``."""
    lines = [line for line in text.split("\n", 64) if line.strip()]
    if suffix in (".jsonl", ".ndjson"):
        return "jsonl"
    if len(lines) > 1 and any(_is_object(line) for line in lines[:10]):
        return "jsonl"
    if suffix == ".json":
        return "json"
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return ""
    objects = value if isinstance(value, list) else [value]
    return "json" if objects and isinstance(objects[0], dict) else ""


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (json.JSONDecodeError, RecursionError):
        return False
