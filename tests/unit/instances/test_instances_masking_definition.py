"""Masks equal a plain definition, sequence by sequence, and keep its promises for any input."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi import sampling
from malmoi.errors import InputError
from malmoi.instances import masking
from malmoi.instances.masking import (
    Masked,
    MaskSettings,
    Vocabulary,
    mask,
    rate_at,
    read_vocabulary,
)

PAD, UNK, CLS, SEP, MASK = range(5)
SIZE = 16
#: Id 9 is no candidate either, as an unused piece of a vocabulary may be.
CANDIDATES = np.array([5, 6, 7, 8, 10, 11, 12, 13, 14, 15])
VOCABULARY = Vocabulary(SIZE, CLS, SEP, MASK, UNK, CANDIDATES)
BITS = {"piece": 0, "eojeol": 1, "morpheme": 2, "span": 1}
FUNCTIONAL = 4

Sequence = tuple[list[int], list[int]]


def bits(key: int, number: int) -> int:
    return int(sampling.bits(key, np.array([number]))[0])


def uniform(key: int, number: int) -> float:
    return (bits(key, number) >> 11) * 2.0**-53


def units_of(ids: list[int], marks: list[int], unit: str) -> list[list[int]]:
    """The places of each unit."""
    found: list[list[int]] = []
    for place, token in enumerate(ids):
        begins = (
            not found
            or unit == "piece"
            or marks[place] & BITS[unit]
            or {token, ids[place - 1]} & {CLS, SEP}
        )
        if begins:
            found.append([])
        found[-1].append(place)
    return found


def in_order(
    ids: list[int], marks: list[int], units: list[list[int]], key: int, budget: int, weight: float
) -> list[int]:
    """The numbers of the units that may be masked, in the order they are taken."""
    number = {
        places[0]: unit
        for unit, places in enumerate(units)
        if all(ids[place] in CANDIDATES for place in places)
    }
    order: list[int] = []
    for draw in range(2 * budget + 8):
        half = bits(key, draw // 2) >> 32 * (draw % 2) & 0xFFFFFFFF
        place, rest = divmod(half * len(ids), 2**32)
        passed = marks[place] & FUNCTIONAL and rest >= int(weight * 2**32)
        if place in number and number[place] not in order and not passed:
            order.append(number[place])

    def time(place: int) -> float:
        speed = weight if marks[place] & FUNCTIONAL else 1.0
        drawn = bits(key, (1 << 32) + place) >> 32
        return float(np.float32(-math.log1p(-(drawn + 0.5) / 2**32) / speed))

    rest = [place for place in number if number[place] not in order]
    return order + [number[place] for place in sorted(rest, key=lambda place: (time(place), place))]


def span_length(key: int, place: int, mean: float) -> int:
    """A number of words between 1 and 10, geometric with the given mean."""

    def shares(ratio: float) -> list[float]:
        powers = [ratio**number for number in range(10)]
        return [power / sum(powers) for power in powers]

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        below = sum((words + 1) * share for words, share in enumerate(shares(middle))) < mean
        low, high = (middle, high) if below else (low, middle)
    drawn, total = uniform(key, (4 << 32) + place), 0.0
    for words, share in enumerate(shares(high)):
        total += share
        if drawn < total:
            return words + 1
    return 10


def plainly(
    ids: list[int], marks: list[int], key: int, rate: float, how: MaskSettings
) -> tuple[list[int], list[int]]:
    """What the model sees and which places it predicts, by the definition."""
    tokens = sum(token not in (CLS, SEP) for token in ids)
    if not tokens:
        return ids, []
    budget = max(1, math.floor(tokens * rate + uniform(key, 5 << 32)))
    units = units_of(ids, marks, how.unit)
    order = in_order(ids, marks, units, key, budget, how.functional_weight)
    allowed, taken, chosen = set(order), set(), []
    for unit in order:
        wanted = span_length(key, units[unit][0], how.span_mean) if how.unit == "span" else 1
        span: list[int] = []
        for number in range(unit, unit + wanted):
            fits = number in allowed and len(span) + len(units[number]) <= budget
            if number in taken or not fits:
                break
            taken.add(number)
            span += units[number]
        budget -= len(span)
        chosen.append(span)
    seen = list(ids)
    for span in filter(None, chosen):
        fate = bits(key, (2 << 32) + span[0]) >> 32
        for place in span:
            if fate < round(0.8 * 2**32):
                seen[place] = MASK
            elif fate < round(0.9 * 2**32):
                drawn = bits(key, (3 << 32) + place) >> 32
                seen[place] = int(CANDIDATES[drawn * len(CANDIDATES) >> 32])
    return seen, sorted(place for span in chosen for place in span)


def masked(
    sequences: list[Sequence],
    keys: list[int],
    rates: list[float],
    how: MaskSettings,
    dtype: type = np.uint16,
) -> Masked:
    starts = np.cumsum([0, *(len(ids) for ids, _ in sequences)])
    return mask(
        np.array([token for ids, _ in sequences for token in ids], dtype=dtype),
        np.array([unit for _, marks in sequences for unit in marks], dtype=np.uint8),
        starts.astype(np.int64),
        np.array(keys, dtype=np.uint64),
        np.array(rates),
        VOCABULARY,
        how,
    )


tokens = st.tuples(st.integers(0, SIZE - 1) | st.integers(10, SIZE - 1), st.integers(0, 7))
sequence = st.lists(tokens, max_size=40).map(
    lambda rows: ([CLS, *(row[0] for row in rows)], [0, *(row[1] for row in rows)])
)
manner = st.builds(
    MaskSettings,
    unit=st.sampled_from(["piece", "morpheme", "eojeol", "span"]),
    functional_weight=st.sampled_from([1.0, 0.5, 0.01]),
    span_mean=st.sampled_from([1.0, 3.0, 5.5]),
)
batch = st.lists(
    st.tuples(
        sequence | st.just(([], [])),
        st.integers(0, 2**64 - 1),
        st.sampled_from([0.01, 0.15, 0.4, 1.0]),
    ),
    min_size=1,
    max_size=6,
).map(lambda rows: tuple(map(list, zip(*rows, strict=True))))


@settings(deadline=None, max_examples=300)
@given(batch, manner, st.sampled_from([np.uint16, np.uint32]))
def test_masks_are_those_of_the_plain_definition(
    rows: tuple[list[Sequence], list[int], list[float]], how: MaskSettings, dtype: type
) -> None:
    result = masked(*rows, how, dtype)
    seen, positions, labels, counts = [], [], [], []
    for (ids, marks), key, rate in zip(*rows, strict=True):
        plain, places = plainly(ids, marks, key, rate, how)
        positions += [len(seen) + place for place in places]
        labels += [ids[place] for place in places]
        counts.append(len(places))
        seen += plain
    assert result.seen.tolist() == seen
    assert result.positions.tolist() == positions
    assert result.labels.tolist() == labels
    assert result.counts.tolist() == counts
    assert result.seen.dtype == result.labels.dtype == dtype


@settings(deadline=None, max_examples=100)
@given(batch, manner)
def test_special_tokens_are_neither_targets_nor_replacements_and_units_stay_whole(
    rows: tuple[list[Sequence], list[int], list[float]], how: MaskSettings
) -> None:
    result = masked(*rows, how)
    original = np.array([token for ids, _ in rows[0] for token in ids], dtype=np.uint16)
    assert (result.labels == original[result.positions]).all()
    assert np.isin(result.labels, CANDIDATES).all()
    assert np.isin(result.seen[result.positions], [*CANDIDATES, MASK]).all()
    changed = np.flatnonzero(result.seen != original)
    assert np.isin(changed, result.positions).all()
    begin = 0
    for (ids, marks), rate, count in zip(rows[0], rows[2], result.counts, strict=True):
        places = set((result.positions - begin).tolist())
        for unit in units_of(ids, marks, how.unit):
            assert places.issuperset(unit) or places.isdisjoint(unit)
        budget = sum(token not in (CLS, SEP) for token in ids) * rate
        assert count < max(budget, 0) + 1 or count == 1
        begin += len(ids)


@settings(deadline=None, max_examples=50)
@given(batch, manner, st.integers(41, 60))
def test_a_sequence_alone_or_in_other_blocks_gets_the_same_masks(
    rows: tuple[list[Sequence], list[int], list[float]], how: MaskSettings, block: int
) -> None:
    together = masked(*rows, how)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masking, "BLOCK", block)
        assert (masked(*rows, how).seen == together.seen).all()
    begin = 0
    for number, (sequence, key, rate) in enumerate(zip(*rows, strict=True)):
        alone = masked([sequence], [key], [rate], how)
        end = begin + len(sequence[0])
        assert (alone.seen == together.seen[begin:end]).all()
        assert alone.counts[0] == together.counts[number]
        begin = end


def test_a_segment_that_begins_inside_a_unit_makes_one_of_what_is_left() -> None:
    # Two segments whose first tokens open nothing: three units of two tokens, one of them of [UNK].
    ids = [CLS, 10, 11, SEP, 12, 13, UNK, 14, SEP]
    marks = [0, 0, 0, 0, 0, 0, 2, 0, 0]
    found = set()
    for key in range(50):
        result = masked([(ids, marks)], [key], [0.4], MaskSettings("morpheme"))
        found.add(tuple(result.positions.tolist()))
    assert found == {(1, 2), (4, 5)}


def test_a_budget_that_no_unit_fits_masks_nothing() -> None:
    result = masked([([CLS, 10, 11, 12, SEP], [0, 2, 0, 0, 0])], [7], [0.15], MaskSettings())
    assert not len(result.positions) and result.counts.tolist() == [0]


def test_no_sequences_give_no_masks() -> None:
    result = masked([], [], [], MaskSettings())
    assert not len(result.seen) and not len(result.counts)


def test_a_sequence_too_long_for_any_model_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than"):
        masked([([10] * 131_073, [3] * 131_073)], [1], [0.15], MaskSettings())


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"unit": "word"}, "unit"),
        ({"rate": 0.0}, "rate"),
        ({"functional_weight": 0.0}, "functional_weight"),
        ({"span_mean": 6.0}, "span_mean"),
    ],
)
def test_settings_outside_their_range_say_which(values: dict, word: str) -> None:
    with pytest.raises(InputError, match=word):
        MaskSettings(**values)


def test_the_rate_goes_linearly_from_first_to_last() -> None:
    assert [rate_at(progress, 0.3, 0.1) for progress in (0.0, 0.5, 1.0)] == pytest.approx(
        [0.3, 0.2, 0.1]
    )
    assert rate_at(0.7, 0.15, None) == 0.15
    assert rate_at(1.2, 0.3, 0.1) == pytest.approx(0.1)


def test_a_vocabulary_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n가\n\u2028\n##나\n", encoding="utf-8")
    vocabulary = read_vocabulary(path)
    assert vocabulary.size == 8
    assert (vocabulary.unknown, vocabulary.cls, vocabulary.sep, vocabulary.mask) == (1, 2, 3, 4)
    assert vocabulary.candidates.tolist() == [5, 6, 7]


def test_a_vocabulary_without_mask_is_no_bert(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n가\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"has no \[MASK\]"):
        read_vocabulary(path)
