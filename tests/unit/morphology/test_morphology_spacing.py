"""The repair of spacing: broken blocks only, white space only, and all of it can be undone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kiwipiepy import Kiwi
from malmoi.morphology.changes import Changes, moved, undo
from malmoi.morphology.spacing import (
    broken_blocks,
    has_spaced_syllables,
    lacks_spaces,
    repaired_blocks,
    with_blocks,
)
from morphology_texts import TEXTS

GOOD = "피고는 원고에게 손해를 배상할 책임이 있고, 그 금액은 법원이 정하는 바에 따라야 한다."


def repaired(kiwi: Kiwi, text: str) -> tuple[str, Changes]:
    spans = broken_blocks(text)
    blocks = [text[start:end] for start, end in spans]
    return with_blocks(text, spans, repaired_blocks(kiwi, blocks))


@pytest.mark.parametrize(
    "block",
    [
        "피고는원고에게손해를배상할책임이있고그금액은법원이정하는바에따라야한다고할것이다.",
        "환자는삼일전부터열이나고기침을하였으며가래는없었다고하였고약을먹지는않았다.",
        "피 고 는 원 고 에 게 손 해 를 배 상 할 책 임 이 있 다 .",
    ],
)
def test_a_block_that_lost_its_spacing_gets_it_back(kiwi: Kiwi, block: str) -> None:
    assert lacks_spaces(block) != has_spaced_syllables(block)
    (text,) = repaired_blocks(kiwi, [block])
    assert text.replace(" ", "") == block.replace(" ", "")
    words = text.split()
    assert 2.5 < sum(map(len, words)) / len(words) < 6


@pytest.mark.parametrize(
    "block",
    [
        GOOD,
        "공익사업을위한토지등의취득및보상에관한법률시행규칙",
        "부칙(금융감독기구의설치등에관한법률제정등에따른정비에관한법률) <제1호,1998.1.13>",
        "니코틴산아미드,판토텐산칼슘,피리독신염산염,아스코르브산,토코페롤아세테이트,산화마그네슘",
        "눈, 코, 입, 귀 및 그 밖의 점막에 닿지 않도록 주의한다.",
        "재판장 판사 김 ○ ○",
        "이 유",
        "The quick brown fox jumps over the lazy dog while a b c d e f g h i j k.",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
    ],
)
def test_other_blocks_are_left_alone(kiwi: Kiwi, block: str) -> None:
    assert repaired_blocks(kiwi, [block]) == [block]


def test_only_the_broken_block_of_a_text_changes_and_is_undone(kiwi: Kiwi) -> None:
    broken = GOOD.replace(" ", "").replace(",", "")
    text = f"{GOOD}\n\n  {broken}  \n{GOOD}"
    new, changes = repaired(kiwi, text)
    before, _, middle, after = new.split("\n")
    assert before == after == GOOD
    assert middle.strip().count(" ") >= 8
    assert undo(new, changes) == text


@given(TEXTS)
def test_repair_changes_white_space_alone_and_is_undone_exactly(kiwi: Kiwi, text: str) -> None:
    new, changes = repaired(kiwi, text)
    assert "".join(new.split()) == "".join(text.split())
    assert undo(new, changes) == text
    offsets = moved(range(len(text) + 1), changes, text, new, starts=True).tolist()
    for old, character in enumerate(text):
        assert character.isspace() or new[offsets[old]] == character


@given(st.text("가나다 \u3000\xa0", max_size=30), st.data())
def test_any_other_spacing_of_a_block_is_undone_exactly(text: str, data: st.DataObject) -> None:
    given_block = text.strip()
    gaps = st.sampled_from(("", " ", "  "))
    characters = given_block.split()
    spaced = "".join(
        character + data.draw(gaps) for word in characters for character in word
    ).strip()
    around = "앞 " + given_block + " 뒤"
    new, changes = with_blocks(around, [(2, 2 + len(given_block))], [spaced])
    assert new == f"앞 {spaced} 뒤"
    assert undo(new, changes) == around
    assert all(given_gap.isspace() or not given_gap for given_gap in changes.given)
