"""Sentences whose reading a dictionary must not spoil."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kiwipiepy import Kiwi

from malmoi.morphology.analyzer import Analysis, analyze
from malmoi.morphology.dictionary import TERMS
from malmoi.morphology.tags import TAGS


@dataclass(frozen=True)
class Expectation:
    """A sentence and (form, tag) of pieces that must follow one another in it; an empty tag is any tag."""

    sentence: str
    pieces: tuple[tuple[str, str], ...]


def expectations() -> list[Expectation]:
    """Return the regression sentences of this project, in file order."""
    lines = (TERMS / "regression.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [expectation(sentence, wanted) for sentence, wanted in rows]


def expectation(sentence: str, wanted: str) -> Expectation:
    """Return what a line of the regression file says: pieces with a space between them, some with ``/TAG``."""
    pieces = []
    for piece in wanted.split():
        form, slash, tag = piece.rpartition("/")
        pieces.append((form, tag) if slash and tag in TAGS else (piece, ""))
    return Expectation(sentence, tuple(pieces))


def broken(kiwi: Kiwi, expected: Sequence[Expectation]) -> list[str]:
    """Return for each expectation the pieces that came instead, or an empty string where it is met."""
    analyses = analyze(kiwi, [one.sentence for one in expected])
    return [_difference(one, analysis) for one, analysis in zip(expected, analyses, strict=True)]


def _difference(wanted: Expectation, analysis: Analysis) -> str:
    found = [
        (wanted.sentence[start:end], TAGS[tag])
        for (start, end), tag in zip(
            analysis.morphemes.tolist(), analysis.tags.tolist(), strict=True
        )
    ]
    for first in range(len(found) - len(wanted.pieces) + 1):
        if all(
            form == expected and tag in ("", found_tag)
            for (expected, tag), (form, found_tag) in zip(
                wanted.pieces, found[first:], strict=False
            )
        ):
            return ""
    return " ".join(f"{form}/{tag}" for form, tag in found)
