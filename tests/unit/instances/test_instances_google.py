"""Mode google: the pairs of the published algorithm, draw for draw."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances_google_reference import reference_pairs
from instances_made_documents import any_documents, documents_of, made_documents, used_times
from malmoi.instances.pairs import Documents, PairSettings, build_pairs


def as_lists(documents: Documents) -> list[list[list[int]]]:
    """Return documents as lists of sentences of tokens; a token is its position."""
    lists = []
    for number, start in enumerate(documents.offsets[:-1].tolist()):
        first, last = documents.sentence_offsets[number : number + 2].tolist()
        ends = [start, *documents.sentence_ends[first:last].tolist()]
        lists.append([list(range(*span)) for span in pairwise(ends)])
    return lists


def assert_equal_to_the_reference(
    documents: Documents, limit: int, short_share: float, stream: int
) -> None:
    settings = PairSettings(mode="google", short_share=short_share)
    sequences = build_pairs(documents, settings, limit, stream)
    spans = sequences.segments.reshape(-1, 2, 2).tolist()
    built = [
        (list(range(*a)), list(range(*b)), label == 1)
        for (a, b), label in zip(spans, sequences.label.tolist(), strict=True)
    ]
    assert built == reference_pairs(as_lists(documents), limit, short_share, Random(stream))
    owners = np.searchsorted(documents.offsets, sequences.segments[:, 0], side="right") - 1
    assert (documents.offsets[sequences.documents] <= sequences.segments[:, 0]).all()
    assert sequences.documents.tolist() == owners.tolist()
    assert (sequences.negative == sequences.label).all()


@given(
    any_documents(longest=300),
    st.integers(16, 140),
    st.sampled_from((0.0, 0.1, 1.0)),
    st.integers(0, 2**64 - 1),
)
def test_pairs_are_those_of_the_published_algorithm(
    documents: Documents, limit: int, short_share: float, stream: int
) -> None:
    assert_equal_to_the_reference(documents, limit, short_share, stream)


@pytest.mark.parametrize("limit", [128, 512])
def test_a_corpus_is_cut_as_by_the_published_algorithm(limit: int) -> None:
    assert_equal_to_the_reference(made_documents(150, 1500, 40), limit, 0.1, 20)


def test_a_sentence_of_very_many_tokens_is_truncated_alike() -> None:
    assert_equal_to_the_reference(documents_of([[20_000], [30, 5]]), 128, 0.1, 20)


def test_the_quirks_of_the_published_algorithm_stay() -> None:
    documents = made_documents(150, 1500, 80)
    sequences = build_pairs(documents, PairSettings(mode="google"), 128, 20)
    times = used_times(documents, sequences)
    assert (times == 0).mean() > 0.1 and (times > 1).mean() > 0.05
    assert sequences.label.mean() > 0.53
