"""How much is masked, with what, and where: the shares that a training relies on, with their confidence.

Seeds are fixed, so a right implementation passes for good; the standard errors say how sure a pass is.
"""

from __future__ import annotations

import numpy as np
import pytest
from malmoi import sampling
from malmoi.instances.masking import Masked, MaskSettings, Vocabulary, mask

CLS, SEP, MASK, UNK = 2, 3, 4, 1
SIZE = 1000
VOCABULARY = Vocabulary(SIZE, CLS, SEP, MASK, UNK, np.arange(5, SIZE))
SEQUENCES, LENGTH = 20_000, 128
TEXT = LENGTH - 3
UNITS = ["piece", "morpheme", "eojeol", "span"]
STARTS = np.arange(SEQUENCES + 1) * LENGTH


def keys(epoch: int) -> np.ndarray:
    return sampling.bits(sampling.key(20, "mask", "l128", epoch), np.arange(SEQUENCES))


@pytest.fixture(scope="module")
def text() -> tuple[np.ndarray, np.ndarray]:
    """Pairs of 128 tokens: words of 1.9 pieces and morphemes of 1.4 on average, as in Korean; 0.5 % [UNK]."""
    rng = np.random.default_rng(20)
    shape = (SEQUENCES, LENGTH)
    ids = rng.integers(5, SIZE, shape)
    words = rng.random(shape) < 0.52
    unknown = rng.random(shape) < 0.005
    # [UNK] stands for a whole word.
    words |= unknown
    words[:, 1:] |= unknown[:, :-1]
    ids[unknown] = UNK
    morphemes = words | (rng.random(shape) < 0.4)
    marks = words + 2 * morphemes
    ids[:, 0], ids[:, 64], ids[:, -1] = CLS, SEP, SEP
    marks[:, [0, 64, -1]] = 0
    return ids.astype(np.uint16).ravel(), marks.astype(np.uint8).ravel()


@pytest.fixture(scope="module", params=UNITS)
def masked(request: pytest.FixtureRequest, text: tuple[np.ndarray, np.ndarray]) -> Masked:
    settings = MaskSettings(request.param)
    return mask(text[0], text[1], STARTS, keys(0), 0.15, VOCABULARY, settings)


def flags(masked: Masked) -> np.ndarray:
    """Whether each position of each sequence is masked."""
    result = np.zeros(SEQUENCES * LENGTH, dtype=bool)
    result[masked.positions] = True
    return result.reshape(SEQUENCES, LENGTH)


def test_fifteen_percent_of_the_tokens_are_masked(masked: Masked) -> None:
    # The random rounding alone has a standard error of 0.5 / (125 sqrt(20,000)) = 0.00003.
    assert abs(len(masked.positions) / (SEQUENCES * TEXT) - 0.15) < 0.001
    assert (masked.counts <= 19).all()


def test_four_fifths_of_the_units_become_mask_a_tenth_random_a_tenth_stay(
    request: pytest.FixtureRequest, text: tuple[np.ndarray, np.ndarray], masked: Masked
) -> None:
    unit = request.node.callspec.params["masked"]
    opens = np.ones(len(text[0]), dtype=bool)
    if unit != "piece":
        opens = (text[1] & (2 if unit == "morpheme" else 1)) > 0
        opens[STARTS[:-1] + 1] = opens[STARTS[:-1] + 65] = True
    first = opens[masked.positions]
    if unit == "span":
        # Spans that touch cannot be told apart: count those that follow a token that is not masked.
        first = np.diff(masked.positions, prepend=-2) > 1
    seen = masked.seen[masked.positions]
    shares = {
        "mask": (seen == MASK)[first].mean(),
        "kept": (seen == masked.labels)[first].mean(),
        "random": ((seen != MASK) & (seen != masked.labels))[first].mean(),
    }
    for name, share in (("mask", 0.8), ("kept", 0.1), ("random", 0.1)):
        # 0.003 are 2.6 standard errors for 130,000 spans and 4 and more for the other units.
        assert abs(shares[name] - share) < 0.003
    same = np.flatnonzero(~first[1:]) + 1
    if unit != "span":
        assert ((seen == MASK)[same] == (seen == MASK)[same - 1]).all()


def test_random_pieces_are_uniform_over_the_candidates(masked: Masked) -> None:
    seen = masked.seen[masked.positions]
    drawn = seen[(seen != MASK) & (seen != masked.labels)]
    counts = np.bincount(drawn, minlength=SIZE)
    assert not counts[:5].any()
    expected = len(drawn) / (SIZE - 5)
    chi2 = ((counts[5:] - expected) ** 2).sum() / expected
    # 994 degrees of freedom; 5 standard deviations.
    assert abs(chi2 - (SIZE - 6)) < 5 * np.sqrt(2 * (SIZE - 6))


