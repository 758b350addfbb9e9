"""Pairs: every token used once, the limit kept, labels true and not to be guessed from lengths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances_made_tokens import random_ends
from malmoi.instances.exchanged import Documents, Pairs, build_pairs


@st.composite
def corpora(draw: st.DrawFn) -> tuple[Documents, int, float, int]:
    """Documents of any lengths, sentence ends and groups, with the settings for their pairs."""
    ends = []
    for lengths in draw(
        st.lists(st.lists(st.integers(1, 60), min_size=1, max_size=12), min_size=0, max_size=12)
    ):
        ends.append(np.cumsum(np.array(lengths, dtype=np.int64)))
    offsets = np.cumsum([0, *(int(each[-1]) for each in ends)]).astype(np.int64)
    groups = draw(
        st.lists(st.sampled_from("가나다라"), min_size=len(ends), max_size=len(ends))
        | st.just([str(number) for number in range(len(ends))])
    )
    return (
        Documents(offsets, ends, groups),
        draw(st.integers(16, 140)),
        draw(st.sampled_from((0.0, 0.1, 0.5, 1.0))),
        draw(st.integers(0, 2**64 - 1)),
    )


def made_corpus(documents: int, tokens: float, sentence: float, groups: int = 0) -> Documents:
    """Documents of about ``tokens`` tokens in sentences of about ``sentence``."""
    rng = np.random.default_rng(20)
    lengths = np.maximum(2, rng.gamma(1.5, tokens / 1.5, size=documents)).astype(int)
    return Documents(
        np.concatenate([[0], np.cumsum(lengths)]),
        [np.array(random_ends(rng, int(length), sentence)) for length in lengths],
        [str(number % groups if groups else number) for number in range(documents)],
    )


def lengths(pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    return pairs.a[:, 1] - pairs.a[:, 0], pairs.b[:, 1] - pairs.b[:, 0]


@given(corpora())
def test_each_token_is_used_once_in_a_pass(case: tuple[Documents, int, float, int]) -> None:
    documents, limit, short_share, stream = case
    pairs = build_pairs(documents, limit, short_share, stream)
    spans = [*pairs.a.tolist(), *pairs.b.tolist()]
    used = sorted(place for start, end in spans for place in range(start, end))
    document_lengths = np.diff(documents.offsets)
    expected = [
        place
        for number, length in enumerate(document_lengths.tolist())
        if length > 1
        for place in range(documents.offsets[number], documents.offsets[number + 1])
    ]
    assert used == expected


@given(corpora())
def test_pairs_keep_the_limit_and_no_segment_is_empty(
    case: tuple[Documents, int, float, int],
) -> None:
    documents, limit, short_share, stream = case
    length_a, length_b = lengths(build_pairs(documents, limit, short_share, stream))
    assert (length_a >= 1).all() and (length_b >= 1).all()
    assert (length_a + length_b + 3 <= limit).all()


@given(corpora())
def test_labels_say_whether_b_follows_a(case: tuple[Documents, int, float, int]) -> None:
    documents, limit, short_share, stream = case
    pairs = build_pairs(documents, limit, short_share, stream)
    follows = (pairs.a[:, 1] == pairs.b[:, 0]) & (pairs.document_a == pairs.document_b)
    assert (pairs.label == 0).tolist() == follows.tolist()
    groups = np.array(documents.groups, dtype=object)
    random = pairs.label == 1
    assert (groups[pairs.document_a[random]] != groups[pairs.document_b[random]]).all()
    assert random.sum() <= len(pairs) / 2
    for spans, owner in ((pairs.a, pairs.document_a), (pairs.b, pairs.document_b)):
        assert (spans[:, 0] >= documents.offsets[owner]).all()
        assert (spans[:, 1] <= documents.offsets[owner + 1]).all()


@given(corpora())
def test_pairs_are_a_function_of_their_arguments(case: tuple[Documents, int, float, int]) -> None:
    first, second = build_pairs(*case), build_pairs(*case)
    for name in ("a", "b", "document_a", "document_b", "label"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("groups", [0, 12])
@pytest.mark.parametrize("short_share", [0.0, 0.1])
def test_half_of_the_pairs_are_random_where_groups_allow(groups: int, short_share: float) -> None:
    pairs = build_pairs(made_corpus(240, 400, 25, groups), 128, short_share, 7)
    assert len(pairs) > 700
    assert abs(pairs.label.mean() - 0.5) < 0.02


def test_a_corpus_of_one_group_has_no_random_pair() -> None:
    pairs = build_pairs(made_corpus(20, 400, 25, 1), 128, 0.1, 7)
    assert not pairs.label.any()


def test_a_large_group_gets_as_many_random_partners_as_there_are() -> None:
    corpus = made_corpus(60, 400, 25)
    groups = ["large"] * 45 + [str(number) for number in range(15)]
    pairs = build_pairs(Documents(corpus.offsets, corpus.sentence_ends, groups), 128, 0.1, 7)
    # A quarter of the pairs are of small groups; chosen for exchange are half of them.
    assert 0.15 < pairs.label.mean() < 0.5


def test_another_pass_cuts_and_pairs_anew() -> None:
    corpus = made_corpus(40, 400, 25)
    first, second = (build_pairs(corpus, 128, 0.1, stream) for stream in (1, 2))
    ends = [set(map(tuple, pairs.a.tolist())) for pairs in (first, second)]
    assert len(ends[0] & ends[1]) < 0.5 * len(ends[0])


def test_short_share_makes_short_pairs() -> None:
    corpus = made_corpus(100, 2000, 25)
    full, short = (sum(lengths(build_pairs(corpus, 128, share, 7))) for share in (0.0, 0.5))
    assert (full < 60).mean() < 0.1
    assert (short < 60).mean() > 0.2


@pytest.mark.parametrize("tokens", [60, 200, 2000])
def test_lengths_do_not_give_the_label_away(tokens: int) -> None:
    corpus = made_corpus(300_000 // tokens, tokens, 15)
    pairs = build_pairs(corpus, 128, 0.1, 7)
    length_a, length_b = lengths(pairs)
    # A table of labels by both lengths, learned on one half and tried on the other.
    cell = length_a // 8 * 100 + length_b // 8
    learned = np.random.default_rng(20).random(len(pairs)) < 0.5
    votes = np.zeros(cell.max() + 1)
    np.add.at(votes, cell[learned], pairs.label[learned] - 0.5)
    right = (votes[cell] > 0) == pairs.label
    # Chance is 0.5; 4 standard errors of the tried half are at most 0.06 here.
    assert right[~learned].mean() < 0.5 + 2 / np.sqrt((~learned).sum())
