"""Patterns of legal and medical text that are one unit whatever stands around them."""

from __future__ import annotations

#: (regular expression, tag of the whole match), for ``Kiwi.add_re_word``.
PATTERNS: tuple[tuple[str, str], ...] = ()
