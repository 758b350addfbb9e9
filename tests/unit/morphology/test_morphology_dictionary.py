"""User dictionaries: what a line may say, and which file and line is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from malmoi.errors import InputError
from malmoi.morphology.dictionary import read_dictionaries
from malmoi.morphology.tags import TAGS, tag_number


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_lines_give_forms_and_tags_in_order_without_repeats(tmp_path: Path) -> None:
    first = write(
        tmp_path / "legal.txt",
        "# 법률 용어\n손해배상청구권\n\n 구상금 \t NNG \r\n갑\tNNP\n손해배상청구권\n",
    )
    second = write(tmp_path / "medical.txt", "\ufeff아세트아미노펜\t\n구상금\n갑\tNNG")
    assert read_dictionaries([first, second]) == [
        ("손해배상청구권", "NNG"),
        ("구상금", "NNG"),
        ("갑", "NNP"),
        ("아세트아미노펜", "NNG"),
        ("갑", "NNG"),
    ]
    assert read_dictionaries([]) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("중증 근무력증", "one word without spaces"),
        ("중증\u3000근무력증\tNNG", "one word without spaces"),
        ("\tNNG", "one word without spaces"),
        ("구상금\tNOUN", "'NOUN' is no tag of Kiwi"),
        ("구상금\tUN", "'UN' is no tag of Kiwi"),
        ("구상금\tNNG\t3.0", "is no tag of Kiwi"),
    ],
)
def test_a_bad_line_is_named_with_its_file(tmp_path: Path, line: str, said: str) -> None:
    path = write(tmp_path / "legal.txt", f"# 법률\n손해배상\n{line}\n")
    with pytest.raises(InputError) as caught:
        read_dictionaries([path])
    message = str(caught.value)
    assert message.startswith(f"{path}, line 3: ") and said in message
    assert "\n" not in message


def test_another_encoding_is_named_with_its_cure(tmp_path: Path) -> None:
    path = tmp_path / "legal.txt"
    path.write_bytes("손해배상".encode("cp949"))
    with pytest.raises(InputError, match=r"legal\.txt: dictionaries are UTF-8; save it as UTF-8"):
        read_dictionaries([str(path)])


def test_tag_numbers_are_places_in_the_table_without_regularity_marks() -> None:
    assert all(tag_number(tag) == number for number, tag in enumerate(TAGS))
    assert tag_number("VV-I") == tag_number("VV-R") == TAGS.index("VV")
    assert tag_number("no such tag") == 0
    # The segments store them as bytes.
    assert len(TAGS) == len(set(TAGS)) < 256
