"""Segmented text: the marks can be undone whatever the text holds, and BERT keeps them with their words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kiwipiepy import Kiwi
from malmoi.morphology.analyzer import analyze
from malmoi.morphology.changes import undo
from malmoi.morphology.segmented import MARK, joined, moved_analysis, parted, segment_text
from morphology_texts import TEXTS
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer


def test_morphemes_inside_a_word_are_parted_by_a_space_and_a_mark(kiwi: Kiwi) -> None:
    text = "피고가 원고에게 지급했다."
    assert segment_text(kiwi, text) == "피고 ▁가 원고 ▁에게 지급 ▁했 ▁다 ▁."
    assert joined("피고 ▁가 원고 ▁에게 지급 ▁했 ▁다 ▁.") == text


@pytest.mark.parametrize(
    "text", ["", " ", "▁", " ▁", "▁ ", "a▁", "▁▁▁ ▁b", "피고▁에게 ▁ ▁▁", "가 ▁나"]
)
def test_marks_of_the_text_itself_are_undone(kiwi: Kiwi, text: str) -> None:
    assert joined(segment_text(kiwi, text)) == text


@given(TEXTS | st.text("가a▁ \n.", max_size=12))
def test_any_text_comes_back_from_its_segmented_form(kiwi: Kiwi, text: str) -> None:
    (analysis,) = analyze(kiwi, [text])
    new, changes = parted(text, analysis)
    assert new == segment_text(kiwi, text)
    assert joined(new) == text == undo(new, changes)


@given(TEXTS)
def test_offsets_follow_into_the_segmented_text(kiwi: Kiwi, text: str) -> None:
    (analysis,) = analyze(kiwi, [text])
    new, changes = parted(text, analysis)
    followed = moved_analysis(analysis, changes, text, new)
    words = [new[start:end] for start, end in followed.morphemes.tolist()]
    assert "".join(words) == "".join(new.split())
    plain = [text[start:end] for start, end in analysis.morphemes.tolist()]
    bare = [word.replace(MARK, "") for word in words]
    assert bare == [piece.replace(MARK, "") for piece in plain]
    inside = np.flatnonzero(analysis.starts[1:] == analysis.ends[:-1]) + 1
    assert all(words[place].startswith(MARK) for place in inside.tolist())
    assert np.isin(followed.sentence_starts, followed.starts).all()
    assert np.isin(followed.sentence_ends, followed.ends).all()


def test_bert_keeps_the_mark_with_what_follows() -> None:
    normal = BertNormalizer(lowercase=False, strip_accents=False).normalize_str("피고 ▁에게 ▁2심")
    words = [word for word, _ in BertPreTokenizer().pre_tokenize_str(normal)]
    assert words == ["피고", "▁에게", "▁2심"]
