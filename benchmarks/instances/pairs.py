"""What becomes of real documents as pairs: shares, coverage, padding, what lengths tell, and the cost."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from random import Random
from time import process_time

import numpy as np
from malmoi import sampling
from malmoi.instances.batches import micro_batches
from malmoi.instances.documents import Chosen, read_blocks
from malmoi.instances.pairs import Documents, PairSettings, Sequences, build_pairs

from benchmarks.instances import corpus
from tests.unit.instances.instances_google_reference import reference_pairs

SEED = 20

#: Pairs, at least, that shares are told of; passes of which lengths are learned and tried.
PAIRS, PASSES = 100_000, 6

#: Documents whose pairs are compared with the literal reference, and repeats of what is timed.
COMPARED, REPEATS = 400, 7

#: Sequences of a step, and the positions of a micro-batch that are filled where a model wants one shape.
STEP, BUDGET = 256, 8192


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return the figures of pairs and packing on a sample of all sources.

    ``random_share`` and ``forbidden_negatives`` (a negative of its own document or group) are of more than
    100,000 balanced pairs of length 128, ``hard_share_of_half`` of the negatives where half are to be hard.
    ``coverage_128`` and so on are the shares of tokens that a pass uses, ``repeated_128`` of those it uses
    more than once. ``padding_packed`` is the share of positions that hold no token where a step's sequences
    are laid end to end and filled to a multiple of 8; ``padding_budget`` where each micro-batch is filled to
    8,192 positions; ``padding_to_longest`` where 32 of like length are padded to a multiple of 8.
    ``length_accuracy`` is that of telling the label of balanced pairs from both lengths, learned on other
    documents; 0.5 is chance.
    """
    files, _ = corpus.tokens(data, work)
    blocks = [block.documents for block in read_blocks(files, Chosen("train"))]
    figures = _shares(blocks)
    for name, settings in (
        ("", PairSettings()),
        ("google_", PairSettings(mode="google")),
        ("none_", PairSettings(kind="none")),
    ):
        for limit in (128, 512):
            figures |= {
                f"{name}{key}_{limit}": value
                for key, value in _pass(blocks, settings, limit).items()
            }
    figures["padding_packed"] = max(figures[f"padding_packed_{limit}"] for limit in (128, 512))
    for limit in (128, 512):
        for name, settings in (
            ("", PairSettings()),
            ("hard_", PairSettings(hard_share=0.5)),
            ("sop_", PairSettings(kind="sop")),
        ):
            right, error = _told_by_length(blocks, settings, limit)
            figures[f"{name}length_accuracy_{limit}"] = right
            figures[f"{name}length_accuracy_error_{limit}"] = error
    return figures | _against_the_reference(blocks[0])


def _stream(*purpose: str | int) -> int:
    return sampling.key(SEED, "benchmark", *purpose)


def _shares(blocks: list[Documents]) -> dict[str, float]:
    """Return what the negatives of balanced pairs are."""
    found = {"pairs": 0, "random": 0, "forbidden": 0, "hard": 0, "negatives": 0}
    number = 0
    while found["pairs"] < PAIRS:
        for place, documents in enumerate(blocks):
            plain = build_pairs(documents, PairSettings(), 128, _stream(number, place))
            owners = plain.documents.reshape(-1, 2)[plain.label == 1]
            same = documents.groups[owners[:, 0]] == documents.groups[owners[:, 1]]
            found["pairs"] += len(plain)
            found["random"] += len(owners)
            found["forbidden"] += int((same | (owners[:, 0] == owners[:, 1])).sum())
            hard = build_pairs(documents, PairSettings(hard_share=0.5), 128, _stream(number, place))
            found["hard"] += int((hard.negative > 1).sum())
            found["negatives"] += int(hard.label.sum())
        number += 1
    return {
        "pairs": found["pairs"],
        "random_share": found["random"] / found["pairs"],
        "forbidden_negatives": found["forbidden"],
        "hard_share_of_half": found["hard"] / found["negatives"],
    }


