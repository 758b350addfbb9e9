"""Markup that other programs left in plain text: HTML entities and tags, backslash escapes of Markdown.

Statutes write ``<개정 2015.12.29>`` and parties are called ``<A>``, so only names of HTML elements that are
nothing else count as tags, and single letters only in pairs.
"""

from __future__ import annotations

import html
import re
from collections import Counter

_ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}[1-4]?|#[0-9]{2,6}|#[xX][0-9A-Fa-f]{2,5});")
#: Also escaped several times over, as ``&amp;amp;lt;``.
_AMPERSAND = re.compile("&(?:amp;|#38;|#x26;)+")
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/li|hr)\s*/?>", re.I)
_ELEMENT = re.compile(
    r"</?(?:br|div|tr|td|th|li|ul|ol|hr|img|span|font|table|tbody|thead|colgroup|col|strong|em|sup|sub|del|ins"
    r"|h[1-6])(?:\s[^<>\n]{0,400})?/?>|<(?:p|a)\s+[a-z-]+=[^<>\n]{0,400}>|</(?:p|a)>|(?-i:<p>)",
    re.I,
)
_PAIR = re.compile(r"<([bius])>([^<>\n]*)</\1>", re.I)
_RAISED = re.compile(r"<(sup|sub)>([0-9+-]{1,4})</\1>", re.I)
_SUPERSCRIPT = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_SUBSCRIPT = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")

#: Not after a colon or another backslash, where it is a path or stands for itself.
_ESCAPE = re.compile(r"(?<![\\:])\\([.()\[\]*_#+\-!{}~>|<&`])")


def strip(text: str, counts: Counter[str]) -> str:
    """Return the text without leftover markup, counting what changed by rule into ``counts``.

    Line breaks of HTML become newlines, but blanks inside the row of a table (one with `` | ``).
    """
    if "\\" in text:
        text, changes = _ESCAPE.subn(r"\1", text)
        counts["markdown_escape"] += changes
    if "&" in text:
        text, changes = _AMPERSAND.subn("&", text)
        counts["html_entity"] += changes
        text = _ENTITY.sub(lambda match: _character(match[0], counts), text)
    if "<" in text and ">" in text:
        text = _without_tags(text, counts)
    return text


def strip_all(text: str, counts: Counter[str]) -> str:
    """Return the text without the characters that begin markup, for text that is nested beyond all sense."""
    counts["nested_markup"] += sum(text.count(each) for each in "<&\\")
    return text.translate(dict.fromkeys(map(ord, "<&\\")))


def _character(entity: str, counts: Counter[str]) -> str:
    character = html.unescape(entity)
    if character == entity or not character or "\ufffd" in character:
        return entity
    counts["html_entity"] += 1
    return character


def _without_tags(text: str, counts: Counter[str]) -> str:
    def raised(match: re.Match[str]) -> str:
        return match[2].translate(_SUPERSCRIPT if match[1].lower() == "sup" else _SUBSCRIPT)

    text, changes = _RAISED.subn(raised, text)
    if " | " in text:
        # The row of a table stays on its line.
        lines = [_BREAK.subn(" " if " | " in line else "\n", line) for line in text.split("\n")]
        text = "\n".join(line for line, _ in lines)
        changes += sum(each for _, each in lines)
    else:
        text, breaks = _BREAK.subn("\n", text)
        changes += breaks
    for pattern, replacement in ((_ELEMENT, ""), (_PAIR, r"\2")):
        text, each = pattern.subn(replacement, text)
        changes += each
    counts["html_tag"] += changes
    return text
