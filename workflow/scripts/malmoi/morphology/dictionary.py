"""Dictionaries: words and patterns the analyzer must keep whole, built in or given by the user."""

from __future__ import annotations

import csv
import hashlib
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kiwipiepy import Kiwi

from malmoi.errors import InputError
from malmoi.fingerprint import canonical
from malmoi.morphology.patterns import PATTERNS
from malmoi.morphology.tags import TAGS

#: Where the term lists of this project lie, one file per name.
TERMS = Path(__file__).parent / "terms"

#: The term lists that come with malmoi.
BUILT_IN = ("legal", "medical")

#: A form that begins with this is a regular expression.
PATTERN_MARK = "re:"


@dataclass(frozen=True)
class Dictionary:
    """Words and patterns that go into the analyzer.

    ``words`` are (form, tag, score): a form is one word without white space in NFC, a higher score wins over
    other readings more often, 0 is Kiwi's own default. ``patterns`` are (regular expression, tag): what
    matches is always one morpheme with that tag.
    """

    words: tuple[tuple[str, str, float], ...] = ()
    patterns: tuple[tuple[str, str], ...] = ()

    def joined(self, other: Dictionary) -> Dictionary:
        """Return both together; where both have a form with the same tag, the score of ``other`` counts."""
        scores = {(form, tag): score for form, tag, score in (*self.words, *other.words)}
        return Dictionary(
            tuple((form, tag, score) for (form, tag), score in scores.items()),
            tuple(dict.fromkeys((*self.patterns, *other.patterns))),
        )

    def digest(self) -> str:
        """Return the SHA-256 of the content, which the order of words does not change."""
        content = canonical([sorted(self.words), list(self.patterns)])
        return hashlib.sha256(content.encode()).hexdigest()

    def add_to(self, kiwi: Kiwi) -> None:
        """Add all words and patterns to ``kiwi``.

        Words go in by code point, since Kiwi's results can depend on the order of addition.

        Raises:
            InputError: Kiwi does not take a word.
        """
        for form, tag, score in sorted(self.words):
            try:
                kiwi.add_user_word(form, tag, score)
            except ValueError as error:
                raise InputError(f"dictionary word {form!r} with tag {tag!r}: {error}") from error
        for pattern, tag in self.patterns:
            kiwi.add_re_word(re.compile(pattern), tag)


def built_in(names: Sequence[str], patterns: bool) -> Dictionary:
    """Return the term lists of malmoi named ``names`` (see ``BUILT_IN``), and its patterns if asked for.

    Raises:
        InputError: a name is no list of malmoi.
    """
    for name in names:
        if name not in BUILT_IN:
            raise InputError(f"segment.terms: {name!r} is no list; there are {', '.join(BUILT_IN)}")
    words = read_dictionaries([str(TERMS / f"{name}.tsv") for name in names])
    return words.joined(Dictionary((), PATTERNS if patterns else ()))


def read_dictionaries(paths: Sequence[str]) -> Dictionary:
    """Return the words and patterns of all files, in order, repeats left out.

    A line of plain text is ``form``, ``form<TAB>tag`` or ``form<TAB>tag<TAB>score``; empty lines and lines
    that begin with ``#`` are skipped. A file named ``*.csv`` has a header with a column ``form`` and, if
    wanted, ``tag``, ``score`` and ``verdict``; of a file with verdicts only the rows that say ``accept``
    count. The tag is NNG and the score 0 where none is given. A form ``re:…`` is a regular expression of
    Python.

    Raises:
        InputError: a file is not UTF-8, a CSV file has no column ``form``, or a line holds a form with white
            space or invisible characters, a tag Kiwi does not have, a score that is no finite number, a
            pattern that does not compile or matches nothing at all, or another score than an earlier line
            gave the same form and tag. The message names file, line and cure.
    """
    words: dict[tuple[str, str], tuple[float, str]] = {}
    patterns: dict[tuple[str, str], None] = {}
    for path in paths:
        for number, form, tag, score in _lines(path):
            place = f"{path}, line {number}"
            tag = tag or "NNG"
            if tag not in TAGS[1:]:
                raise InputError(f"{place}: {tag!r} is no tag of Kiwi; use NNG for a common noun")
            if form.startswith(PATTERN_MARK):
                patterns[_pattern(form.removeprefix(PATTERN_MARK), place), tag] = None
                continue
            form = _form(form, place)
            value = _score(score, place)
            known, where = words.setdefault((form, tag), (value, place))
            if known != value:
                raise InputError(
                    f"{place}: {form!r} with tag {tag} has score {value:g} here and {known:g} in"
                    f" {where}; keep one of the two lines"
                )
    return Dictionary(
        tuple((form, tag, score) for (form, tag), (score, _) in words.items()), tuple(patterns)
    )


def _lines(path: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield line number, form, tag and score of each line that says something, as written."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: dictionaries are UTF-8; save it as UTF-8") from error
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise InputError(f"{path}, line {number}: holds a NUL character; remove it")
    if Path(path).suffix.lower() == ".csv":
        yield from _csv_lines(path, lines)
        return
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("\t")]
        if len(fields) > 3:
            raise InputError(
                f"{path}, line {number}: {len(fields)} fields; a line is form, tag and score"
            )
        form, tag, score = (*fields, "", "")[:3]
        yield number, form, tag, score


def _csv_lines(path: str, lines: list[str]) -> Iterator[tuple[int, str, str, str]]:
    reader = csv.DictReader(lines, strict=True)
    try:
        names = [name.strip().lower() for name in reader.fieldnames or ()]
        if "form" not in names:
            raise InputError(
                f"{path}, line 1: no column 'form'; the first line names the columns: form,tag,score"
            )
        reader.fieldnames = names
        for row in reader:
            number = reader.line_num
            if None in row:
                raise InputError(
                    f"{path}, line {number}: more fields than columns; quote a field with a comma"
                )
            form, tag, score = ((row.get(name) or "").strip() for name in ("form", "tag", "score"))
            if "verdict" in names:
                verdict = (row["verdict"] or "").strip().lower()
                if verdict not in ("accept", "reject"):
                    raise InputError(
                        f"{path}, line {number}: verdict {verdict!r}; write accept or reject"
                    )
                if verdict == "reject":
                    continue
            yield number, form, tag, score
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}; check the quotes") from error


def _form(form: str, place: str) -> str:
    if not form or any(character.isspace() for character in form):
        raise InputError(
            f"{place}: {form!r} must be one word without spaces; a tag follows after a tab"
        )
    form = unicodedata.normalize("NFC", form)
    for character in form:
        if unicodedata.category(character) in ("Cc", "Cf", "Cn"):
            raise InputError(
                f"{place}: {form!r} holds the invisible character U+{ord(character):04X}; remove it"
            )
    return form


def _score(score: str, place: str) -> float:
    try:
        value = float(score or 0)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"{place}: score {score!r} is no number; leave it out or write one such as 1.5"
        )
    return value


def _pattern(pattern: str, place: str) -> str:
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise InputError(f"{place}: {pattern!r} is no regular expression: {error}") from error
    if compiled.fullmatch(""):
        raise InputError(f"{place}: {pattern!r} matches the empty string; ask for one character")
    return pattern
