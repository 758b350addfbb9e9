"""The sentences of a block: where Kiwi's are mended, and that they hold every morpheme whatever comes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kiwipiepy import Kiwi
from malmoi.morphology.sentences import sentence_spans
from malmoi.morphology.tags import TAGS, tag_number

Morphemes = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def analysed(kiwi: Kiwi, block: str) -> Morphemes:
    """Return the surface morphemes of a block, those that overlap as one."""
    rows: list[list[int]] = []
    for token in kiwi.tokenize(block):
        end = token.start + token.len
        if rows and token.start < rows[-1][1]:
            rows[-1][1] = max(rows[-1][1], end)
        elif token.len:
            rows.append([token.start, end, tag_number(token.tag), token.sent_position])
    return morphemes(rows)


def morphemes(rows: list[list[int]]) -> Morphemes:
    columns = np.array(rows, dtype=np.int32).reshape(-1, 4)
    return columns[:, 0], columns[:, 1], columns[:, 2].astype(np.uint8), columns[:, 3]


def check(block: str, given_morphemes: Morphemes) -> None:
    starts, ends, _, _ = given_morphemes
    spans = sentence_spans(block, *given_morphemes)
    assert spans.dtype == np.int32 and spans.shape == (len(spans), 2)
    assert np.all(spans[:, 0] < spans[:, 1]) and np.all(spans[1:, 0] >= spans[:-1, 1])
    # Each sentence begins with a morpheme and ends with one, and none is left out or cut.
    assert set(spans[:, 0].tolist()) <= set(starts.tolist())
    assert set(spans[:, 1].tolist()) <= set(ends.tolist())
    owner = np.searchsorted(spans[:, 0], starts, side="right") - 1
    assert np.all(owner >= 0) and np.all(ends <= spans[owner, 1])


@pytest.mark.parametrize(
    "sentences",
    [
        ["대법원 2001. 2. 9. 선고 99다38613 판결 참조.", "그러나 원심은 그렇게 보지 않았다."],
        ["책임이 있다(대법원 2001. 2. 9. 선고 99다38613 판결 참조).", "그러나 금액은 다르다."],
        ["시장은 실태를 조사하여야 한다. <개정 2021. 6. 8.>", "소유자는 이에 협조한다."],
        ["조사의 방법은 규칙으로 정한다. [전문개정 2018. 2. 13.]", "이를 어기면 벌한다."],
        ["갑 회사(이하 '회사'라 한다. 이하 같다)는 물건을 팔았다.", "값은 만 원이다."],
        ["환자는 “아프다. 정말이다.”라고 말하였다.", "열은 없었다."],
        ['증인은 "아홉 시였어요. 비가 왔어요." 하고 답하였다.', "검사는 다시 물었다."],
        ['"다행히 암은 아닙니다.', '걱정하지 마세요."', "그는 숨을 내쉬었다."],
        ["3일 전 내원함.", "약을 쓸 것.", "다시 올 것."],
        ["WBC 14,200/㎕, CRP 12.3 mg/dL.", "복부 CT에서 담석이 보임."],
        ["Both lung fields are clear.", "No evidence of pleural effusion.", "특이 소견 없음."],
        ["자료는 SPSS ver. 25.0으로 살폈다.", "차이는 없었다(Fig. 2)."],
        ["왜 다음 날인가?", "같은 날에는 앞뒤를 가리기 어렵다."],
        ["목록은 아래와 같다. 끝."],
        ["가. 원고는 2019. 3. 4. 돈을 빌렸다.", "이자는 없었다."],
    ],
    ids=lambda sentences: sentences[0],
)
def test_sentences_are_those_a_reader_sees(kiwi: Kiwi, sentences: list[str]) -> None:
    block = " ".join(sentences)
    spans = sentence_spans(block, *analysed(kiwi, block))
    assert [block[start:end] for start, end in spans.tolist()] == sentences


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.one_of(
            st.text(max_size=12),
            st.sampled_from(
                [
                    "참조). ",
                    "2001. 2. 9. ",
                    '"그렇다."',
                    "라고 ",
                    "(이하 같다)",
                    "다. ",
                    "가. ",
                    "끝.",
                ]
            ),
        ),
        max_size=12,
    ).map("".join)
)
def test_every_morpheme_of_kiwi_is_in_a_sentence(kiwi: Kiwi, text: str) -> None:
    block = text.strip()
    check(block, analysed(kiwi, block))


@settings(max_examples=200, deadline=None)
@given(
    st.text(
        alphabet=st.one_of(st.characters(), st.sampled_from(" .?!()<>\"”“'다가1")), max_size=80
    ),
    st.data(),
)
def test_every_made_morpheme_is_in_a_sentence(block: str, data: st.DataObject) -> None:
    rows: list[list[int]] = []
    position = number = 0
    while position < len(block):
        length = data.draw(st.integers(1, 5))
        end = min(len(block), position + length)
        if not block[position:end].strip() or any(map(str.isspace, block[position:end])):
            end = position + 1
        if not block[position].isspace():
            number += data.draw(st.booleans())
            rows.append([position, end, data.draw(st.integers(0, len(TAGS) - 1)), number])
        position = end
    check(block, morphemes(rows))


def test_a_block_without_morphemes_has_no_sentences() -> None:
    assert sentence_spans("", *morphemes([])).shape == (0, 2)
