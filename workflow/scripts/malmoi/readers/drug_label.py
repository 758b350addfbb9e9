"""Drug labels as the open data of the Korean drug ministry (MFDS) gives them, in XML and in JSON.

The permit data hold three documents of one form, ``DOC > SECTION > ARTICLE > PARAGRAPH``: effects
(``EE_DOC_DATA``), doses (``UD_DOC_DATA``) and precautions (``NB_DOC_DATA``). The plain leaflets (e약은요)
hold flat texts under names such as ``efcyQesitm``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from lxml import etree

from malmoi.readers.markup import filled_lines, parse, without_tags
from malmoi.readers.record import (
    ReadError,
    Record,
    Section,
    as_text,
    joined_sections,
    labelled,
)
from malmoi.readers.web_page import parsed, visible_text

#: Keys of one product's texts, in the order of a label, and what each text is.
TEXTS: dict[str, str] = {
    "EE_DOC_DATA": "효능효과",
    "UD_DOC_DATA": "용법용량",
    "NB_DOC_DATA": "사용상의주의사항",
    "efcyQesitm": "효능",
    "useMethodQesitm": "사용법",
    "atpnWarnQesitm": "경고",
    "atpnQesitm": "주의사항",
    "intrcQesitm": "상호작용",
    "seQesitm": "부작용",
    "depositMethodQesitm": "보관법",
}

#: A part of a label: the section's name, empty outside of any, and its text.
Part = tuple[str, str]


def is_product(keys: Iterable[str]) -> bool:
    """Tell whether an object or element with these keys is a product with its texts."""
    return not TEXTS.keys().isdisjoint(keys)


def from_object(
    item: Mapping[str, Any], get: Callable[[str], Any], fields: Mapping[str, Any], record: str
) -> Record:
    """Return the record of one product given as a JSON object; ``get`` looks up what ``fields`` names."""
    return _product(lambda key: as_text(item.get(key)), get, fields, record)


def from_element(item: etree._Element, fields: Mapping[str, Any], record: str) -> Record:
    """Return the record of one product given as an XML element."""

    def text(key: str) -> Any:
        element = item.find(key)
        return None if element is None else "".join(element.itertext())

    def document(key: str) -> str | etree._Element:
        element = item.find(key)
        inner = None if element is None else element.find("DOC")
        return (text(key) or "") if inner is None else inner

    return _product(document, text, fields, record)


def document_text(root: etree._Element) -> tuple[str, list[Section]]:
    """Return the text of one ``DOC`` and its sections: the articles with a title, or else the whole."""
    return joined_sections(_parts(root, ""), "\n")


def _product(
    document: Callable[[str], str | etree._Element],
    get: Callable[[str], Any],
    fields: Mapping[str, Any],
    record: str,
) -> Record:
    parts: list[Part] = []
    for key, name in TEXTS.items():
        value = document(key)
        if isinstance(value, str) and value.lstrip().startswith("<") and "<DOC" in value:
            try:
                value = parse(value)
            except ReadError:
                value = without_tags(value)
        if isinstance(value, str):
            lines = filled_lines(_paragraph(value))
            parts.extend([(name, "\n".join([name, *lines]))] if lines else [])
        else:
            parts.extend(_parts(value, name))
    if not parts:
        return Record(record=record, reason="no_text")
    text, sections = joined_sections(parts, "\n")
    return Record(text=text, sections=sections, record=record, **labelled(get, fields))


def _parts(root: etree._Element, name: str) -> Iterator[Part]:
    """Yield the parts of a ``DOC`` in order: under its own title what no article's title names."""
    name = root.get("title", "").strip() or name
    lines: list[str] = [name] if name else []
    has_text = False
    for section in root.iter("SECTION"):
        lines.extend(filled_lines(section.get("title", "")))
        for article in section.iter("ARTICLE"):
            title = without_tags(article.get("title", "")).strip()
            body = [
                line
                for paragraph in article.iter("PARAGRAPH")
                for line in filled_lines(_paragraph("".join(paragraph.itertext())))
            ]
            if title and body:
                if lines:
                    yield name if has_text else "", "\n".join(lines)
                    lines, has_text = [], False
                yield title, "\n".join([title, *body])
            elif title or body:
                lines.extend([title, *body] if title else body)
                has_text = has_text or bool(body) or bool(title)
    if has_text:
        yield name, "\n".join(lines)


def _paragraph(text: str) -> str:
    """Return a paragraph without HTML; the rows of a table in it are lines, its cells between bars."""
    if "<td" in text.lower():
        table = text if "<table" in text.lower() else f"<table>{text}</table>"
        with suppress(ReadError):
            body = parsed(table).body
            return visible_text(body) if body is not None else ""
    return without_tags(text)
