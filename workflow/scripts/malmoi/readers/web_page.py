"""HTML pages: the text a reader sees, without navigation and scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from malmoi.readers.plain_text import decoded
from malmoi.readers.record import ReadError, Record, title_of

_DROPPED = "script, style, nav, header, footer, aside, noscript, template, svg, button, select, iframe, head"
_BLOCKS = frozenset(
    [
        *("address", "article", "blockquote", "caption", "center", "dd", "details", "div", "dl"),
        *("dt", "fieldset", "figcaption", "figure", "form", "h1", "h2", "h3", "h4", "h5", "h6"),
        *("hr", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tbody", "tfoot"),
        *("thead", "tr", "ul"),
    ]
)
#: Tags that open or close a level: not those without an end, nor those that their like end.
_NESTING = re.compile(
    r"<(/?)(?!(?:br|hr|img|input|link|meta|col|area|base|wbr|source|p|li|d[td]|t[rdh]|option)\b)[a-z]",
    re.I,
)

#: Elements within elements; the parser takes half a second for so many, and four times that for twice.
_DEEPEST = 10_000

_SPACE = re.compile(r"[ \t\r\n\f]+")


def read(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the page as one record, titled by its ``title`` or first ``h1``, else by the file's name.

    Raises:
        ReadError: see :func:`parsed`.
    """
    tree = parsed(decoded(data))
    title = ""
    for selector in ("title", "h1"):
        node = tree.css_first(selector)
        if node is not None and not title:
            title = _SPACE.sub(" ", node.text()).strip()
    for node in tree.css(_DROPPED):
        node.decompose()
    text = visible_text(tree.body) if tree.body is not None else ""
    yield Record(text=text, title=title or title_of(name))


def parsed(text: str) -> LexborHTMLParser:
    """Return the tree of a page or a piece of one.

    Raises:
        ReadError: ``truncated_or_damaged``, the elements are nested so deeply that parsing would not end.
    """
    depth = deepest = 0
    for match in _NESTING.finditer(text):
        depth += -1 if match[1] else 1
        deepest = max(deepest, depth)
    if deepest > _DEEPEST:
        raise ReadError("truncated_or_damaged", f"elements nested deeper than {_DEEPEST}")
    return LexborHTMLParser(text)


def visible_text(root: LexborNode) -> str:
    """Return an element's text with a line for each block and for each table row."""
    pieces: list[str] = []
    # An explicit stack, since pages nest deeper than Python's recursion limit; a string is text to add
    # once the elements before it are done.
    stack: list[LexborNode | str] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            pieces.append(node)
        elif node.tag == "-text":
            pieces.append(_SPACE.sub(" ", node.text_content or ""))
        elif node.tag == "br":
            pieces.append("\n")
        else:
            children = list(node.iter(include_text=True))
            if node.tag in _BLOCKS:
                pieces.append("\n")
                stack.append("\n")
            elif node.tag in ("td", "th"):
                stack.append(" | ")
            stack.extend(reversed(children))
    lines = (line.strip().removesuffix("|").strip() for line in "".join(pieces).split("\n"))
    return "\n".join(_SPACE.sub(" ", line) for line in lines if line)
