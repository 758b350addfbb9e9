"""Lines broken to a width are joined and running lines go, and nothing that only looks like either."""

import textwrap
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi.text.repair import normalize_text

PARAGRAPHS = [
    "임차인은 계약이 끝나기 두 달 전까지 갱신을 요구할 수 있고 임대인은 정당한 까닭이 없으면 이를 거절하지 "
    "못하며 이때 보증금과 차임은 스무 분의 일을 넘지 않는 범위에서 올리거나 내릴 수 있다.",
    "환자는 수술을 받기 전날 저녁부터 물을 포함한 모든 음식을 먹지 않아야 하고 먹던 약이 있으면 이름과 양을 "
    "미리 알려 마취를 맡은 의사가 살펴볼 수 있게 하여야 한다.",
    "1. 보관할 때에는 서늘하고 마른 곳에 두고 어린이의 손이 닿지 않게 한다.",
]
TEXT = "\n".join(PARAGRAPHS * 3)
JOIN = {"join_broken_lines": True}


def _columns(text):
    return sum(2 if character >= "\u1100" else 1 for character in text)


def _wrapped_between_words(width):
    lines = []
    for paragraph in PARAGRAPHS * 3:
        line = ""
        for word in paragraph.split():
            if line and _columns(f"{line} {word}") > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        lines.append(line)
    return "\n".join(lines)


def _wrapped_anywhere(width, keep_blanks):
    lines = []
    for paragraph in PARAGRAPHS * 3:
        line = ""
        for character in paragraph:
            if _columns(line + character) > width:
                lines.append(line)
                line = ""
            line += character
        lines.append(line)
    return "\n".join(line if keep_blanks else line.strip() for line in lines)


@pytest.mark.parametrize("width", [44, 60, 80])
def test_lines_wrapped_between_words_are_joined(width):
    repaired, counts = normalize_text(_wrapped_between_words(width), **JOIN)
    assert repaired == TEXT
    assert counts["broken_line"] == _wrapped_between_words(width).count("\n") - 8


@pytest.mark.parametrize("width", [44, 60, 80])
def test_lines_wrapped_inside_words_are_joined_by_their_blanks(width):
    repaired, counts = normalize_text(_wrapped_anywhere(width, keep_blanks=True), **JOIN)
    assert repaired == TEXT
    assert 0 < counts["broken_word"] < counts["broken_line"]


def test_without_blanks_words_of_the_document_tell():
    wrapped = _wrapped_anywhere(44, keep_blanks=False)
    words = " ".join(sorted(set(TEXT.split()) - {"것은"}))
    glossary = "\n".join(f"- {line}." for line in textwrap.wrap(words, 20))
    repaired = normalize_text(f"{wrapped}\n{glossary}", **JOIN)[0]
    assert repaired.startswith(PARAGRAPHS[0])


def test_hyphens_at_the_ends_of_wrapped_lines_go():
    lines = [
        "After the operation the patient was given new treat-",
        "ment against the infection, and went home in the eve-",
        "ning of the same day.",
    ]
    wrapped = "\n".join(lines * 4)
    assert "new treatment against" in normalize_text(wrapped, **JOIN)[0]
    assert "treat-\nment" in normalize_text(wrapped)[0]


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "\n".join(
            f"{number}. 제{number}호 서식에 따른 신청서 한 부와 그 사본" for number in range(30)
        ),
        "\n".join(["성명", "주소", "연락처", "생년월일과 나이", "보호자"] * 6),
        "\n".join(["구분 | 금액이 큰 항목과 그렇지 않은 항목을 모두 적는 곳 | 비고"] * 12),
        "\n".join(
            ["피고 1은", "공소외 2와 함께", "그 무렵 서울에 있는 건물에서 만나 돈을 받았다."] * 9
        ),
    ],
)
def test_lines_that_were_not_wrapped_stay(text):
    assert normalize_text(text, **JOIN)[0] == text


def _pages(header, footer, count=7):
    body = "\n".join(PARAGRAPHS * 2)
    return "\n".join(f"{header}\n{body}\n{footer(number)}" for number in range(1, count + 1))


def test_running_lines_stay_once_and_page_numbers_go():
    text = _pages("한빛병원 진료기록", lambda number: f"- {number} -")
    repaired, counts = normalize_text(text, repeated_lines=5)
    assert counts == {"running_line": 6, "page_number": 7}
    body = "\n".join(PARAGRAPHS * 2)
    assert repaired == "한빛병원 진료기록\n" + "\n".join([body] * 7)


@pytest.mark.parametrize("repeated_lines", [0, 8])
def test_what_is_repeated_less_often_stays(repeated_lines):
    text = _pages("한빛병원 진료기록", lambda number: f"{number}쪽")
    assert normalize_text(text, repeated_lines=repeated_lines) == (text, {})


@pytest.mark.parametrize(
    "line",
    [
        "[전문개정 2009. 1. 1.]",
        "공소외 1 회사는",
        "특이한 점 없음",
        "이상이 없었다.",
        "가 | 나",
        "제3조",
        "1234",
    ],
)
def test_repeated_lines_that_mean_something_stay(line):
    text = _pages(line, lambda number: "다만, 그러하지 아니하다.")
    assert normalize_text(text, repeated_lines=5) == (text, {})


def test_lines_repeated_without_pages_stay():
    text = "\n".join(
        [PARAGRAPHS[0], "복용 방법", "하루 한 번", PARAGRAPHS[1]] * 3 + ["복용 방법"] * 6
    )
    assert normalize_text(text, repeated_lines=5) == (text, {})


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*TEXT.split(), "\n", "\n", "머리글 한 줄\n", "- 1 -\n", "\n- 2 -\n", "010-1234-5678"]
        ),
        max_size=120,
    ).map(" ".join),
    st.integers(20, 60),
)
def test_the_layout_settles_at_once(text, width):
    wrapped = "\n".join(textwrap.wrap(text, width))
    options = {"repeated_lines": 2, **JOIN}
    once = normalize_text(wrapped, **options)[0]
    assert normalize_text(once, **options) == (once, {})
    kept = Counter("".join(once.split()))
    assert not kept - Counter("".join(wrapped.split()))
