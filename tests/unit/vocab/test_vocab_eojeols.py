"""The table of eojeols: its words are those of BERT's own tokenizer, its boundaries those of the file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from malmoi.vocab.eojeols import (
    FUNCTIONAL,
    INSIDE,
    LEXICAL,
    Stretches,
    count_eojeols,
    words_of,
)
from malmoi.vocab.words import normalizer
from tokenizers import pre_tokenizers
from vocab_made_text import plain, write_segments

NORMALIZER, BERT = normalizer(), pre_tokenizers.BertPreTokenizer()

#: Hangul, jamo, hanja of several blocks, Latin, digits, punctuation, white space, invisible characters.
CHARACTERS = st.sampled_from(
    "가나다각뷁에게은을하였ㄱㅏ\u1100\u1161漢字學\u3400\uf900aBé\u0301019.,()「」ㆍ·①㎎~ \t\n\r\u3000\xa0\u2028"
    "\x00\x0b\x1c\x85\xad\u200b\u200d\ufeff\ufffd\ue000\ue001\ue002"
    "\U0001f600\U00020000\U0002a700\U0002b820\U0002b920\U0002f800\U000f0041\U0010ffff"
)
TEXTS = st.text(CHARACTERS | st.characters(exclude_categories=["Cs"]), max_size=40)


def bert_words(text: str) -> list[str]:
    return [word for word, _ in BERT.pre_tokenize_str(NORMALIZER.normalize_str(text))]


def counted(table: Stretches) -> Counter[str]:
    result: Counter[str] = Counter()
    for text, count in zip(table.texts, table.totals.tolist(), strict=True):
        result[text] += count
    return result


def parts(table: Stretches) -> dict[str, int]:
    """Return each stretch, ``|`` before lexical and ``+`` before function morphemes, with its count."""
    sign = {INSIDE: "", LEXICAL: "|", FUNCTIONAL: "+"}
    result = {}
    for text, start, count in zip(table.texts, table.starts, table.totals, strict=False):
        levels = table.levels[start : start + len(text)]
        marked = "".join(sign[level] + letter for level, letter in zip(levels, text, strict=True))
        result[marked] = int(count)
    return result


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(TEXTS, min_size=1, max_size=3), st.sets(st.integers(0, 39)), st.data())
def test_words_are_those_of_bert(
    tmp_path: Path, texts: list[str], places: set[int], data: st.DataObject
) -> None:
    documents = []
    for text in texts:
        starts = sorted(place for place in places if place < len(text))
        tags = data.draw(st.lists(st.integers(0, 40), min_size=len(starts), max_size=len(starts)))
        morphemes = {"morpheme_starts": starts, "morpheme_ends": starts, "morpheme_tags": tags}
        documents.append({**plain(text), **morphemes})
    eojeols = count_eojeols([write_segments(tmp_path / "0.parquet", documents)], "train")
    expected = Counter(word for text in texts for word in bert_words(text))
    assert counted(words_of(eojeols)) == expected
    joined = "".join(sorted("".join(expected.elements())))
    assert "".join(sorted("".join(counted(eojeols).elements()))) == joined


def document(text: str, boundaries: dict[int, int]) -> dict:
    return {
        **plain(text),
        "morpheme_starts": list(boundaries),
        "morpheme_ends": [place + 1 for place in boundaries],
        "morpheme_tags": list(boundaries.values()),
    }


NOUN, JOSA = 1, 15


@pytest.mark.parametrize(
    ("text", "boundaries", "expected"),
    [
        ("피고에게 책임을", {0: NOUN, 2: JOSA, 5: NOUN, 7: JOSA}, {"피고+에게", "책임+을"}),
        ("손해배상", {0: NOUN, 2: NOUN}, {"손해|배상"}),
        ("원고의", {}, {"원고의"}),
        # Punctuation and hanja are words of their own, so what follows them needs no mark.
        ("民法은", {0: NOUN, 2: JOSA}, {"民", "法", "은"}),
        ("(갑)이", {0: NOUN, 1: NOUN, 2: NOUN, 3: JOSA}, {"(", "갑", ")", "이"}),
        # An invisible character is gone before BERT sees the word; a boundary after it stays in place.
        ("피고\u200b에게", {0: NOUN, 3: JOSA}, {"피고+에게"}),
        # A boundary at the invisible character itself is one at the next visible one.
        ("피고\u200b에게", {0: NOUN, 2: JOSA}, {"피고+에게"}),
        ("피고\u200b에게", {0: NOUN, 2: NOUN, 3: JOSA}, {"피고+에게"}),
        ("가\u200b 나에", {0: NOUN, 1: NOUN, 3: NOUN, 4: JOSA}, {"가", "나+에"}),
        ("약😀을", {0: NOUN, 1: NOUN, 2: JOSA}, {"약|😀+을"}),
    ],
)
def test_boundaries_inside_words(
    tmp_path: Path, text: str, boundaries: dict[int, int], expected: set[str]
) -> None:
    path = write_segments(tmp_path / "0.parquet", [document(text, boundaries)])
    assert set(parts(words_of(count_eojeols([path], "train")))) == expected


def test_the_same_word_with_other_morphemes_is_another(tmp_path: Path) -> None:
    texts = [document("이의 이의", {0: NOUN, 1: JOSA, 3: NOUN}), document("이의", {0: NOUN})]
    table = count_eojeols([write_segments(tmp_path / "0.parquet", texts)], "train")
    assert parts(table) == {"이의": 2, "이+의": 1}


def test_counts_are_by_domain_and_split(tmp_path: Path) -> None:
    documents = [
        plain("약을 먹는다"),
        {**plain("약을 약을"), "domain": "medical"},
        {**plain("약을"), "split": "test"},
    ]
    paths = [
        write_segments(tmp_path / f"{number}.parquet", [each])
        for number, each in enumerate(documents)
    ]
    table = count_eojeols(paths, "train")
    assert table.domains == ("legal", "medical")
    assert dict(zip(table.texts, table.counts.tolist(), strict=True)) == {
        "먹는다": [1, 0],
        "약을": [1, 2],
    }
    other = count_eojeols(paths[::-1], "train")
    for name in ("characters", "levels", "starts", "counts"):
        assert np.array_equal(getattr(table, name), getattr(other, name))
    assert len(count_eojeols(paths, "validation")) == 0
    assert len(words_of(count_eojeols(paths, "validation"))) == 0


def test_the_documents_counted_can_be_chosen(tmp_path: Path) -> None:
    path = write_segments(tmp_path / "0.parquet", [plain("하나"), plain("둘"), plain("셋")])
    asked: list[str] = []

    def keep(doc_ids: list[str], domain: str) -> np.ndarray:
        asked.append(domain)
        return np.arange(len(doc_ids)) == 1

    assert count_eojeols([path], "train", keep).texts == ["둘"]
    assert asked == ["legal"]
