"""User dictionaries: words the analyzer must keep whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from malmoi.errors import InputError
from malmoi.morphology.tags import TAGS


def read_dictionaries(paths: Sequence[str]) -> list[tuple[str, str]]:
    """Return (form, tag) of every dictionary line, in file order, repeats left out.

    A line is ``form`` or ``form<TAB>tag``; the tag is NNG where none is given. Empty lines and lines that
    begin with ``#`` are skipped.

    Raises:
        InputError: a file is not UTF-8, or a line has a space in its form or a tag Kiwi does not have.
    """
    words: dict[tuple[str, str], None] = {}
    for path in paths:
        try:
            lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: dictionaries are UTF-8; save it as UTF-8") from error
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.startswith("#"):
                continue
            form, _, tag = (part.strip() for part in line.partition("\t"))
            tag = tag or "NNG"
            if not form or any(character.isspace() for character in form):
                raise InputError(f"{path}, line {number}: {form!r} must be one word without spaces")
            if tag not in TAGS[1:]:
                raise InputError(
                    f"{path}, line {number}: {tag!r} is no tag of Kiwi; use NNG for a common noun"
                )
            words[form, tag] = None
    return list(words)
