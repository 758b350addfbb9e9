"""The published next-sentence algorithm, in plain lists: what mode ``google`` is held against.

Told again from google-research/bert, create_pretraining_data.py (Devlin et al. 2019): a document is a list of
sentences, a sentence a list of tokens, and every draw is one call of ``random.Random``.
"""

from __future__ import annotations

from random import Random

Sentences = list[list[int]]


def reference_pairs(
    documents: list[Sentences], max_seq_length: int, short_share: float, rng: Random
) -> list[tuple[list[int], list[int], bool]]:
    """Return segment A, segment B and whether B is random, for every pair of all documents in order."""
    documents = [document for document in documents if document]
    return [
        pair
        for number in range(len(documents))
        for pair in _document_pairs(documents, number, max_seq_length, short_share, rng)
    ]


def _document_pairs(
    documents: list[Sentences], number: int, max_seq_length: int, short_share: float, rng: Random
) -> list[tuple[list[int], list[int], bool]]:
    document = documents[number]
    budget = max_seq_length - 3
    target = rng.randint(2, budget) if rng.random() < short_share else budget
    pairs = []
    gathered: Sentences = []
    place = 0
    while place < len(document):
        gathered.append(document[place])
        place += 1
        if place < len(document) and len(_joined(gathered)) < target:
            continue
        split = rng.randint(1, len(gathered) - 1) if len(gathered) > 1 else 1
        first = _joined(gathered[:split])
        is_random = len(gathered) == 1 or rng.random() < 0.5
        if is_random:
            second = _random_passage(documents, number, target - len(first), rng)
            # The sentences whose place it took are gathered again.
            place -= len(gathered) - split
        else:
            second = _joined(gathered[split:])
        _shorten(first, second, budget, rng)
        pairs.append((first, second, is_random))
        gathered = []
    return pairs


def _random_passage(documents: list[Sentences], number: int, wanted: int, rng: Random) -> list[int]:
    for _ in range(10):
        other = rng.randint(0, len(documents) - 1)
        if other != number:
            break
    sentences = documents[other]
    passage: list[int] = []
    for sentence in sentences[rng.randint(0, len(sentences) - 1) :]:
        passage += sentence
        if len(passage) >= wanted:
            break
    return passage


def _shorten(first: list[int], second: list[int], budget: int, rng: Random) -> None:
    while len(first) + len(second) > budget:
        longer = first if len(first) > len(second) else second
        if rng.random() < 0.5:
            longer.pop(0)
        else:
            longer.pop()


def _joined(sentences: Sentences) -> list[int]:
    return [token for sentence in sentences for token in sentence]
