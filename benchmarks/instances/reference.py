"""The published algorithm in plain Python, for the ratio: pairs and whole-word masks, on lists of numbers.

Told again from google-research/bert, create_pretraining_data.py (Devlin et al. 2019). It works on ids where the
original works on strings, and keeps its instances in memory where that one serializes and writes them,
both of which make it faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

#: A document is a list of sentences, a sentence a list of ids.
Document = list[list[int]]


@dataclass
class Instance:
    """One training instance: ids with masks, token types, label, masked positions and what stood there."""

    ids: list[int]
    types: list[int]
    is_random: bool
    positions: list[int]
    labels: list[int]


@dataclass(frozen=True)
class Vocabulary:
    """Ids of the special pieces, the number of pieces, and which pieces continue a word."""

    cls: int
    sep: int
    mask: int
    size: int
    continuing: Sequence[bool]


def create_instances(
    documents: list[Document],
    vocabulary: Vocabulary,
    max_seq_length: int,
    duplicates: int,
    short_share: float,
    rate: float,
    rng: Random,
) -> list[Instance]:
    """Return the instances of all documents, ``duplicates`` times over, shuffled."""
    rng.shuffle(documents)
    most = round(rate * max_seq_length) + 1
    instances = []
    for _ in range(duplicates):
        for number in range(len(documents)):
            instances += _of_document(
                documents, number, vocabulary, max_seq_length, short_share, rate, most, rng
            )
    rng.shuffle(instances)
    return instances


def _of_document(
    documents: list[Document],
    number: int,
    vocabulary: Vocabulary,
    max_seq_length: int,
    short_share: float,
    rate: float,
    most: int,
    rng: Random,
) -> list[Instance]:
    document = documents[number]
    room = max_seq_length - 3
    target = rng.randint(2, room) if rng.random() < short_share else room
    instances = []
    chunk: list[list[int]] = []
    length = 0
    place = 0
    while place < len(document):
        sentence = document[place]
        chunk.append(sentence)
        length += len(sentence)
        if place == len(document) - 1 or length >= target:
            split = rng.randint(1, len(chunk) - 1) if len(chunk) >= 2 else 1
            first = [token for part in chunk[:split] for token in part]
            second: list[int] = []
            is_random = len(chunk) == 1 or rng.random() < 0.5
            if is_random:
                second = _random_passage(documents, number, target - len(first), rng)
                place -= len(chunk) - split
            else:
                second = [token for part in chunk[split:] for token in part]
            _truncate(first, second, room, rng)
            ids = [vocabulary.cls, *first, vocabulary.sep, *second, vocabulary.sep]
            types = [0] * (len(first) + 2) + [1] * (len(second) + 1)
            positions, labels = _mask(ids, vocabulary, rate, most, rng)
            instances.append(Instance(ids, types, is_random, positions, labels))
            chunk, length = [], 0
        place += 1
    return instances


def _random_passage(documents: list[Document], number: int, wanted: int, rng: Random) -> list[int]:
    for _ in range(10):
        other = rng.randint(0, len(documents) - 1)
        if other != number:
            break
    document = documents[other]
    passage: list[int] = []
    for place in range(rng.randint(0, len(document) - 1), len(document)):
        passage.extend(document[place])
        if len(passage) >= wanted:
            break
    return passage


def _truncate(first: list[int], second: list[int], room: int, rng: Random) -> None:
    while len(first) + len(second) > room:
        longer = first if len(first) > len(second) else second
        if rng.random() < 0.5:
            del longer[0]
        else:
            longer.pop()


def _mask(
    ids: list[int], vocabulary: Vocabulary, rate: float, most: int, rng: Random
) -> tuple[list[int], list[int]]:
    """Mask whole words of ``ids`` in place; return their positions and what stood there."""
    words: list[list[int]] = []
    for place, token in enumerate(ids):
        if token in (vocabulary.cls, vocabulary.sep):
            continue
        if words and vocabulary.continuing[token]:
            words[-1].append(place)
        else:
            words.append([place])
    rng.shuffle(words)
    original = list(ids)
    budget = min(most, max(1, round(len(ids) * rate)))
    chosen: list[int] = []
    for word in words:
        if len(chosen) >= budget:
            break
        if len(chosen) + len(word) > budget:
            continue
        for place in word:
            if rng.random() < 0.8:
                ids[place] = vocabulary.mask
            elif rng.random() >= 0.5:
                ids[place] = rng.randint(0, vocabulary.size - 1)
            chosen.append(place)
    chosen.sort()
    return chosen, [original[place] for place in chosen]
