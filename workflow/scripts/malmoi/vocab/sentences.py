"""Held-out sentences to look at: few, of every kind of document, chosen by hash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from malmoi import sampling
from malmoi.vocab.words import DROPPED, SPACE, character_classes

#: Characters of a sentence worth looking at.
SHORTEST, LONGEST = 20, 140

_BATCH = 128


@dataclass(frozen=True, order=True)
class Sentence:
    """A sentence as a tokenizer sees it: without the characters BERT drops, white space as single spaces.

    ``draw``: the random number it was chosen by. ``starts``: the offsets where its morphemes begin.
    """

    draw: int
    domain: str
    source: str
    kind: str
    text: str
    starts: tuple[int, ...]


def choose_sentences(
    inputs: Sequence[str | Path], split: str, number: int, seed: int
) -> list[Sentence]:
    """Return ``number`` sentences of each domain, taking turns between its sources and kinds of document.

    A document gives one at most. The choice is a function of ``seed`` and the ids of the documents.
    """
    if not number:
        return []
    stream = sampling.key(seed, "sentences")
    best: dict[tuple[str, str, str], list[Sentence]] = {}
    for path in inputs:
        for sentence in _candidates(path, split, stream):
            group = best.setdefault((sentence.domain, sentence.source, sentence.kind), [])
            group.append(sentence)
            group.sort()
            del group[number:]
    chosen = []
    for domain in sorted({domain for domain, _, _ in best}):
        groups = [group for key, group in sorted(best.items()) if key[0] == domain]
        turns = [each for turn in zip_longest(*groups) for each in turn if each is not None]
        chosen += turns[:number]
    return chosen


def _candidates(path: str | Path, split: str, stream: int) -> Iterator[Sentence]:
    """Yield the sentence that each document of the split would give."""
    names = ["doc_id", "domain", "source", "kind", "split", "text"]
    names += ["sentence_starts", "sentence_ends", "morpheme_starts"]
    for batch in pq.ParquetFile(path).iter_batches(_BATCH, columns=names):
        for document in batch.filter(pc.equal(batch["split"], split)).to_pylist():
            starts = np.array(document["sentence_starts"], dtype=np.int64)
            ends = np.array(document["sentence_ends"], dtype=np.int64)
            lengths = ends - starts
            # A line of figures shows nothing: four eojeols at least.
            spaces = np.cumsum([0, *(letter == " " for letter in document["text"])])
            fits = (
                (lengths >= SHORTEST) & (lengths <= LONGEST) & (spaces[ends] - spaces[starts] >= 3)
            )
            places = np.flatnonzero(fits)
            if not len(places):
                continue
            draws = sampling.bits(stream, int(document["doc_id"][:15], 16) + places)
            chosen = places[np.argmin(draws)]
            start, end = int(starts[chosen]), int(ends[chosen])
            morphemes = np.array(document["morpheme_starts"], dtype=np.int64)
            inside = morphemes[(morphemes >= start) & (morphemes < end)] - start
            text, inside = _visible(document["text"][start:end], inside)
            yield Sentence(
                int(draws.min()),
                *(document[name] for name in ("domain", "source", "kind")),
                text,
                tuple(inside.tolist()),
            )


def _visible(text: str, starts: np.ndarray) -> tuple[str, np.ndarray]:
    """Return a text as BERT's normalizer leaves it, and offsets into that."""
    classes = character_classes(np.array([ord(letter) for letter in text]))
    space = classes == SPACE
    kept = (classes != DROPPED) & ~(space & np.concatenate([[False], space[:-1]]))
    before = np.concatenate([[0], np.cumsum(kept)])
    letters = (
        " " if is_space else letter
        for letter, keep, is_space in zip(text, kept, space, strict=True)
        if keep
    )
    return "".join(letters), np.unique(before[starts])
