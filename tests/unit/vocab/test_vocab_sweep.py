"""Choosing a vocabulary: the frontier, and a sweep over sizes, boundaries and learners."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi.errors import InputError
from malmoi.vocab.sweep import GOALS, on_frontier, sweep
from vocab_made_text import lay_out, made_sentences, write_segments


def table(*rows: tuple[float | None, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(GOALS))


def test_the_frontier_is_what_no_row_beats() -> None:
    rows = table(
        (2.0, 0.95, 0.0),  # the best boundaries
        (1.5, 0.60, 0.0),  # the shortest
        (2.1, 0.95, 0.0),  # longer than the first, otherwise the same
        (1.6, 0.60, 0.0),  # longer than the second
        (2.1, 0.90, 0.0),  # worse than the first in two ways
        (1.8, 0.80, 0.1),  # between both
        (1.9, 0.70, 0.0),  # worse than that, but for [UNK]
        (None, None, None),  # no vocabulary
        (2.0, 0.95, 0.0),  # as good as the first
    )
    expected = [True, True, False, False, False, True, True, False, True]
    assert on_frontier(rows).tolist() == expected


def test_fewer_unknown_tokens_are_a_reason_of_their_own() -> None:
    assert on_frontier(table((2.0, 0.9, 0.1), (2.5, 0.8, 0.0))).tolist() == [True, True]
    # What hardly ever happens is none.
    assert on_frontier(table((2.0, 0.9, 0.0004), (2.5, 0.8, 0.0001))).tolist() == [True, False]
    assert on_frontier(table()).tolist() == []


VALUE = st.integers(0, 4).map(float)


@given(st.lists(st.tuples(VALUE, VALUE, VALUE), min_size=1, max_size=12))
def test_whatever_is_not_on_the_frontier_is_beaten_by_something_on_it(
    rows: list[tuple[float, float, float]],
) -> None:
    costs = [(tokens, -f1, unknown) for tokens, f1, unknown in rows]
    frontier = on_frontier(table(*rows))
    assert frontier.any()
    best = [cost for cost, is_best in zip(costs, frontier, strict=True) if is_best]
    for cost, is_best in zip(costs, frontier, strict=True):
        beaten = any(
            other != cost and all(a <= b for a, b in zip(other, cost, strict=True))
            for other in best
        )
        assert beaten != is_best


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    sentences = made_sentences(700, 20)
    documents = [lay_out(sentences[start::40]) for start in range(40)]
    for number, document in enumerate(documents):
        document["split"] = "validation" if number % 8 == 0 else "train"
    return [write_segments(tmp_path_factory.mktemp("segments") / "0.parquet", documents)]


def swept(segments: list[Path], output: Path, sizes: list[int], **changes: object) -> pd.DataFrame:
    plainly: dict = {
        **{"sample_mb": 100.0, "min_frequency": 2, "reserved": 0, "prune": False, "seed": 20},
        **{"output_csv": output / "frontier.csv", "output_png": output / "frontier.png"},
    }
    sweep(segments, sizes, ["none", "all"], ["frequency"], **(plainly | changes))
    return pd.read_csv(output / "frontier.csv", keep_default_na=False, na_values={"f1": [""]})


def test_a_sweep_measures_every_combination(
    segments: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="malmoi")
    rows = swept(segments, tmp_path / "one", [256, 384, 128_000])
    assert list(zip(rows["boundaries"], rows["size"], strict=True)) == [
        (boundaries, size) for boundaries in ("none", "all") for size in (256, 384, 128_000)
    ]
    learned = rows[rows["size"] < 1000]
    assert (learned["skipped"] == "").all()
    none, every = (learned[learned["boundaries"] == name] for name in ("none", "all"))
    assert every["f1"].min() > none["f1"].max()
    assert learned["frontier"].any()
    assert (rows["frontier"][rows["size"] == 128_000] == False).all()  # noqa: E712
    assert rows["skipped"].str.contains("vocabulary.size").sum() == 2
    assert "tokens_per_eojeol" in caplog.text
    assert (tmp_path / "one" / "frontier.png").read_bytes().startswith(b"\x89PNG")
    swept(segments, tmp_path / "two", [256, 384, 128_000])
    for name in ("frontier.csv", "frontier.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_no_combination_at_all_says_why(segments: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no combination can be learned; vocabulary\.size"):
        swept(segments, tmp_path, [128_000])


def test_nothing_to_measure_on_says_the_cure(segments: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no document is in the test split"):
        swept(segments, tmp_path, [384], split="test")
