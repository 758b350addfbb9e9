"""A section that another one repeats goes, and the offsets of the others still point right."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi.curate.sections import cut, repeated


def laid_out(parts: list[tuple[str, str]], heading: str = "{}\n", title: str = "") -> tuple:
    """Return a text of named parts, and their sections."""
    text, sections = title, []
    for name, part in parts:
        text += heading.format(name)
        sections.append((name, len(text), len(text) + len(part)))
        text += f"{part}\n\n"
    return text.rstrip("\n"), sections


@pytest.fixture
def lines(make_prose) -> list[str]:
    return make_prose(7, 30).split("\n")


def test_a_summary_in_the_words_of_the_reasons_goes(lines):
    reasons = "\n".join(lines[:20])
    summary = lines[3].replace(" ", "") + "\n" + lines[9]
    assert repeated([lines[3], summary, lines[25], reasons], 0.6) == [0, 1]


def test_what_is_said_only_in_part_stays(lines):
    reasons = "\n".join(lines[:20])
    half = f"{lines[3]}\n{lines[25]}\n{lines[26]}"
    assert repeated([half, reasons], 0.6) == []
    assert repeated([half, reasons], 0.2) == [0]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_that_repeat_each_other_the_longer_stays(lines, order):
    pair = ["\n".join(lines[:4]), "\n".join(lines[:5])]
    body = "\n".join(lines[10:])
    assert repeated([*(pair[place] for place in order), body], 0.6) == [order.index(0)]


def test_equal_sections_leave_the_first(lines):
    body = "\n".join(lines)
    assert repeated(["삭제 <2009.5.21>", lines[0] * 9, "삭제<2009.5.21>", body], 0.6) == [1, 2]


def test_the_body_stays_even_if_a_shorter_section_holds_most_of_it(lines):
    longest = lines[0] * 40
    shorter = "\n".join(lines[:12])
    assert len(longest) > len(shorter)
    assert repeated([shorter, longest], 0.6) == []


def test_what_repeats_a_section_that_goes_itself_is_measured_by_those_that_stay(lines):
    # The first is in the second, the second in the body, but the first is only half in the body.
    first = f"{lines[20]}\n{lines[1]}"
    second = "\n".join([first, *lines[2:7]])
    body = "\n".join(lines[1:15])
    assert repeated([first, second, body], 0.8) == [1]


def test_short_sections_and_single_ones_stay(lines):
    assert repeated(["상고기각", "상고기각", lines[0]], 0.6) == []
    assert repeated([lines[0]], 0.6) == []
    assert repeated([], 0.6) == []


def test_the_words_of_a_form_are_no_repetition(lines):
    form = "\n".join(lines[:6])
    articles = [f"{form}\n{number} {lines[10 + number]}" for number in range(8)]
    assert repeated([*articles, "\n".join(lines) * 2], 0.6) == []


@pytest.mark.parametrize("heading", ["{}\n", "## {}\n\n", "【{}】\n"])
def test_a_heading_goes_with_its_section_and_blank_lines_stay_clean(heading):
    parts = [("판시사항", "가\n나"), ("판결요지", "다"), ("판례내용", "라")]
    text, sections = laid_out(parts, heading, title="상습절도\n\n")
    for removed in ([0], [1], [2], [0, 1], [1, 2], [0, 2]):
        left = [part for number, part in enumerate(parts) if number not in removed]
        wanted, places = laid_out(left, heading, title="상습절도\n\n")
        assert cut(text, sections, removed) == (wanted, places)


def test_a_heading_inside_its_section_and_text_between_sections_are_kept_apart():
    text = "머리말\n판시사항\n가\n\n사이\n\n판결요지\n나\n맺음말"
    sections = [("판시사항", 4, 10), ("판결요지", 16, 22)]
    assert [text[start:end] for _, start, end in sections] == ["판시사항\n가", "판결요지\n나"]
    assert cut(text, sections, [0]) == (
        "머리말\n사이\n\n판결요지\n나\n맺음말",
        [("판결요지", 8, 14)],
    )
    assert cut(text, sections, [1]) == ("머리말\n판시사항\n가\n\n사이\n\n맺음말", sections[:1])


LINE = st.text(alphabet="가나다 \t.", max_size=6)
NAME = st.sampled_from(["판시사항", "판결요지", "이유", "주문"])


@settings(max_examples=150)
@given(st.data())
def test_what_stays_is_untouched_and_pointed_at_wherever_sections_stand(data):
    text, sections = "", []
    for _ in range(data.draw(st.integers(1, 5))):
        text += "".join(line + "\n" for line in data.draw(st.lists(LINE | NAME, max_size=3)))
        name, part = data.draw(NAME), "\n".join(data.draw(st.lists(LINE, min_size=1, max_size=3)))
        sections.append((name, len(text), len(text) + len(part)))
        text += part + "\n"
    text += data.draw(st.sampled_from(["", "\n", "끝"]))
    numbers = range(len(sections))
    removed = [number for number in numbers if data.draw(st.booleans())][: len(sections) - 1]

    shortened, left = cut(text, sections, removed)
    stay = [sections[number] for number in numbers if number not in removed]
    assert [name for name, _, _ in left] == [name for name, _, _ in stay]
    for (_, start, end), (_, old_start, old_end) in zip(left, stay, strict=True):
        assert shortened[start:end] == text[old_start:old_end]
        assert start == 0 or shortened[start - 1] == "\n"
        assert shortened[end : end + 1] in ("", "\n")
    if not removed:
        assert shortened == text
