"""Exchanging pieces: the match is WordPiece's own, and what a piece is worth is exact."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from malmoi.vocab.eojeols import LEXICAL, Stretches, count_eojeols, words_of
from malmoi.vocab.learners import LEARNERS
from malmoi.vocab.matching import Costs, GreedyMatch
from malmoi.vocab.pruning import exchanged
from malmoi.vocab.substrings import LONGEST, Substrings, frequent_substrings
from tokenizers import Tokenizer, models
from vocab_made_text import write_made_segments, write_marked_words

#: Words of few letters, so that pieces overlap; ``|`` and ``+`` are boundaries.
WORDS = st.lists(
    st.from_regex(r"\A[가나다]{1,3}([|+][가나다]{1,2}){0,2}\Z"), min_size=1, max_size=8
)
COSTS = Costs(LEXICAL, token=1, crossed=4, wrong_cut=8)


def table(tmp_path: Path, *words: str) -> Stretches:
    path = write_marked_words(tmp_path / "0.parquet", words)
    return words_of(count_eojeols([path], "train"))


def matched(substrings: Substrings, chosen: np.ndarray, costs: Costs = COSTS) -> GreedyMatch:
    match = GreedyMatch(substrings, costs)
    match.run(chosen)
    return match


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(WORDS, st.integers(1, 3))
def test_substrings_are_all_frequent_ones(tmp_path: Path, marked: list[str], floor: int) -> None:
    words = table(tmp_path, *marked)
    expected: Counter[str] = Counter()
    for text, count in zip(words.texts, words.totals.tolist(), strict=True):
        for start in range(len(text)):
            for end in range(start + 1, len(text) + 1):
                expected["##" * (start > 0) + text[start:end]] += count
    substrings = frequent_substrings(words, floor)
    assert dict(zip(substrings.pieces, substrings.frequencies.tolist(), strict=True)) == {
        piece: count
        for piece, count in expected.items()
        if count >= floor or len(piece.removeprefix("##")) == 1
    }


def test_very_long_words_have_pieces_up_to_a_limit(tmp_path: Path) -> None:
    substrings = frequent_substrings(table(tmp_path, "가" * 40), 1)
    assert substrings.lengths.max() == LONGEST
    match = matched(substrings, np.ones(len(substrings), dtype=bool))
    assert match.measures()["tokens_per_word"] == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(WORDS, st.data())
def test_the_match_is_that_of_wordpiece(
    tmp_path: Path, marked: list[str], data: st.DataObject
) -> None:
    words = table(tmp_path, *marked)
    substrings = frequent_substrings(words, 1)
    chosen = np.array(
        data.draw(st.lists(st.booleans(), min_size=len(substrings), max_size=len(substrings)))
    )
    chosen |= substrings.lengths == 1
    pieces = [piece for piece, there in zip(substrings.pieces, chosen, strict=True) if there]
    ids = {piece: number for number, piece in enumerate(["[UNK]", *pieces])}
    wordpiece = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    match = matched(substrings, chosen)
    uses: Counter[str] = Counter()
    cost = 0
    for text, start, count in zip(words.texts, words.starts, words.totals.tolist(), strict=False):
        encoding = wordpiece.encode(text)
        for token in encoding.tokens:
            uses[token] += count
        begins = [begin for begin, _ in encoding.offsets]
        here = match.reached[start : start + len(text)]
        assert np.flatnonzero(here).tolist() == begins
        levels = words.levels[start : start + len(text)] > 0
        cost += count * (here.sum() + 4 * (levels & ~here).sum() + 8 * (here & ~levels)[1:].sum())
    assert {
        piece: count
        for piece, count in zip(substrings.pieces, match.uses().tolist(), strict=True)
        if count
    } == uses
    assert match.cost() == cost


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(WORDS, st.data())
def test_what_a_piece_is_worth_is_what_the_match_costs_without_it(
    tmp_path: Path, marked: list[str], data: st.DataObject
) -> None:
    substrings = frequent_substrings(table(tmp_path, *marked), 1)
    chosen = np.array(
        data.draw(st.lists(st.booleans(), min_size=len(substrings), max_size=len(substrings)))
    )
    chosen &= substrings.lengths > 1
    match = matched(substrings, chosen)
    numbers, _, saved = match.changes(chosen)
    worth = np.bincount(numbers, saved, len(substrings))
    for number in np.flatnonzero(substrings.lengths > 1).tolist():
        text = substrings.pieces[number].removeprefix("##")
        if len(set(text)) < len(text):
            # A piece that can stand twice in a word decides there twice, and the sum is an estimate.
            continue
        without, there = chosen.copy(), chosen.copy()
        without[number], there[number] = False, True
        difference = matched(substrings, without).cost() - matched(substrings, there).cost()
        assert worth[number] == difference


def test_a_piece_that_swallows_a_josa_leaves(tmp_path: Path) -> None:
    words = table(tmp_path, *["원고+의"] * 9, *["원고+가"] * 9, *["고의"] * 2, *["원고의"] * 2)
    assert set(exchanged(["원고의", "고의"], words, "all", 2, 1)) == {"원고", "고의"}


def test_a_longer_piece_that_forbids_a_wrong_match_comes_in(tmp_path: Path) -> None:
    """Greedy matching would read 피고 and ##인 in the word for the accused."""
    words = table(tmp_path, *["피고+인"] * 2, *["피고인+은"] * 9, *["피고+는"] * 9)
    assert set(exchanged(["피고", "##인은"], words, "all", 2, 1)) == {"피고", "피고인"}


def test_functional_boundaries_let_compounds_merge(tmp_path: Path) -> None:
    words = table(tmp_path, *["손해|배상+을"] * 9)
    assert exchanged([], words, "functional", 1, 1) == ["손해배상"]
    assert set(exchanged(["손해", "##배상"], words, "all", 2, 1)) == {"손해", "##배상"}


def test_no_more_pieces_than_there_is_room(tmp_path: Path) -> None:
    words = words_of(count_eojeols([write_made_segments(tmp_path / "0.parquet")], "train"))
    learned = LEARNERS["frequency"](words, LEXICAL, 200, 2)
    before = frequent_substrings(words, 2)
    chosen = np.isin(before.pieces, learned)
    pieces = exchanged(learned, words, "all", 200, 2)
    assert len(pieces) == len(set(pieces)) <= 200
    assert all(len(piece.removeprefix("##")) > 1 for piece in pieces)
    first = matched(before, chosen).measures()
    after = matched(before, np.isin(before.pieces, pieces)).measures()
    assert after["recall"] >= first["recall"]
    assert after["precision"] > first["precision"]


@pytest.mark.parametrize("words", [(), ("가",), ("가+나",)])
def test_text_with_nothing_to_choose_gives_no_piece(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert exchanged([], table(tmp_path, *words), "all", 5, 2) == []
