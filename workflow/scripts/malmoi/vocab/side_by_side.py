"""A page of sentences cut by an analyzer and by tokenizers, side by side: one file that loads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from malmoi.atomic import write_text
from malmoi.vocab.measures import beginnings, unknown_id, without_limits
from malmoi.vocab.sentences import Sentence
from malmoi.vocab.words import ALONE, SPACE, character_classes

_TEMPLATE = Path(__file__).with_name("side_by_side.html").read_text(encoding="utf-8")

#: What can stand before a character: its CSS class, its sign and what that says.
_MARKS = {
    "right": ("|", "right: a morpheme begins here, and a piece does"),
    "wrong": ("×", "wrong: a piece begins inside a morpheme"),
    "missed": ("·", "missed: a morpheme begins inside a piece"),
    "edge": ("|", "edge: a piece begins at punctuation or hanja"),
}

#: What the row of the analysis is called.
_MORPHEMES = "morphemes"


@dataclass(frozen=True)
class _Cutting:
    """How a sentence is cut.

    ``cuts`` bool [L]: a piece begins at the character. ``unknown`` bool [L]: it is in an unknown one.
    ``tokens``: how many pieces there are.
    """

    cuts: np.ndarray
    unknown: np.ndarray
    tokens: int


def write_page(
    path: str | Path,
    sentences: Sequence[Sentence],
    tokenizers: Mapping[str, Tokenizer],
) -> None:
    """Write the page; without sentences it says that they were left out.

    Text and names are escaped, and the page forbids itself to load or run anything.
    """
    whole = {name: without_limits(tokenizer) for name, tokenizer in tokenizers.items()}
    parts = []
    for domain, some in groupby(sentences, key=lambda sentence: sentence.domain):
        parts.append(f"<h2>{escape(domain)}</h2>")
        parts += [_article(sentence, whole) for sentence in some]
    notice = (
        "The sentences below stand word for word in held-out documents of the corpus. Whoever may not read "
        "the corpus may not see this page. Set the number of sentences to 0 to leave them out."
        if sentences
        else "No sentences are shown: their number is set to 0, or no held-out document has a fitting one."
    )
    page = _TEMPLATE.replace("{{notice}}", escape(notice)).replace("{{legend}}", _legend())
    write_text(path, page.replace("{{sentences}}", "\n".join(parts)))


def _legend() -> str:
    items = [
        f'<li><b class="{name}">{sign}</b> {escape(meaning)}</li>'
        for name, (sign, meaning) in _MARKS.items()
    ]
    return "\n".join([*items, '<li><span class="unk">글자</span> unknown: [UNK]</li>'])


def _article(sentence: Sentence, tokenizers: Mapping[str, Tokenizer]) -> str:
    codes = np.array([ord(letter) for letter in sentence.text])
    classes = character_classes(codes)
    edges = (classes == ALONE) | (classes == SPACE)
    edges[1:] |= edges[:-1].copy()
    edges[0] = True
    starts = np.array(sentence.starts, dtype=np.int64)
    gold = np.zeros(len(codes), dtype=bool)
    gold[starts] = True
    morphemes = _Cutting(gold, np.zeros(len(codes), dtype=bool), len(starts))
    rows = [_row(_MORPHEMES, sentence.text, morphemes, gold & ~edges, edges)]
    for name, tokenizer in tokenizers.items():
        rows.append(_row(name, sentence.text, _cut(tokenizer, sentence.text), gold & ~edges, edges))
    source = " · ".join(escape(part) for part in (sentence.source, sentence.kind) if part)
    return f"<article>\n<h3>{source}</h3>\n<dl>\n" + "\n".join(rows) + "\n</dl>\n</article>"


def _cut(tokenizer: Tokenizer, text: str) -> _Cutting:
    encoding = tokenizer.encode(text, add_special_tokens=False)
    spans = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
    cuts = np.zeros(len(text) + 1, dtype=bool)
    cuts[spans[beginnings(*spans.T), 0]] = True
    unknown = np.zeros(len(text), dtype=bool)
    number = unknown_id(tokenizer)
    for identity, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
        if identity == number:
            unknown[start:end] = True
    # A piece that takes in the space before a word begins with the word.
    spaces = np.array([letter == " " for letter in text])
    cuts[1:] |= cuts[:-1] & spaces
    return _Cutting(cuts[:-1] & ~spaces, unknown & ~spaces, len(encoding.ids))


def _row(name: str, text: str, cutting: _Cutting, gold: np.ndarray, edges: np.ndarray) -> str:
    inside = ~edges
    marks = {
        "right": cutting.cuts & gold,
        "wrong": cutting.cuts & inside & ~gold,
        "missed": gold & ~cutting.cuts,
        "edge": cutting.cuts & edges,
    }
    parts: list[str] = []
    for place, letter in enumerate(text):
        unknown = bool(cutting.unknown[place])
        before = bool(place and cutting.unknown[place - 1])
        mark = next((each for each, where in marks.items() if where[place]), "")
        if before and (not unknown or mark in ("right", "wrong", "edge")):
            parts.append("</span>")
            before = False
        # Where a space stands before, the reader sees the cut without a sign.
        if mark and not (mark == "edge" and (place == 0 or text[place - 1] == " ")):
            parts.append(f'<b class="{mark}">{_MARKS[mark][0]}</b>')
        if unknown and not before:
            parts.append('<span class="unk" title="[UNK]">')
        parts.append(escape(letter))
    if len(text) and cutting.unknown[-1]:
        parts.append("</span>")
    counts = ", ".join(f"{int(marks[each].sum())} {each}" for each in ("right", "wrong", "missed"))
    summary = f"{cutting.tokens}" if name == _MORPHEMES else f"{cutting.tokens} tokens: {counts}"
    return f'<dt>{escape(name)} <small>{summary}</small></dt>\n<dd lang="ko">{"".join(parts)}</dd>'
