"""Documents the tests of pairs make: sentence lengths in, positions out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from malmoi.instances.pairs import Documents, Sequences


def documents_of(
    sentences: Sequence[Sequence[int]],
    groups: Sequence[int] | None = None,
    kinds: Sequence[int] | None = None,
) -> Documents:
    """Return documents of sentences of these lengths; each is a group, and all are of a kind, unless told."""
    tokens = [sum(each) for each in sentences]
    return Documents(
        offsets=np.cumsum([0, *tokens], dtype=np.int64),
        sentence_ends=np.cumsum([length for each in sentences for length in each], dtype=np.int64),
        sentence_offsets=np.cumsum([0, *map(len, sentences)], dtype=np.int64),
        groups=np.array(range(len(tokens)) if groups is None else groups, dtype=np.int64),
        kinds=np.array([0] * len(tokens) if kinds is None else kinds, dtype=np.int64),
    )


def made_documents(
    count: int, tokens: float, sentence: float, groups: int = 0, kinds: int = 1
) -> Documents:
    """Return documents of about ``tokens`` tokens in sentences of about ``sentence``; the same each time."""
    rng = np.random.default_rng(20)
    lengths = np.maximum(2, rng.gamma(1.5, tokens / 1.5, size=count)).astype(int)
    sentences = []
    for length in lengths:
        ends = np.cumsum(rng.geometric(1 / sentence, size=length))
        sentences.append(np.diff([0, *ends[ends < length], length]).tolist())
    return documents_of(
        sentences,
        [number % groups if groups else number for number in range(count)],
        [number % kinds for number in range(count)],
    )


def any_documents(longest: int = 60) -> st.SearchStrategy[Documents]:
    """Return a strategy of documents of any lengths, empty ones among them, with any groups and kinds."""
    sentences = st.lists(st.integers(1, longest), max_size=12)

    def with_codes(lengths: list[list[int]]) -> st.SearchStrategy[Documents]:
        codes = st.lists(st.integers(0, 4), min_size=len(lengths), max_size=len(lengths))
        return st.builds(
            documents_of, st.just(lengths), groups=codes | st.none(), kinds=codes | st.none()
        )

    return st.lists(sentences, max_size=12).flatmap(with_codes)


def used_times(documents: Documents, sequences: Sequences) -> np.ndarray:
    """Return how often each token is used, int64 [T]."""
    changes = np.zeros(int(documents.offsets[-1]) + 1, dtype=np.int64)
    np.add.at(changes, sequences.segments[:, 0], 1)
    np.add.at(changes, sequences.segments[:, 1], -1)
    return np.cumsum(changes)[:-1]


def lengths(sequences: Sequences) -> tuple[np.ndarray, np.ndarray]:
    """Return the tokens of the first and of the second segments of pairs, int64 [P] each."""
    both = np.diff(sequences.segments, axis=1).reshape(-1, 2)
    return both[:, 0], both[:, 1]
