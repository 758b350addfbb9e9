"""The learners: pieces stop at morphemes, merges are those of the tokenizers library, ways differ."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from collections import Counter
from itertools import pairwise, product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi.vocab.eojeols import FUNCTIONAL, LEXICAL, Stretches, count_eojeols, words_of
from malmoi.vocab.learners import LEARNERS, parts_of
from malmoi.vocab.merges import Merges
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from vocab_made_text import write_made_segments, write_marked_words


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_made_segments(tmp_path_factory.mktemp("segments") / "0.parquet")


@pytest.fixture(scope="module")
def words(segments: Path) -> Stretches:
    return words_of(count_eojeols([segments], "train"))


def table(tmp_path: Path, *words: str) -> Stretches:
    path = write_marked_words(tmp_path / "0.parquet", words)
    return words_of(count_eojeols([path], "train"))


def test_parts_are_counted_by_position(tmp_path: Path) -> None:
    words = table(tmp_path, "손해|배상+은", "손해+는", "배상+은", "배상+은", "漢|字+은")
    assert parts_of(words, LEXICAL) == {
        "손해": 2, "배상": 2, "##배상": 1, "##은": 3, "##는": 1, "漢": 1, "字": 1, "은": 1,
    }  # fmt: skip
    assert parts_of(words, FUNCTIONAL) == {
        "손해배상": 1, "손해": 1, "배상": 2, "##은": 3, "##는": 1, "漢": 1, "字": 1, "은": 1,
    }  # fmt: skip
    assert parts_of(words, None) == {
        "손해배상은": 1, "손해는": 1, "배상은": 2, "漢": 1, "字": 1, "은": 1,
    }  # fmt: skip


@pytest.mark.parametrize("learner", LEARNERS)
def test_pieces_never_cross_a_boundary(words: Stretches, learner: str) -> None:
    parts = parts_of(words, FUNCTIONAL)
    pieces = LEARNERS[learner](words, FUNCTIONAL, 500, 2)
    assert len(pieces) == len(set(pieces)) == 500
    whole = {part for part in parts if not part.startswith("##")}
    for piece in pieces:
        plain = piece.removeprefix("##")
        assert len(plain) > 1
        if plain == piece:
            assert any(part.startswith(piece) for part in whole)
        else:
            assert any(plain in part.removeprefix("##") for part in parts)


@pytest.mark.parametrize("learner", LEARNERS)
def test_asking_for_more_than_there_is_gives_what_there_is(tmp_path: Path, learner: str) -> None:
    words = table(tmp_path, *["손해+를"] * 3, "배상+은")
    assert LEARNERS[learner](words, LEXICAL, 100, 2) == ["손해"]
    assert LEARNERS[learner](words, LEXICAL, 0, 2) == []


PARTS = st.dictionaries(
    st.text("가나다라마", min_size=1, max_size=6), st.integers(1, 40), min_size=1, max_size=12
)


def merge_naively(parts: dict[str, int], limit: int, likelihood: bool) -> list[str]:
    """Count everything anew for every merge."""
    texts = [
        ([part[0], *("##" + letter for letter in part[1:])], parts[part]) for part in sorted(parts)
    ]
    order = {name: number for number, name in enumerate(sorted({s for t, _ in texts for s in t}))}
    merged: list[str] = []
    while len(merged) < limit:
        uses: Counter[str] = Counter()
        pairs: Counter[tuple[str, str]] = Counter()
        for symbols, count in texts:
            for symbol in symbols:
                uses[symbol] += count
            for pair in pairwise(symbols):
                pairs[pair] += count

        possible = []
        for (left, right), count in pairs.items():
            expected = uses[left] * uses[right] / uses.total()
            score = count * math.log(count / expected) if likelihood else count
            if count >= 2:
                possible.append((-score, order[left], order[right], left, right))
        if not possible:
            break
        left, right = min(possible)[3:]
        new = left + right.removeprefix("##")
        merged.append(new)
        order.setdefault(new, len(order))
        for symbols, _ in texts:
            place = 0
            while place < len(symbols) - 1:
                if symbols[place : place + 2] == [left, right]:
                    symbols[place : place + 2] = [new]
                place += 1
    return merged


@settings(max_examples=60)
@given(PARTS)
def test_frequency_merges_are_those_of_counting_anew(parts: dict[str, int]) -> None:
    merges = Merges(parts, min_frequency=2, likelihood=False)
    assert merges.run(20) == merge_naively(parts, 20, likelihood=False)


def test_frequency_merges_are_those_of_the_tokenizers_library() -> None:
    # Words of few letters share their pairs, and counts are far apart: no two pairs tie for long.
    rng = random.Random(4)
    parts = {"".join(word): rng.randint(1, 3000) for word in product("가나다라", repeat=4)}
    limit, alphabet = 40, 8
    trainer = trainers.WordPieceTrainer(vocab_size=limit + alphabet, show_progress=False)
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.train_from_iterator((" ".join([part] * n) for part, n in parts.items()), trainer)
    ordered = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    assert Merges(parts, min_frequency=2, likelihood=False).run(limit) == [
        piece for piece, _ in ordered[alphabet:]
    ]


def test_likelihood_prefers_what_belongs_together() -> None:
    """``가`` stands before everything and ``각하`` always together, if less often."""
    parts = {"가나": 50, "가다": 45, "나": 400, "##나": 400, "가": 600, "##다": 300, "각하": 40}
    first = {
        likelihood: Merges(parts, min_frequency=2, likelihood=likelihood).run(1)
        for likelihood in (False, True)
    }
    assert first == {False: ["가나"], True: ["각하"]}


def test_first_likelihood_merge_raises_the_likelihood_most() -> None:
    parts = {"가나다": 7, "나다": 12, "라마": 9, "라나": 3, "마다라": 5}
    assert Merges(parts, min_frequency=2, likelihood=True).run(1) == merge_naively(
        parts, 1, likelihood=True
    )


def test_bpe_drops_what_only_led_to_longer_pieces(tmp_path: Path) -> None:
    words = table(tmp_path, *["손해배상"] * 9, *["각하"] * 4)
    assert LEARNERS["frequency"](words, LEXICAL, 4, 2)[2:] == ["손해배상", "각하"]
    assert LEARNERS["bpe"](words, LEXICAL, 4, 2)[:2] == ["손해배상", "각하"]


def test_unigram_takes_what_explains_the_words(tmp_path: Path) -> None:
    words = table(tmp_path, *["손해배상"] * 9, *["손해"] * 9, *["배상"] * 9, *["각하"] * 4)
    assert set(LEARNERS["unigram"](words, LEXICAL, 4, 2)[:4]) >= {"손해", "배상", "각하"}


LEARN = """
import sys
from malmoi.vocab.eojeols import count_eojeols, words_of
from malmoi.vocab.learners import LEARNERS
words = words_of(count_eojeols([sys.argv[1]], "train"))
print([learner(words, 1, 400, 2) for learner in LEARNERS.values()])
"""


def test_other_hash_seeds_give_the_same_pieces(segments: Path, words: Stretches) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(sys.modules["malmoi"].__file__).parent.parent),
        "PYTHONHASHSEED": "3",
    }
    done = subprocess.run(
        [sys.executable, "-c", LEARN, str(segments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    here = [learner(words, LEXICAL, 400, 2) for learner in LEARNERS.values()]
    assert done.stdout == f"{here}\n"
