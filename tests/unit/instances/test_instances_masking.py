"""Masks: the share, 80/10/10 per unit, whole units only, and never a special token."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances_made_tokens import (
    CLS,
    FIRST,
    MASK,
    PAD,
    SEP,
    UNK,
    Built,
    Document,
    build,
    random_ends,
    write_tokens,
    write_vocabulary,
)
from malmoi import sampling
from malmoi.instances.masking import budgets, choose_units

SIZE = 5000
DOCUMENTS, TOKENS = 100, 1500
UNIT_BITS = {"piece": 0, "eojeol": 1, "morpheme": 2}


def made_document(rng: np.random.Generator, unknown: float = 0.01) -> Document:
    """A document whose tokens tell their unit: words of one to five pieces, morphemes of one to three."""
    ids = rng.integers(FIRST, SIZE, size=TOKENS)
    ids[rng.random(TOKENS) < unknown] = UNK
    words = np.zeros(TOKENS, dtype=int)
    opens = np.cumsum([0, *rng.integers(1, 6, size=TOKENS)])
    words[opens[opens < TOKENS]] = 1
    morphemes = words | (rng.random(TOKENS) < 0.4)
    return Document(
        ids.tolist(), random_ends(rng, TOKENS, 20), (words + 2 * morphemes).astype(int).tolist()
    )


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[Document]]:
    folder = tmp_path_factory.mktemp("tokens")
    rng = np.random.default_rng(20)
    documents = [made_document(rng) for _ in range(DOCUMENTS)]
    tokens = write_tokens(folder / "0000.arrow", documents, SIZE)
    return tokens, write_vocabulary(folder / "vocab.txt", SIZE), documents


@pytest.fixture(scope="module", params=["piece", "eojeol", "morpheme"])
def built(
    request: pytest.FixtureRequest,
    corpus: tuple[Path, Path, list[Document]],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Built]:
    folder = tmp_path_factory.mktemp(request.param)
    return request.param, build(
        folder, [corpus[0]], corpus[1], masking_unit=request.param, max_seq_length=128
    )


Units = list[tuple[np.ndarray, np.ndarray, np.ndarray]]


@pytest.fixture(scope="module")
def units(built: tuple[str, Built], corpus: tuple[Path, Path, list[Document]]) -> Units:
    return masked_units(*built, corpus[2])


def masked_units(unit: str, built: Built, documents: list[Document]) -> Units:
    """Return (original ids, seen ids, masked or not) of every unit of every instance."""
    # Runs of ids are searched in the documents to find the unit marks of each segment.
    starts = {}
    for document in documents:
        ids = np.array(document.ids)
        for place in range(len(ids) - 2):
            starts.setdefault(ids[place : place + 3].tobytes(), (document, place))
    found = []
    for row in built.rows():
        seen = np.array(row["input_ids"])
        original, masked = seen.copy(), np.zeros(len(seen), dtype=bool)
        original[row["mlm_positions"]] = row["mlm_labels"]
        masked[row["mlm_positions"]] = True
        types = np.array(row["token_type_ids"])
        for begin, end in (
            (1, int((types == 0).sum()) - 1),
            (int((types == 0).sum()), len(seen) - 1),
        ):
            if end - begin < 3:
                continue
            document, place = starts[original[begin : begin + 3].tobytes()]
            taken = slice(place, place + end - begin)
            assert list(document.ids[taken]) == original[begin:end].tolist()
            opens = np.ones(end - begin, dtype=bool)
            if UNIT_BITS[unit]:
                opens = (np.array(document.units[taken]) & UNIT_BITS[unit]) > 0
            opens[0] = True
            bounds = [*np.flatnonzero(opens).tolist(), end - begin]
            for first, last in pairwise(bounds):
                part = slice(begin + first, begin + last)
                found.append((original[part], seen[part], masked[part]))
    return found


def test_units_are_masked_whole_and_special_tokens_never(
    built: tuple[str, Built], units: Units
) -> None:
    unit, instances = built
    for row in instances.rows():
        assert not set(row["mlm_labels"]) & {PAD, UNK, CLS, SEP, MASK}
        drawn = set(np.array(row["input_ids"])[row["mlm_positions"]].tolist())
        assert not drawn & {PAD, UNK, CLS, SEP}
        assert row["mlm_positions"] == sorted(set(row["mlm_positions"]))
    sizes = []
    for original, _, masked in units:
        assert masked.all() or not masked.any()
        if (original == UNK).any():
            assert not masked.any()
        if masked.any():
            sizes.append(len(original))
    assert max(sizes) == 1 if unit == "piece" else max(sizes) > 2


def test_four_fifths_become_mask_a_tenth_random_a_tenth_stay_per_unit(units: Units) -> None:
    fates = []
    for original, seen, masked in units:
        if masked.any():
            if (seen == MASK).any():
                assert (seen == MASK).all()
                fates.append("mask")
            else:
                fates.append("same" if (seen == original).all() else "random")
    count = len(fates)
    assert count > 5_000
    for name, share in (("mask", 0.8), ("random", 0.1), ("same", 0.1)):
        # 4 standard errors: a right implementation fails once in 16,000 seeds.
        error = 4 * np.sqrt(share * (1 - share) / count)
        assert abs(fates.count(name) / count - share) < error + 1 / SIZE


def test_masked_share_is_near_the_rate(built: tuple[str, Built]) -> None:
    rows = built[1].rows()
    tokens = sum(len(row["input_ids"]) - 3 for row in rows)
    masked = sum(len(row["mlm_labels"]) for row in rows)
    # The random rounding has a standard error under 0.5 / (128 sqrt(instances)) = 0.0001; whole units that do
    # not fit, and pairs too short for less than one mask, move the share a little further.
    assert abs(masked / tokens - 0.15) < (0.0006 if built[0] == "piece" else 0.002)


def test_random_pieces_are_drawn_from_the_whole_vocabulary(built: tuple[str, Built]) -> None:
    drawn = []
    for row in built[1].rows():
        seen = np.array(row["input_ids"])[row["mlm_positions"]]
        drawn += seen[(seen != np.array(row["mlm_labels"])) & (seen != MASK)].tolist()
    assert min(drawn) >= FIRST and max(drawn) < SIZE
    # Of n uniform draws, quarter by quarter, each count is within 5 standard errors of n / 4.
    counts = np.histogram(drawn, bins=4, range=(FIRST, SIZE))[0]
    assert (abs(counts - len(drawn) / 4) < 5 * np.sqrt(len(drawn) * 3 / 16)).all()


def test_special_tokens_written_out_in_a_text_are_no_targets(tmp_path: Path) -> None:
    ids = [PAD, UNK, CLS, SEP, MASK, FIRST] * 200
    tokens = write_tokens(tmp_path / "0000.arrow", [Document(ids), Document(ids)], 100)
    vocabulary = write_vocabulary(tmp_path / "vocab.txt", 100)
    rows = build(tmp_path / "out", [tokens], vocabulary, masking_unit="piece").rows()
    labels = {label for row in rows for label in row["mlm_labels"]}
    assert labels == {FIRST}


@given(
    st.lists(st.lists(st.integers(1, 6), max_size=12), min_size=1, max_size=6),
    st.lists(st.integers(0, 12), min_size=6, max_size=6),
    st.integers(0, 2**64 - 1),
)
def test_units_are_taken_in_random_order_as_far_as_they_fit(
    lengths: list[list[int]], limits: list[int], stream: int
) -> None:
    flat = np.array([length for unit in lengths for length in unit], dtype=np.int64)
    instance = np.repeat(np.arange(len(lengths)), [len(unit) for unit in lengths])
    chosen = choose_units(flat, instance, np.array(limits[: len(lengths)]), stream)
    expected = set()
    draws = sampling.bits(stream, np.arange(len(flat)))
    for number in range(len(lengths)):
        left = limits[number]
        for unit in sorted(np.flatnonzero(instance == number), key=lambda unit: draws[unit]):
            if flat[unit] <= left:
                expected.add(int(unit))
                left -= flat[unit]
    assert set(np.flatnonzero(chosen).tolist()) == expected


def test_budgets_are_right_on_average_and_never_nothing() -> None:
    tokens = np.full(20_000, 23)
    drawn = budgets(tokens, 0.15, 7)
    assert set(drawn.tolist()) == {3, 4}
    # The fraction .45 with a standard error of 0.0035.
    assert abs(drawn.mean() - 3.45) < 0.015
    assert (budgets(np.array([1, 2, 3]), 0.01, 7) == 1).all()
