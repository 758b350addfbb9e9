"""The term lists and patterns that come with malmoi: what they keep whole, and what they must leave alone."""

from __future__ import annotations

import pytest
from kiwipiepy import Kiwi
from malmoi.morphology.analyzer import load_analyzer
from malmoi.morphology.dictionary import BUILT_IN, Dictionary, built_in
from malmoi.morphology.regression import broken, expectation, expectations
from morphology_repairs import REPAIRS

REPAIRED = [expectation(sentence, wanted) for sentence, wanted in REPAIRS]


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    """Both lists and all patterns, as the configuration has them by default."""
    return built_in(BUILT_IN, patterns=True)


@pytest.fixture(scope="module")
def informed(dictionary: Dictionary) -> Kiwi:
    """Kiwi with that dictionary."""
    return load_analyzer(1, dictionary)


def test_what_kiwi_takes_apart_comes_out_right(kiwi: Kiwi, informed: Kiwi) -> None:
    assert [fault for fault in broken(informed, REPAIRED) if fault] == []
    # Without the dictionary most of it does not, so that this says something.
    assert sum(map(bool, broken(kiwi, REPAIRED))) > len(REPAIRED) / 2


def test_every_regression_sentence_is_read_as_it_must_be(informed: Kiwi) -> None:
    assert [fault for fault in broken(informed, expectations()) if fault] == []


def test_a_regression_sentence_that_is_read_otherwise_is_told(kiwi: Kiwi) -> None:
    missed = expectation("구상금을 달라고 하였다.", "구상금/NNG 을/JKO")
    (fault,) = broken(kiwi, [missed])
    assert fault.startswith("구상/NNG 금/")
    assert broken(kiwi, [expectation("구상금을 달라고 하였다.", "을/JKO 달")]) == [""]
    assert broken(kiwi, [expectation("구상금을 달라고 하였다.", "을/JKS")]) != [""]


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_list_can_be_had_without_the_other(name: str, dictionary: Dictionary) -> None:
    words = built_in([name], patterns=False)
    assert len(words.words) > 1000 and not words.patterns
    assert set(words.words) <= set(dictionary.words)
