"""XML trees and the marks inside their text, read without trusting either.

The parser expands no entity, loads no DTD, opens no connection and keeps libxml2's limits on depth and
size. Every function here takes time in proportion to its input, however it is made.
"""

from __future__ import annotations

import html
import re

from lxml import etree

from malmoi.readers.record import ReadError

_MOST_TAGS = 5_000_000

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_BREAK = re.compile(r"<br\s*/?>|</p\s*>|</tr\s*>|</li\s*>", re.I)
# Only Latin names are markup: statutes write `<개정 2015.12.29>` as text.
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?>")
_RAISED = re.compile(r"<sup>\s*([0-9+-]{1,6})\s*</sup>", re.I)
_SUPERSCRIPTS = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")


def parse(text: str) -> etree._Element:
    """Return the root element of a document given as text.

    Raises:
        ReadError: ``unsafe_member``, it declares entities; ``truncated_or_damaged``, it is not well formed;
            ``too_large``, it has millions of elements, each of which takes far more memory than its tag.
    """
    if text.count("<") > _MOST_TAGS:
        raise ReadError("too_large", f"more than {_MOST_TAGS} tags")
    # The text is decoded already, so that a declared encoding (often EUC-KR for what is CP949) is moot.
    data = _DECLARATION.sub("", text, count=1).strip().encode("utf-8", "replace")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding="utf-8"
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        if b"<!ENTITY" in data[:100_000]:
            raise ReadError("unsafe_member", "the document declares entities") from error
        raise ReadError("truncated_or_damaged", f"XMLSyntaxError: {error}") from error
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(True for _ in dtd.iterentities()):
        raise ReadError("unsafe_member", "the document declares entities")
    return root


def without_comments(text: str) -> str:
    """Return text without ``<!-- ... -->``; a comment that nothing closes is text."""
    kept, start = [], 0
    while (opened := text.find("<!--", start)) >= 0:
        closed = text.find("-->", opened + 4)
        if closed < 0:
            break
        kept.append(text[start:opened])
        start = closed + 3
    return "".join([*kept, text[start:]]) if kept else text[start:]


def without_tags(text: str) -> str:
    """Return text without HTML tags and entities, a line break for each element that ends a line.

    Raised figures stay raised (``10<sup>9</sup>`` is ``10⁹``), since ``109`` would be another number.
    """
    if "<" in text:
        text = _RAISED.sub(lambda match: match[1].translate(_SUPERSCRIPTS), text)
        text = _TAG.sub("", _BREAK.sub("\n", without_comments(text)))
    return html.unescape(text) if "&" in text else text


def element_text(element: etree._Element) -> str:
    """Return all text inside an element, without the HTML written into it."""
    return without_tags("".join(element.itertext()))


def filled_lines(text: str) -> list[str]:
    """Return the lines of a text that are not blank, without blanks around them."""
    return [line for line in map(str.strip, text.splitlines()) if line]


def tree_text(root: etree._Element) -> str:
    """Return the text and the ``title`` attributes of any XML in document order, a line for each."""
    lines = []
    for event, node in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event == "start":
            lines.extend(filled_lines(node.get("title", "")))
            lines.extend(filled_lines(without_tags(node.text or "")))
        elif node is not root:
            lines.extend(filled_lines(without_tags(node.tail or "")))
    return "\n".join(lines)