def _pass(blocks: list[Documents], settings: PairSettings, limit: int) -> dict[str, float]:
    """Return coverage, fill, padding and cost of one pass over all blocks."""
    tokens = used = again = 0
    lengths, random = [], 0
    for place, documents in enumerate(blocks):
        sequences = build_pairs(documents, settings, limit, _stream("pass", place))
        times = np.zeros(int(documents.offsets[-1]) + 1, dtype=np.int64)
        np.add.at(times, sequences.segments[:, 0], 1)
        np.add.at(times, sequences.segments[:, 1], -1)
        times = np.cumsum(times)[:-1]
        tokens += len(times)
        used += int((times > 0).sum())
        again += int((times > 1).sum())
        lengths.append(_lengths(sequences))
        random += int((sequences.label == 1).sum())
    total = np.concatenate(lengths)
    seconds = math.inf
    for _ in range(REPEATS):
        start = process_time()
        for place, documents in enumerate(blocks):
            build_pairs(documents, settings, limit, _stream("pass", place))
        seconds = min(seconds, process_time() - start)
    return {
        "coverage": used / tokens,
        "repeated": again / tokens,
        "fill": float(total.mean()) / limit,
        "us_per_sequence": seconds / len(total) * 1e6,
        "negatives": random / len(total),
        **_padding(total),
    }


def _lengths(sequences: Sequences) -> np.ndarray:
    """Return the tokens of each sequence, special ones included."""
    ends = np.append(0, np.cumsum(np.diff(sequences.segments, axis=1)))[sequences.offsets]
    return np.diff(ends) + np.diff(sequences.offsets) + 1


def _padding(lengths: np.ndarray) -> dict[str, float]:
    """Return the shares of positions without a token, of steps of shuffled sequences, by how they are laid."""
    lengths = lengths[np.argsort(sampling.bits(_stream("order"), np.arange(len(lengths))))]
    packed = budget = padded = tokens = 0
    for start in range(0, len(lengths) - STEP + 1, STEP):
        own = lengths[start : start + STEP]
        tokens += int(own.sum())
        for part in micro_batches(own, 0, 1, micro_batch_tokens=BUDGET):
            packed += -(-int(own[part].sum()) // 8) * 8
            budget += BUDGET
        for part in micro_batches(own, 0, 1, micro_batch_size=32):
            padded += len(part) * -(-int(own[part].max()) // 8) * 8
    return {
        "padding_packed": 1 - tokens / packed,
        "padding_budget": 1 - tokens / budget,
        "padding_to_longest": 1 - tokens / padded,
    }


def _told_by_length(
    blocks: list[Documents], settings: PairSettings, limit: int, width: int = 8
) -> tuple[float, float]:
    """Return how often a table by both lengths, learned on every second block, is right on the others.

    Also returns the standard error of that share where lengths say nothing.
    """
    votes = np.zeros((limit // width + 1, limit // width + 1))
    right, tried = 0, 0
    for learning in (True, False):
        for number in range(PASSES):
            for place in range(0 if learning else 1, len(blocks), 2):
                stream = _stream("told", number, place)
                sequences = build_pairs(blocks[place], settings, limit, stream)
                both = np.diff(sequences.segments, axis=1).reshape(-1, 2) // width
                if learning:
                    np.add.at(votes, (both[:, 0], both[:, 1]), sequences.label - 0.5)
                else:
                    guess = votes[both[:, 0], both[:, 1]] > 0
                    right += int((guess == (sequences.label == 1)).sum())
                    tried += len(sequences)
    return right / tried, 0.5 / math.sqrt(tried)


def _against_the_reference(documents: Documents) -> dict[str, float]:
    """Return how many pairs of mode ``google`` differ from the literal reference's."""
    sentences = int(documents.sentence_offsets[COMPARED])
    part = Documents(
        documents.offsets[: COMPARED + 1],
        documents.sentence_ends[:sentences],
        documents.sentence_offsets[: COMPARED + 1],
        documents.groups[:COMPARED],
        documents.kinds[:COMPARED],
    )
    lists = []
    for number, start in enumerate(part.offsets[:-1].tolist()):
        first, last = part.sentence_offsets[number : number + 2].tolist()
        ends = [start, *part.sentence_ends[first:last].tolist()]
        lists.append([list(range(*span)) for span in pairwise(ends)])
    compared = differences = 0
    for limit in (128, 512):
        stream = _stream("google", limit)
        built = build_pairs(part, PairSettings(mode="google"), limit, stream)
        spans = built.segments.reshape(-1, 2, 2).tolist()
        pairs = [
            (list(range(*a)), list(range(*b)), label == 1)
            for (a, b), label in zip(spans, built.label.tolist(), strict=True)
        ]
        expected = reference_pairs(lists, limit, 0.1, Random(stream))
        compared += len(expected)
        differences += sum(ours != theirs for ours, theirs in zip(pairs, expected, strict=False))
        differences += abs(len(pairs) - len(expected))
    return {"google_pairs_compared": compared, "google_mode_differences": differences}