def test_every_position_of_pieces_is_as_likely(text: tuple[np.ndarray, np.ndarray]) -> None:
    ids = text[0].copy()
    ids[ids == UNK] = 5
    result = flags(mask(ids, text[1], STARTS, keys(1), 0.15, VOCABULARY, MaskSettings("piece")))
    counts = result.sum(axis=0)
    assert not counts[[0, 64, 127]].any()
    counts = np.delete(counts, [0, 64, 127])
    share = counts.mean() / SEQUENCES
    chi2 = ((counts - counts.mean()) ** 2).sum() / (SEQUENCES * share * (1 - share))
    # About 124 degrees of freedom; 4 standard deviations.
    assert abs(chi2 - 124) < 4 * np.sqrt(2 * 124)


@pytest.mark.parametrize("pair", ["next in the batch", "next epoch"])
def test_neighbours_and_epochs_are_independent(
    text: tuple[np.ndarray, np.ndarray], pair: str
) -> None:
    # The same text in every row: only the keys tell two sequences apart.
    ids, marks = (np.tile(values[:LENGTH], SEQUENCES) for values in text)
    ids[ids == UNK] = 5

    def flagged(epoch: int) -> np.ndarray:
        return flags(mask(ids, marks, STARTS, keys(epoch), 0.15, VOCABULARY, MaskSettings("piece")))

    first = flagged(0)
    second = np.roll(first, 1, axis=0) if pair == "next in the batch" else flagged(1)
    shared = (first & second).sum(axis=1)
    # Two independent choices of 18.75 among 125 share 18.75² / 125 on average.
    error = shared.std() / np.sqrt(SEQUENCES)
    assert abs(shared.mean() - 18.75**2 / TEXT) < 4 * error


@pytest.mark.parametrize("weight", [1.0, 0.5, 0.1])
def test_functional_units_come_next_as_often_as_their_weight_says(weight: float) -> None:
    # Half of the units are functional, and one is masked: content to functional as 1 to the weight.
    ids = np.full((SEQUENCES, 12), 7, dtype=np.uint16)
    ids[:, 0], ids[:, -1] = CLS, SEP
    marks = np.tile(np.array([0, *[3, 7] * 5, 0], dtype=np.uint8), SEQUENCES)
    starts = np.arange(SEQUENCES + 1) * 12
    settings = MaskSettings("morpheme", functional_weight=weight)
    result = mask(ids.ravel(), marks, starts, keys(0), 0.05, VOCABULARY, settings)
    assert (result.counts == 1).all()
    share, expected = (marks[result.positions] == 7).mean(), weight / (1 + weight)
    assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / SEQUENCES)


def test_a_weight_moves_masks_to_content_and_keeps_their_number(
    text: tuple[np.ndarray, np.ndarray],
) -> None:
    ids, marks = text
    marks = marks | np.where(np.random.default_rng(7).random(len(marks)) < 0.4, 4, 0).astype(
        np.uint8
    )
    masked = {
        weight: mask(
            *(ids, marks, STARTS, keys(0), 0.15, VOCABULARY),
            MaskSettings("morpheme", functional_weight=weight),
        )
        for weight in (1.0, 0.3)
    }
    share = {}
    for weight, result in masked.items():
        opening = marks[result.positions]
        share[weight] = (opening[opening & 2 > 0] & 4 > 0).mean()
    # Two fifths of the units are functional: 0.4 * 0.3 of a total of 0.6 + 0.4 * 0.3, and a little more as
    # the content units of a sequence run low.
    assert abs(share[1.0] - 0.4) < 0.005
    assert 0.165 < share[0.3] < 0.19
    assert abs(len(masked[0.3].positions) / len(masked[1.0].positions) - 1) < 0.005


@pytest.mark.parametrize("mean", [1.0, 3.0, 5.0])
def test_spans_have_the_mean_length_in_words_and_at_most_ten(mean: float) -> None:
    # One long segment of one-piece words, and a budget that hardly cuts a span short.
    length, count = 1002, 300
    ids = np.full((count, length), 7, dtype=np.uint16)
    ids[:, 0], ids[:, -1] = CLS, SEP
    marks = np.full(count * length, 3, dtype=np.uint8)
    starts = np.arange(count + 1) * length
    settings = MaskSettings("span", span_mean=mean)
    result = mask(ids.ravel(), marks, starts, keys(0)[:count], 0.04, VOCABULARY, settings)
    ends = np.flatnonzero(np.diff(result.positions, append=-2) != 1)
    lengths = np.diff(ends, prepend=-1)
    # Some spans touch and count as one, and the last of a sequence is cut short.
    assert abs(lengths.mean() / mean - 1) < 0.12
    assert np.quantile(lengths, 0.95) <= 10
