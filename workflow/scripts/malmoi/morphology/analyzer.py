"""Kiwi as malmoi uses it: one call per block gives sentences and surface morphemes.

Kiwi's morphemes are canonical forms, and a tenth of them differ from what is written. The surface pieces
are made from their spans alone: morphemes that overlap (``하`` + ``었`` in ``했``) become one piece.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import kiwipiepy
import numpy as np
from kiwipiepy import Kiwi

from malmoi.errors import InputError
from malmoi.morphology.tags import tag_number


@dataclass(frozen=True)
class Analysis:
    """Sentences and surface morphemes of one text, as offsets in code points.

    ``sentences`` int32 [S, 2] and ``morphemes`` int32 [M, 2] hold start and end; ``tags`` uint8 [M] is the
    tag number of each piece's first morpheme. Spans are in order and do not overlap; whatever lies
    outside every morpheme is white space.
    """

    sentences: np.ndarray
    morphemes: np.ndarray
    tags: np.ndarray


def load_analyzer(workers: int, words: Sequence[tuple[str, str]] = ()) -> Kiwi:
    """Return a Kiwi analyzer with user ``words`` of (form, tag) added.

    The multi-word dictionary stays out: its entries hold spaces, and a surface piece must not.

    Raises:
        InputError: a word has a tag Kiwi does not know, or ``KIWI_ARCH_TYPE=none`` is set, which gives
            other results than every other setting.
    """
    if os.environ.get("KIWI_ARCH_TYPE", "").lower() == "none":
        raise InputError("KIWI_ARCH_TYPE=none changes Kiwi's results: unset it")
    kiwi = Kiwi(num_workers=workers, load_multi_dict=False)
    for form, tag in words:
        try:
            kiwi.add_user_word(form, tag)
        except ValueError as error:
            raise InputError(f"dictionary word {form!r} with tag {tag!r}: {error}") from error
    return kiwi


def analyzer_identity(words: Sequence[tuple[str, str]] = ()) -> dict[str, str | int]:
    """Return what decides Kiwi's results, for the manifest."""
    model = __import__("kiwipiepy_model")
    return {
        "kiwipiepy": kiwipiepy.__version__,
        "kiwipiepy_model": model.__version__,
        "user_words": len(words),
    }


def analyze(kiwi: Kiwi, texts: Iterable[str]) -> Iterable[Analysis]:
    """Yield the analysis of each text in order; Kiwi spreads the texts over its threads.

    A newline always ends a sentence: Kiwi itself would glue a heading to the sentence after it.
    """
    texts = list(texts)
    blocks: list[str] = []
    numbers: dict[str, int] = {}
    layout: list[list[tuple[int, int]]] = []
    for text in texts:
        places = []
        for start, block in _blocks(text):
            if block not in numbers:
                numbers[block] = len(blocks)
                blocks.append(block)
            places.append((start, numbers[block]))
        layout.append(places)
    analysed = [
        _surface(block, sentences)
        for block, sentences in zip(
            blocks,
            kiwi.split_into_sents(blocks, return_tokens=True, return_sub_sents=False),
            strict=True,
        )
    ]
    for places in layout:
        yield _join([(start, analysed[number]) for start, number in places])


def _blocks(text: str) -> Iterable[tuple[int, str]]:
    start = 0
    for line in text.split("\n"):
        if line.strip():
            yield start, line
        start += len(line) + 1


def _surface(block: str, sentences: Iterable[kiwipiepy.Sentence]) -> Analysis:
    spans: list[list[int]] = []
    sentence_spans: list[tuple[int, int]] = []
    end = 0
    for sentence in sentences:
        sentence_spans.append((sentence.start, sentence.end))
        for token in sentence.tokens:
            token_end = token.start + token.len
            if token.len == 0:
                continue
            if spans and token.start < spans[-1][1]:
                spans[-1][1] = max(spans[-1][1], token_end)
            else:
                _fill(block, end, token.start, spans)
                spans.append([token.start, token_end, tag_number(token.tag)])
            end = spans[-1][1]
    _fill(block, end, len(block), spans)
    pieces = np.array(spans, dtype=np.int32).reshape(-1, 3)
    return Analysis(
        np.array(sentence_spans, dtype=np.int32).reshape(-1, 2),
        pieces[:, :2],
        pieces[:, 2].astype(np.uint8),
    )


def _fill(block: str, start: int, end: int, spans: list[list[int]]) -> None:
    """Add what the analyzer left out between two offsets as pieces of unknown tag."""
    position = start
    for part in block[start:end].split():
        position = block.index(part, position)
        spans.append([position, position + len(part), 0])
        position += len(part)


def _join(parts: list[tuple[int, Analysis]]) -> Analysis:
    if not parts:
        empty = np.zeros((0, 2), dtype=np.int32)
        return Analysis(empty, empty, np.zeros(0, dtype=np.uint8))
    return Analysis(
        np.concatenate([part.sentences + start for start, part in parts]).astype(np.int32),
        np.concatenate([part.morphemes + start for start, part in parts]).astype(np.int32),
        np.concatenate([part.tags for _, part in parts]),
    )
