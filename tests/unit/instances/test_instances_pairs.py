"""Sequences: every token once, within the limit, with true labels that the lengths do not give away."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances_made_documents import (
    any_documents,
    documents_of,
    lengths,
    made_documents,
    used_times,
)
from malmoi.errors import InputError
from malmoi.instances.pairs import Documents, PairSettings, Sequences, build_pairs
from malmoi.instances.sequences import (
    NO_LABEL,
    RANDOM,
    SAME_DOCUMENT,
    SAME_KIND,
    SWAPPED,
)

SHARES = st.sampled_from((0.0, 0.1, 0.5, 1.0))

#: Whatever is not mode google.
SETTINGS = st.one_of(
    st.builds(PairSettings, hard_share=SHARES, short_share=SHARES),
    st.builds(PairSettings, kind=st.just("sop"), short_share=SHARES),
    st.just(PairSettings(kind="none")),
)

Case = tuple[Documents, PairSettings, int, int]
CASES = st.tuples(
    any_documents() | any_documents(longest=400),
    SETTINGS,
    st.integers(16, 140),
    st.integers(0, 2**64 - 1),
)

ADVERSARIAL = {
    "nothing": documents_of([]),
    "empty documents": documents_of([[], [], []]),
    "one document": documents_of([[7] * 500]),
    "one group": documents_of([[20, 5, 9] * 9] * 30, groups=[3] * 30),
    "one to three tokens": documents_of([[1], [2], [3], [1, 1], [1, 1, 1], [2, 1]] * 20),
    "one sentence": documents_of([[100_000], [3]]),
    # Long documents are cut in parts of 24 pairs: of 312 tokens where a sequence has 16.
    "a token after the last part": documents_of([[625], [624, 1], [6] * 104 + [1], [312] * 2]),
    "one large group": documents_of([[11] * 200] * 9 + [[11] * 20] * 9, [0] * 9 + list(range(9))),
}


def assert_sound(case: Case, sequences: Sequences) -> None:
    """Every token once, segments inside their documents, the limit kept, labels and negatives true."""
    documents, settings, limit, _ = case
    segments, offsets = sequences.segments, sequences.offsets
    assert offsets[0] == 0 and offsets[-1] == len(segments) == len(sequences.documents)
    assert (np.diff(offsets) >= 1).all() and len(offsets) == len(sequences) + 1
    assert (segments[:, 0] < segments[:, 1]).all()
    assert (segments[:, 0] >= documents.offsets[sequences.documents]).all()
    assert (segments[:, 1] <= documents.offsets[sequences.documents + 1]).all()
    taken = np.append(0, np.cumsum(np.diff(segments, axis=1)))[offsets]
    assert (np.diff(taken) + np.diff(offsets) + 1 <= limit).all()
    tokens = np.diff(documents.offsets)
    used = np.ones(len(tokens)) if settings.kind == "none" else tokens > 1
    assert used_times(documents, sequences).tolist() == np.repeat(used, tokens).tolist()
    if settings.kind == "none":
        assert (sequences.label == NO_LABEL).all() and not sequences.negative.any()
        return
    assert (np.diff(offsets) == 2).all()
    assert ((sequences.label == 1) == (sequences.negative > 0)).all()
    (a, b), owners = segments.reshape(-1, 2, 2).swapaxes(0, 1), sequences.documents.reshape(-1, 2)
    same = owners[:, 0] == owners[:, 1]
    assert ((sequences.label == 0) == (same & (a[:, 1] == b[:, 0]))).all()
    other_group = documents.groups[owners[:, 0]] != documents.groups[owners[:, 1]]
    alike = documents.kinds[owners[:, 0]] == documents.kinds[owners[:, 1]]
    for negative, truth in (
        (RANDOM, other_group & ~same),
        (SAME_KIND, other_group & ~same & alike),
        (SAME_DOCUMENT, same & (b[:, 0] > a[:, 1])),
        (SWAPPED, same & (b[:, 1] == a[:, 0])),
    ):
        assert truth[sequences.negative == negative].all()


@given(CASES)
def test_no_token_is_lost_or_repeated_and_labels_are_true(case: Case) -> None:
    assert_sound(case, build_pairs(*case))


@pytest.mark.parametrize("kind", ["nsp", "sop", "none"])
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_adversarial_documents_are_used_whole(name: str, kind: str) -> None:
    for limit, hard in ((16, 0.0), (128, 1.0)):
        settings = PairSettings(kind, hard_share=hard if kind == "nsp" else 0.0)
        case = (ADVERSARIAL[name], settings, limit, 20)
        assert_sound(case, build_pairs(*case))


@given(CASES)
def test_the_same_arguments_give_the_same_sequences(case: Case) -> None:
    first, second = build_pairs(*case), build_pairs(*case)
    for name in ("segments", "documents", "offsets", "label", "negative"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("kind", ["nsp", "sop"])
def test_another_stream_cuts_and_labels_anew(kind: str) -> None:
    documents = made_documents(40, 400, 25)
    first, second = (build_pairs(documents, PairSettings(kind), 128, number) for number in (1, 2))
    spans = [set(map(tuple, sequences.segments.tolist())) for sequences in (first, second)]
    assert len(spans[0] & spans[1]) < 0.5 * len(spans[0])


@pytest.mark.parametrize("kind", ["nsp", "sop"])
@pytest.mark.parametrize("groups", [0, 12])
@pytest.mark.parametrize("hard_share", [0.0, 0.6])
def test_half_of_the_pairs_are_negatives(kind: str, groups: int, hard_share: float) -> None:
    settings = PairSettings(kind, hard_share=hard_share if kind == "nsp" else 0.0)
    sequences = build_pairs(made_documents(500, 1600, 25, groups, kinds=3), settings, 128, 7)
    assert len(sequences) > 5000
    assert abs(sequences.label.mean() - 0.5) < 0.001


def test_a_corpus_of_one_group_has_no_random_pair() -> None:
    documents = made_documents(20, 400, 25, groups=1)
    assert not build_pairs(documents, PairSettings(), 128, 7).label.any()
    assert not build_pairs(documents, PairSettings(hard_share=1.0), 128, 7).label.any()


def test_a_large_group_gets_as_many_random_partners_as_there_are() -> None:
    made = made_documents(60, 400, 25)
    groups = np.array([0] * 48 + list(range(1, 13)))
    documents = Documents(**(vars(made) | {"groups": groups}))
    sequences = build_pairs(documents, PairSettings(), 128, 7)
    outside = (groups[sequences.documents[::2]] > 0).sum()
    assert 2 * outside < 0.48 * len(sequences)
    assert sequences.label.sum() > 1.8 * outside


def test_hard_negatives_take_their_share() -> None:
    documents = made_documents(500, 1600, 25, kinds=4)
    for hard_share in (0.2, 0.6):
        sequences = build_pairs(documents, PairSettings(hard_share=hard_share), 128, 7)
        shares = np.bincount(sequences.negative, minlength=4) / sequences.label.sum()
        expected = (1 - hard_share, hard_share / 2, hard_share / 2)
        assert np.abs(shares[[RANDOM, SAME_KIND, SAME_DOCUMENT]] - expected).max() < 0.03


def test_without_a_hard_negative_an_ordinary_one_is_taken() -> None:
    # Documents of a single pair, each of a kind of its own.
    documents = made_documents(400, 50, 25, kinds=400)
    sequences = build_pairs(documents, PairSettings(hard_share=1.0, short_share=0.0), 512, 7)
    assert abs(sequences.label.mean() - 0.5) < 0.01
    assert (sequences.negative[sequences.label == 1] == RANDOM).all()


def test_short_share_makes_short_pairs() -> None:
    documents = made_documents(100, 2000, 25)
    full, short = (
        sum(lengths(build_pairs(documents, PairSettings(short_share=share), 128, 7)))
        for share in (0.0, 0.5)
    )
    assert (full < 60).mean() < 0.1
    assert (short < 60).mean() > 0.2


@pytest.mark.parametrize("limit", [128, 512])
def test_sequences_are_filled_and_end_where_sentences_end(limit: int) -> None:
    documents = made_documents(60, 8000, 25)
    ends = documents.sentence_ends
    pairs = build_pairs(documents, PairSettings(short_share=0.0), limit, 7)
    length_a, length_b = lengths(pairs)
    assert (length_a + length_b).mean() > 0.85 * (limit - 3)
    assert np.isin(pairs.segments[:, 1], ends).mean() > 0.7
    packed = build_pairs(documents, PairSettings(kind="none"), limit, 7)
    positions = int(documents.offsets[-1]) + len(packed.segments) + len(packed)
    assert positions > 0.9 * limit * len(packed)
    # Many sentences, one [SEP] a document: parts of several documents share a sequence.
    assert len(packed.segments) > len(packed)


def by_lengths(sequences: Sequences) -> tuple[np.ndarray, np.ndarray]:
    length_a, length_b = lengths(sequences)
    return length_a // 8 * 100 + length_b // 8, sequences.label


@pytest.mark.parametrize("tokens", [60, 300, 2000])
@pytest.mark.parametrize("settings", [PairSettings(), PairSettings(hard_share=0.5)], ids=str)
def test_lengths_do_not_give_the_label_away(tokens: int, settings: PairSettings) -> None:
    documents = made_documents(400_000 // tokens, tokens, 15, kinds=2)
    cell, label = by_lengths(build_pairs(documents, settings, 128, 7))
    # A table of labels by both lengths, and so by their sum, learned from other draws and tried on these.
    votes = np.zeros(10_000)
    for stream in range(8, 12):
        learned, labels = by_lengths(build_pairs(documents, settings, 128, stream))
        np.add.at(votes, learned, labels - 0.5)
    right = (votes[cell] > 0) == label
    # A guess is right half of the time; four standard errors above it, p < 0.0001.
    assert len(right) > 2500
    assert right.mean() < 0.5 + 4 * 0.5 / np.sqrt(len(right))


@pytest.mark.parametrize("tokens", [300, 2000])
def test_lengths_do_not_tell_which_pairs_are_swapped(tokens: int) -> None:
    documents = made_documents(800_000 // tokens, tokens, 15)
    sequences = build_pairs(documents, PairSettings(kind="sop"), 128, 7)
    length_a, length_b = lengths(sequences)
    for values in (length_a, length_b, length_a - length_b):
        # The correlation of independent values has a standard error of 1 / sqrt(P).
        correlation = np.corrcoef(values, sequences.label)[0, 1]
        assert abs(correlation) < 4 / np.sqrt(len(sequences))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PairSettings(kind="mlm"), r"pairs\.kind is 'mlm': choose nsp, sop or none"),
        (lambda: PairSettings(mode="fair"), r"pairs\.mode is 'fair': choose balanced or google"),
        (lambda: PairSettings(hard_share=1.5), r"pairs\.hard_share is 1\.5: choose a share"),
        (lambda: PairSettings(short_share=-1), r"pairs\.short_share is -1: choose a share"),
        (
            lambda: PairSettings(mode="google", hard_share=0.1),
            r"hard_share is 0\.1, but only .*balanced",
        ),
        (
            lambda: build_pairs(documents_of([[9]]), PairSettings(), 15, 7),
            r"max_seq_length is 15: choose 16 or more",
        ),
    ],
)
def test_settings_that_cannot_be_say_the_cure(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
