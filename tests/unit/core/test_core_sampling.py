"""Draws depend on the key and the counter alone, and look random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi.sampling import Permutation, below, bits, key, uniform
from scipy.stats import chisquare

#: A right generator fails a test at this level once in a million keys; the keys here are fixed.
LEVEL = 1e-6

KEYS = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize("purpose", ["split", "mask", "pairs", "order"])
def test_uniform_is_uniform(purpose):
    draws = uniform(key(20, purpose), np.arange(200_000))
    assert draws.min() >= 0
    assert draws.max() < 1
    assert chisquare(np.histogram(draws, 256, (0, 1))[0]).pvalue > LEVEL


def test_neighbouring_counters_are_independent():
    draws = uniform(key(20, "pairs"), np.arange(200_000))
    table = np.histogram2d(draws[:-1], draws[1:], 16, [(0, 1), (0, 1)])[0]
    assert chisquare(table.ravel()).pvalue > LEVEL


def test_streams_of_neighbouring_seeds_are_independent():
    first, second = (uniform(key(seed, "mask"), np.arange(200_000)) for seed in (1, 2))
    table = np.histogram2d(first, second, 16, [(0, 1), (0, 1)])[0]
    assert chisquare(table.ravel()).pvalue > LEVEL


def test_every_bit_is_set_half_of_the_time():
    drawn = bits(key(20, "bits"), np.arange(100_000))
    for place in range(64):
        ones = int((drawn >> np.uint64(place) & np.uint64(1)).sum())
        assert chisquare([ones, 100_000 - ones]).pvalue > LEVEL


@given(KEYS, st.lists(st.integers(0, 2**63 - 1), max_size=20), st.integers(1, 2**40))
def test_a_draw_depends_on_its_own_counter_alone(stream, counters, bound):
    whole = below(stream, np.array(counters, dtype=np.int64), bound)
    assert whole.dtype == np.int64
    assert ((whole >= 0) & (whole < bound)).all()
    alone = [below(stream, np.array([counter], dtype=np.int64), bound)[0] for counter in counters]
    assert whole.tolist() == alone


def test_draws_stay_what_they_were():
    # Splits, masks and orders of everything made so far hang on these values.
    assert key(20, "split", "2020다1") == 9924553695285279218


def test_a_stream_is_splitmix64():
    # The first numbers of the reference implementation by Vigna for the seed 1234567.
    assert bits(1234567, np.arange(5)).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@given(st.integers(0, 99), st.lists(st.text(alphabet="ab1", max_size=3), max_size=3))
def test_a_key_tells_its_parts_apart(seed, purpose):
    assert 0 <= key(seed, *purpose) < 2**64
    assert key(seed, *purpose) == key(seed, *purpose)
    assert key(seed, *purpose) != key(seed, *purpose, "")
    assert key(seed, *purpose) != key(seed + 1, *purpose)


@given(st.integers(1, 3000), KEYS)
def test_a_permutation_gives_each_item_once(size, stream):
    order = Permutation(size, stream)(np.arange(size))
    assert order.dtype == np.int64
    assert np.array_equal(np.sort(order), np.arange(size))


@given(st.integers(1, 2**48), KEYS, st.data())
def test_an_item_does_not_depend_on_which_others_are_asked_for(size, stream, data):
    places = data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=8, unique=True))
    order = Permutation(size, stream)
    together = order(np.array(places))
    assert len(set(together.tolist())) == len(places)
    assert ((together >= 0) & (together < size)).all()
    assert [order(np.array([place]))[0] for place in places] == together.tolist()


def test_every_item_comes_first_equally_often():
    size, keys = 10, 5_000
    first = [Permutation(size, key(1, number))(np.array([0]))[0] for number in range(keys)]
    assert chisquare(np.bincount(first, minlength=size)).pvalue > LEVEL


def test_a_permutation_refuses_what_it_does_not_hold():
    with pytest.raises(ValueError, match="at least one item"):
        Permutation(0, 1)
    with pytest.raises(IndexError, match="position 5 of a permutation of 5"):
        Permutation(5, 1)(np.array([5]))
