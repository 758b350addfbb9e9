"""XML: statutes and decisions as the law.go.kr Open API gives them, drug labels, and any other XML as lines.

The parser expands no entity, loads no DTD, opens no connection and keeps libxml2's limits on depth and
size.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from lxml import etree

from malmoi.readers.plain_text import decoded
from malmoi.readers.record import ReadError, Record, labelled

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_BREAK = re.compile(r"<br\s*/?>|</p\s*>|</tr\s*>|</li\s*>", re.I)
# Only Latin names are markup: statutes write `<개정 2015.12.29>` as text.
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?>|<!--.*?-->", re.S)

_STATUTE_PARTS = ("조문내용", "항내용", "호내용", "목내용", "부칙내용")
_DECISION_SECTIONS = ("판시사항", "판결요지", "참조조문", "참조판례", "판례내용")
_STATUTE_KEYS = {"title": "법령명_한글", "date": "시행일자", "group": "법령ID"}
_DECISION_KEYS = {"title": "사건명", "date": "선고일자", "group": "사건번호"}


def parse(text: str) -> etree._Element:
    """Return the root element of a document given as text.

    Raises:
        ReadError: ``unsafe_member``, it declares entities; ``truncated_or_damaged``, it is not well formed.
    """
    # The text is decoded already, so that a declared encoding (often EUC-KR for what is CP949) is moot.
    data = _DECLARATION.sub("", text, count=1).strip().encode("utf-8", "replace")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding="utf-8"
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise ReadError("truncated_or_damaged", f"XMLSyntaxError: {error}") from error
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(True for _ in dtd.iterentities()):
        raise ReadError("unsafe_member", "the document declares entities")
    return root


def read(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the file as one record; ``fields`` maps element names, the first of each name counts.

    Raises:
        ReadError: see :func:`parse`; ``no_text`` for an error answer of law.go.kr.
    """
    root = parse(decoded(data))
    if root.tag == "Law" and root.find("result") is not None:
        raise ReadError("no_text", f"law.go.kr answered {_element_text(root.find('result'))}")
    if root.tag == "법령":
        keys, text = _STATUTE_KEYS, statute_text(root)
    elif root.tag == "PrecService":
        keys, text = _DECISION_KEYS, decision_text(root)
    else:
        keys, text = {}, other_text(root)

    def get(key: str) -> str | None:
        element = next(root.iter(key), None)
        return None if element is None else _element_text(element)

    found = labelled(get, {**keys, **fields})
    found["title"] = found["title"] or root.get("title", "") or PurePosixPath(name).stem
    yield Record(text=text, **found)


def statute_text(root: etree._Element) -> str:
    """Return articles, paragraphs, items and addenda in document order, a line for each.

    Annexed tables (별표), the amending text and its reasons are left out: the tables are drawn with
    characters, and the other two repeat the articles.
    """
    lines = []
    for part in ("조문", "부칙"):
        for element in root.iterfind(f"{part}//*"):
            if element.tag in _STATUTE_PARTS:
                lines.extend(_lines(_element_text(element)))
    return "\n".join(lines)


def decision_text(root: etree._Element) -> str:
    """Return the sections of a decision that are not empty, each under its name."""
    parts = []
    for section in _DECISION_SECTIONS:
        element = next(root.iter(section), None)
        lines = [] if element is None else _lines(_element_text(element))
        if lines:
            parts.append("\n".join([section, *lines]))
    return "\n\n".join(parts)


def other_text(root: etree._Element) -> str:
    """Return the text and the ``title`` attributes of any XML in document order.

    Drug labels of the MFDS (``DOC > SECTION > ARTICLE title > PARAGRAPH``) read well so.
    """
    lines = []
    for event, node in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event == "start":
            lines.extend(_lines(node.get("title", "")))
            lines.extend(_lines(_without_tags(node.text or "")))
        elif node is not root:
            lines.extend(_lines(_without_tags(node.tail or "")))
    return "\n".join(lines)


def _element_text(element: etree._Element) -> str:
    return _without_tags("".join(element.itertext()))


def _without_tags(text: str) -> str:
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub("\n", text))
    return html.unescape(text) if "&" in text else text


def _lines(text: str) -> list[str]:
    return [line for line in map(str.strip, text.splitlines()) if line]
