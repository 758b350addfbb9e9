"""Batches: each instance once per epoch, ranks with equal work, and padded rows equal to packed ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_instances import Maker
from malmoi.instances.loader import (
    IGNORED,
    InstanceStore,
    Rows,
    micro_batches,
    packed,
    padded,
    rank_share,
    step_epochs,
    step_indices,
)

LENGTHS = st.lists(st.integers(5, 128), min_size=1, max_size=200).map(
    lambda lengths: np.array(lengths, dtype=np.int64)
)


@given(st.integers(1, 100), st.integers(1, 64), st.integers(0, 2**31), st.integers(1, 4))
def test_every_instance_comes_once_per_epoch(
    size: int, batch_size: int, seed: int, ranks: int
) -> None:
    draw = np.random.default_rng(seed)
    all_lengths = draw.integers(5, 128, size)
    seen = []
    for step in range(-(-3 * size // batch_size)):
        indices = step_indices(size, step, batch_size, seed, "l64")
        epochs = step_epochs(size, step, batch_size)
        for rank in range(ranks):
            own = rank_share(all_lengths[indices], rank, ranks)
            seen += list(zip(epochs[own].tolist(), indices[own].tolist(), strict=True))
    for epoch in range(3):
        part = sorted(index for at, index in seen if at == epoch)
        assert part == list(range(size))


@given(st.integers(1, 10**6), st.integers(0, 10**9), st.integers(1, 32))
def test_a_step_depends_on_its_number_alone(size: int, step: int, batch_size: int) -> None:
    once = step_indices(size, step, batch_size, 20, "l64")
    assert once.shape == (batch_size,) and once.dtype == np.int64
    assert ((once >= 0) & (once < size)).all()
    assert np.array_equal(once, step_indices(size, step, batch_size, 20, "l64"))
    # Half the batch size takes the same instances in twice the steps.
    halves = [step_indices(size, 2 * step + part, batch_size, 20, "l64") for part in (0, 1)]
    assert np.array_equal(
        np.concatenate(halves), step_indices(size, step, 2 * batch_size, 20, "l64")
    )


@given(LENGTHS, st.integers(1, 8))
def test_ranks_share_a_batch_evenly(lengths: np.ndarray, ranks: int) -> None:
    shares = [rank_share(lengths, rank, ranks) for rank in range(ranks)]
    assert sorted(np.concatenate(shares).tolist()) == list(range(len(lengths)))
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1
    # Two ranks differ by one longest instance at most, whatever the lengths are.
    tokens = [lengths[share].sum() for share in shares]
    assert max(tokens) - min(tokens) <= lengths.max()


@given(LENGTHS, st.integers(1, 4), st.integers(1, 16))
def test_equal_shares_make_equally_many_micro_batches(
    lengths: np.ndarray, ranks: int, size: int
) -> None:
    lengths = np.resize(lengths, ranks * -(-len(lengths) // ranks))
    parts = [micro_batches(lengths, rank, ranks, micro_batch_size=size) for rank in range(ranks)]
    assert len({len(part) for part in parts}) == 1
    assert all(len(one) <= size for part in parts for one in part)
    every = np.concatenate([one for part in parts for one in part])
    assert sorted(every.tolist()) == list(range(len(lengths)))


@given(LENGTHS, st.integers(1, 4), st.integers(128, 2000))
def test_micro_batches_by_tokens_keep_to_them_on_every_rank(
    lengths: np.ndarray, ranks: int, tokens: int
) -> None:
    parts = [
        micro_batches(lengths, rank, ranks, micro_batch_tokens=tokens) for rank in range(ranks)
    ]
    assert len({len(part) for part in parts}) == 1
    assert all(lengths[one].sum() <= tokens for part in parts for one in part)
    every = np.concatenate([one for part in parts for one in part])
    assert sorted(every.tolist()) == list(range(len(lengths)))


def test_micro_batches_take_one_size_and_whole_instances() -> None:
    lengths = np.array([100, 20])
    with pytest.raises(ValueError, match="100 tokens, more than a micro-batch of 99"):
        micro_batches(lengths, 0, 1, micro_batch_tokens=99)
    for sizes in ({}, {"micro_batch_size": 1, "micro_batch_tokens": 128}):
        with pytest.raises(ValueError, match="micro_batch_size or micro_batch_tokens"):
            micro_batches(lengths, 0, 1, **sizes)


@pytest.fixture(scope="module")
def rows_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[int]], Rows]:
    maker = Maker(tmp_path_factory.mktemp("rows"), most=60)
    store = InstanceStore(
        [maker.write("a.arrow", 80)[0], maker.write("b.arrow", 20, label=-100)[0]]
    )
    return lambda indices: store.rows(np.array(indices, dtype=np.int64))


CHOSEN = st.lists(st.integers(0, 99), min_size=1, max_size=12)


@given(CHOSEN, st.integers(0, 100))
def test_packed_rows_are_the_padded_ones(rows_of: Callable, indices: list[int], fill: int) -> None:
    rows = rows_of(indices)
    wide, flat = padded(rows), packed(rows, len(rows.input_ids) + fill)
    inside = wide["attention_mask"] > 0
    total = int(inside.sum())
    for name in ("input_ids", "token_type_ids"):
        assert np.array_equal(wide[name][inside], flat[name][:total])
        assert not wide[name][~inside].any() and not flat[name][total:].any()
        assert wide[name].dtype == flat[name].dtype == np.int32
        assert wide[name].shape[1] % 8 == 0
    labels = np.full(total + fill, IGNORED)
    labels[flat["masked_positions"]] = flat["masked_labels"]
    assert np.array_equal(wide["labels"][inside], labels[:total])
    assert (wide["labels"][~inside] == IGNORED).all() and (labels[total:] == IGNORED).all()
    places = np.nonzero(inside)[1]
    assert np.array_equal(flat["position_ids"][:total], places)
    ends = flat["cu_seqlens"]
    assert ends.dtype == np.int32 and ends[0] == 0 and ends[-1] == total + fill
    assert np.array_equal(np.diff(ends)[: len(indices)], inside.sum(1))
    assert np.diff(ends).max() == flat["max_seqlen"] == inside.sum(1).max()
    assert flat["position_ids"].max() < flat["max_seqlen"]
    for batch in (wide, flat):
        assert batch["next_sentence_label"].tolist() == rows.next_sentence_label.tolist()


@given(CHOSEN, st.data())
def test_a_part_of_rows_is_those_rows(rows_of: Callable, indices: list[int], data) -> None:
    start = data.draw(st.integers(0, len(indices)))
    stop = data.draw(st.integers(start, len(indices)))
    part, alone = packed(rows_of(indices).part(start, stop)), packed(rows_of(indices[start:stop]))
    for name, value in alone.items():
        assert np.array_equal(part[name], value), name


def test_padding_stays_within_the_positions_of_the_model(rows_of: Callable) -> None:
    rows = rows_of(list(range(100)))
    longest = int(rows.lengths.max())
    for multiple, limit, width in (
        (64, longest + 1, longest + 1),
        (64, None, 64),
        (1, 99, longest),
    ):
        assert padded(rows, multiple, limit)["input_ids"].shape[1] == width


def test_packed_rows_must_fit(rows_of: Callable) -> None:
    rows = rows_of([0, 1])
    with pytest.raises(ValueError, match="do not fit into a micro-batch of 9"):
        packed(rows, 9)


def test_a_global_batch_is_the_same_for_any_number_of_ranks(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    store = InstanceStore([maker.write("d.arrow", 300, "dynamic")[0]], maker.vocabulary)

    def content(step: int, ranks: int) -> list[tuple]:
        indices = step_indices(len(store), step, 32, 1, "l64")
        epochs = step_epochs(len(store), step, 32)
        lengths, found = store.lengths(indices), []
        for rank in range(ranks):
            for part in micro_batches(lengths, rank, ranks, micro_batch_size=4):
                rows = store.rows(indices[part], epochs[part], step / 40)
                for number in range(len(rows)):
                    one = packed(rows.part(number, number + 1))
                    found.append(tuple(np.asarray(value).tobytes() for value in one.values()))
        return sorted(found)

    for step in (0, 9, 30):
        assert content(step, 1) == content(step, 2) == content(step, 4)
