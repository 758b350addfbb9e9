"""Named sections of a text, repaired one by one so that their offsets stay right."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

#: Name, start and end of a section, in code points of the text; the end is exclusive.
Section = tuple[str, int, int]

_LINE_END = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")


def check(text: str, sections: Sequence[Sequence[str | int]]) -> list[Section]:
    """Return sections as tuples.

    Raises:
        ValueError: they are not in ascending order, overlap, or leave the text.
    """
    checked: list[Section] = []
    reached = 0
    for name, start, end in sections:
        if not reached <= int(start) <= int(end) <= len(text):
            raise ValueError(
                f"section {name!r} from {start} to {end} begins before {reached}, where the one before it "
                f"ends, or leaves the text of {len(text)} characters"
            )
        reached = int(end)
        checked.append((str(name), int(start), int(end)))
    return checked


def rewrite(
    text: str, sections: Sequence[Section], clean: Callable[[str], str]
) -> tuple[str, list[Section]]:
    """Return the text with each section, and each stretch between them, cleaned, and the new sections.

    ``clean`` gives text without white space at its edges. ``new_text[start:end] == clean(old_text[start:end])``
    holds for every section; those left empty go. A blank line at an edge stays one.
    """
    parts: list[tuple[str, str]] = []
    reached = 0
    for name, start, end in sections:
        parts += [("", text[reached:start]), (name, text[start:end])]
        reached = end
    parts.append(("", text[reached:]))
    pieces: list[str] = []
    rewritten: list[Section] = []
    length = waiting = 0
    for number, (name, part) in enumerate(parts):
        cleaned = clean(part)
        before, after = _edge_lines(part)
        waiting += before
        if not cleaned:
            continue
        if pieces:
            pieces.append("\n\n" if waiting > 1 else "\n")
            length += len(pieces[-1])
        pieces.append(cleaned)
        # The parts take turns, so that the odd ones are the sections, named or not.
        if number % 2:
            rewritten.append((name, length, length + len(cleaned)))
        length += len(cleaned)
        waiting = after
    return "".join(pieces), rewritten


def _edge_lines(part: str) -> tuple[int, int]:
    """Return how many lines end in the white space before and after a part; all before it if it is blank."""
    left = len(part) - len(part.lstrip())
    right = len(part.rstrip()) if left < len(part) else len(part)
    return len(_LINE_END.findall(part[:left])), len(_LINE_END.findall(part[right:]))
