"""XML files: what law.go.kr and the drug ministry give, with its structure, and any other XML as lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from malmoi.readers import drug_label, law_xml
from malmoi.readers.markup import element_text, parse, tree_text
from malmoi.readers.plain_text import decoded
from malmoi.readers.record import ReadError, Record, Section, labelled, title_of


def read(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the file as one record, or one for each product of an answer about drugs.

    ``fields`` maps element names, the first of each name counts.

    Raises:
        ReadError: see :func:`malmoi.readers.markup.parse`; ``no_text`` for an error answer of law.go.kr.
    """
    root = parse(decoded(data))
    if root.tag == "Law" and root.find("result") is not None:
        raise ReadError("no_text", f"law.go.kr answered {element_text(root.find('result'))}")
    products = [item for item in root.iter("item") if drug_label.is_product(e.tag for e in item)]
    if products:
        for number, item in enumerate(products, start=1):
            yield drug_label.from_element(item, fields, f"item {number}")
        return
    keys: Mapping[str, str] = {}
    sections: list[Section] = []
    if root.tag == "법령":
        keys, text = law_xml.STATUTE_KEYS, law_xml.statute_text(root)
    elif root.tag in law_xml.DECISION_KEYS:
        keys = law_xml.DECISION_KEYS[root.tag]
        text, sections = law_xml.decision_text(root)
    elif root.tag == "DOC" and root.find("SECTION") is not None:
        text, sections = drug_label.document_text(root)
    else:
        text = tree_text(root)

    def get(key: str) -> str | None:
        element = next(root.iter(key), None)
        return None if element is None else element_text(element)

    found = labelled(get, {**keys, **fields})
    found["title"] = found["title"] or root.get("title", "") or title_of(name)
    yield Record(text=text, sections=sections, **found)
