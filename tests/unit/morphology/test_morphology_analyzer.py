"""Kiwi's sentences and morphemes as offsets: they rebuild any text, and are the same in any company."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kiwipiepy import Kiwi
from malmoi.errors import InputError
from malmoi.morphology.analyzer import Analysis, analyze, analyzer_identity, load_analyzer
from malmoi.morphology.dictionary import Dictionary
from malmoi.morphology.packed import pack, unpack
from malmoi.morphology.surface import Pieces, surface_pieces, white_space
from malmoi.morphology.tags import TAGS
from morphology_texts import TEXTS


def pieces(text: str, analysis: Analysis) -> list[str]:
    return [text[start:end] for start, end in analysis.morphemes.tolist()]


def sentences(text: str, analysis: Analysis) -> list[str]:
    return [text[start:end] for start, end in analysis.sentences.tolist()]


@given(st.lists(TEXTS, max_size=3))
def test_offsets_rebuild_any_text(kiwi: Kiwi, texts: list[str]) -> None:
    for text, analysis in zip(texts, analyze(kiwi, texts), strict=True):
        rebuilt, position = "", 0
        for start, end in analysis.morphemes.tolist():
            assert not text[position:start].strip() and start < end
            rebuilt += text[position:start] + text[start:end]
            position = end
        assert rebuilt + text[position:] == text
        assert not text[position:].strip()
        assert not any(
            character.isspace() for piece in pieces(text, analysis) for character in piece
        )
        assert len(analysis.tags) == len(analysis.morphemes)


@given(TEXTS)
def test_sentences_are_in_order_and_end_at_newlines(kiwi: Kiwi, text: str) -> None:
    (analysis,) = analyze(kiwi, [text])
    spans = analysis.sentences.tolist()
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    assert not any("\n" in sentence for sentence in sentences(text, analysis))


@given(TEXTS, TEXTS)
def test_a_text_is_analysed_alike_alone_and_in_company(kiwi: Kiwi, first: str, second: str) -> None:
    (alone,) = analyze(kiwi, [first])
    _, among = analyze(kiwi, [second, first])
    assert np.array_equal(alone.morphemes, among.morphemes)
    assert np.array_equal(alone.tags, among.tags)
    assert np.array_equal(alone.sentences, among.sentences)


def test_morphemes_that_overlap_become_one_surface_piece(kiwi: Kiwi) -> None:
    text = "피고가 원고에게 지급했다."
    (analysis,) = analyze(kiwi, [text])
    assert pieces(text, analysis) == ["피고", "가", "원고", "에게", "지급", "했", "다", "."]
    tags = [TAGS[number] for number in analysis.tags.tolist()]
    assert tags == ["NNG", "JKS", "NNG", "JKB", "NNG", "XSV", "EF", "SF"]


@pytest.mark.parametrize(
    "before", ["😀 ", "𠀀漢字 ", "👨‍👩‍👧 🇰🇷 ", "ㅋㅋ ㅠ ", "\U0010ffff ", "각 ", "값이 "]
)
def test_offsets_count_code_points(kiwi: Kiwi, before: str) -> None:
    text = "피고가 원고에게 지급했다. 환자는 좋아졌다."
    (plain,) = analyze(kiwi, [text])
    (behind,) = analyze(kiwi, [before + text])
    assert pieces(before + text, behind)[-len(plain.tags) :] == pieces(text, plain)


def test_a_newline_ends_a_sentence(kiwi: Kiwi) -> None:
    text = "주문\n상고를 기각한다. 비용은 원고가 부담한다.\n\n  이유  \n끝."
    (analysis,) = analyze(kiwi, [text])
    assert sentences(text, analysis) == [
        "주문",
        "상고를 기각한다.",
        "비용은 원고가 부담한다.",
        "이유",
        "끝.",
    ]


def test_repeated_paragraphs_are_analysed_alike(kiwi: Kiwi) -> None:
    paragraph = "이 약은 😀 식후에 복용하였다. 2주 뒤에 다시 왔다."
    text = f"{paragraph}\n다른 문장이다.\n{paragraph}"
    (analysis,) = analyze(kiwi, [text])
    shift = text.rindex(paragraph)
    for spans in (analysis.sentences, analysis.morphemes):
        first = spans[spans[:, 1] <= len(paragraph)]
        second = spans[spans[:, 0] >= shift]
        assert len(first) and np.array_equal(first + shift, second)


def test_texts_without_content_have_no_morphemes(kiwi: Kiwi) -> None:
    assert analyze(kiwi, []) == []
    for analysis in analyze(kiwi, ["", "\n\n", " \u3000\t"]):
        assert analysis.morphemes.shape == analysis.sentences.shape == (0, 2)
        assert analysis.tags.shape == (0,)


def test_white_space_is_what_python_says_it_is() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert white_space(every).tolist() == [character.isspace() for character in every]


@given(st.data())
def test_any_morphemes_give_pieces_that_rebuild_the_text(data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.text("가나 \n", min_size=1, max_size=8), min_size=1, max_size=3))
    spans = [
        data.draw(st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, 3)), max_size=5))
        for text in texts
    ]
    numbers = np.array([number for places in spans for number, _ in enumerate(places)])
    flat = np.array([span for places in spans for span in places], dtype=np.int64).reshape(-1, 2)
    found = surface_pieces(
        texts,
        np.array([len(places) for places in spans]),
        flat[:, 0],
        flat[:, 1],
        np.full(len(flat), 3),
        numbers.astype(np.int32),
    )
    limits = np.cumsum(found.counts)
    for text, first, last in zip(texts, limits - found.counts, limits, strict=True):
        starts, ends = found.starts[first:last].tolist(), found.ends[first:last].tolist()
        parts = [text[start:end] for start, end in zip(starts, ends, strict=True)]
        assert "".join(parts) == "".join(text.split()) and all(parts)
        assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    assert len(found.numbers) == len(found.tags) == len(found.starts)


@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from((0, 1, 255, 256, 70_000)), st.integers(1, 300), st.booleans())
        ),
        max_size=4,
    )
)
def test_packed_pieces_come_back_as_they_were(blocks: list[list[tuple[int, int, bool]]]) -> None:
    starts, ends, numbers = [], [], []
    for block in blocks:
        position = number = 0
        for gap, length, new in block:
            number += new
            starts.append(position + gap)
            position += gap + length
            ends.append(position)
            numbers.append(number)
    tags = np.arange(len(starts), dtype=np.uint8) % len(TAGS)
    counts = np.array([len(block) for block in blocks], dtype=np.int64)
    given_pieces = Pieces(
        *(np.array(a, np.int32) for a in (starts, ends)), tags, np.array(numbers), counts
    )
    back = unpack(pack(given_pieces))
    assert back.starts.tolist() == starts and back.ends.tolist() == ends
    assert np.array_equal(back.tags, tags) and np.array_equal(back.counts, counts)
    limits = np.cumsum(counts)
    for first, last in zip(limits - counts, limits, strict=True):
        assert np.array_equal(np.diff(back.numbers[first:last]), np.diff(numbers[first:last]))


@pytest.mark.parametrize("value", ["none", "None", " NONE "])
def test_the_setting_that_changes_results_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("KIWI_ARCH_TYPE", value)
    with pytest.raises(InputError, match=r"KIWI_ARCH_TYPE=none.*unset"):
        load_analyzer(1)


def test_the_identity_names_what_decides_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = analyzer_identity()
    assert identity["kiwipiepy"] and identity["kiwipiepy_model"]
    assert identity["model_type"] == "cong"
    other = analyzer_identity(Dictionary((("구상금", "NNG", 0.0),)))
    assert other["words"] == 1 and other["dictionary"] != identity["dictionary"]
    # Two machines whose processors differ must write the same bytes.
    monkeypatch.setenv("KIWI_ARCH_TYPE", "sse4_1")
    assert analyzer_identity() == identity
