"""User dictionaries: what a line may say, and which file and line is wrong."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from malmoi.errors import InputError
from malmoi.morphology.dictionary import Dictionary, built_in, read_dictionaries
from malmoi.morphology.tags import TAGS, tag_number


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_lines_give_forms_tags_and_scores_in_order_without_repeats(tmp_path: Path) -> None:
    first = write(
        tmp_path / "legal.txt",
        "# 법률 용어\n손해배상청구권\n\n 구상금 \t NNG \r\n갑\tNNP\t-1.5\n손해배상청구권\n",
    )
    second = write(tmp_path / "medical.txt", "\ufeff아세트아미노펜\t\n구상금\n갑\tNNG\t\n")
    assert read_dictionaries([first, second]).words == (
        ("손해배상청구권", "NNG", 0.0),
        ("구상금", "NNG", 0.0),
        ("갑", "NNP", -1.5),
        ("아세트아미노펜", "NNG", 0.0),
        ("갑", "NNG", 0.0),
    )
    assert read_dictionaries([]) == Dictionary()


def test_csv_has_named_columns_in_any_order(tmp_path: Path) -> None:
    full = write(tmp_path / "a.csv", '\ufeffscore,form,tag\r\n1.5,"구상금",\r\n,갑,NNP\r\n')
    forms = write(tmp_path / "b.CSV", "form\n소유권이전등기\n\n")
    assert read_dictionaries([full, forms]).words == (
        ("구상금", "NNG", 1.5),
        ("갑", "NNP", 0.0),
        ("소유권이전등기", "NNG", 0.0),
    )


def test_of_a_reviewed_file_only_accepted_rows_count(tmp_path: Path) -> None:
    path = write(
        tmp_path / "proposed.csv",
        "form,tag,score,count,verdict,reason\n구상금,NNG,0,12,accept,\n별지,NNG,0,9,reject,breaks\n",
    )
    assert [form for form, _, _ in read_dictionaries([path]).words] == ["구상금"]
    write(tmp_path / "proposed.csv", "form,verdict\n구상금,maybe\n")
    with pytest.raises(InputError, match=r"line 2: verdict 'maybe'; write accept or reject"):
        read_dictionaries([path])


def test_forms_are_composed_as_the_text_is(tmp_path: Path) -> None:
    path = write(tmp_path / "mac.txt", unicodedata.normalize("NFD", "구상금") + "\n")
    assert read_dictionaries([path]).words == (("구상금", "NNG", 0.0),)


def test_a_form_may_be_a_pattern(tmp_path: Path) -> None:
    path = write(tmp_path / "codes.txt", "re:관리번호-[0-9]+\tW_SERIAL\nre:[A-Z]{3}\\d\n")
    assert read_dictionaries([path]).patterns == (
        ("관리번호-[0-9]+", "W_SERIAL"),
        ("[A-Z]{3}\\d", "NNG"),
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("중증 근무력증", "one word without spaces"),
        ("중증\u3000근무력증\tNNG", "one word without spaces"),
        ("\tNNG", "one word without spaces"),
        ("근무\u200b력증", "invisible character U+200B; remove it"),
        ("근무\0력증", "holds a NUL character; remove it"),
        ("구상금\tNOUN", "'NOUN' is no tag of Kiwi"),
        ("구상금\tUN", "'UN' is no tag of Kiwi"),
        ("구상금\tNNG\thigh", "score 'high' is no number"),
        ("구상금\tNNG\tnan", "score 'nan' is no number"),
        ("구상금\tNNG\t1\t2", "4 fields"),
        ("손해배상\tNNG\t2", "score 2 here and 0 in"),
        ("re:[0-9", "is no regular expression"),
        ("re:[0-9]*\tSN", "matches the empty string"),
    ],
)
def test_a_bad_line_is_named_with_its_file(tmp_path: Path, line: str, said: str) -> None:
    path = write(tmp_path / "legal.txt", f"# 법률\n손해배상\n{line}\n")
    with pytest.raises(InputError) as caught:
        read_dictionaries([path])
    message = str(caught.value)
    assert message.startswith(f"{path}, line 3: ") and said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("용어,품사\n구상금,NNG\n", "line 1: no column 'form'"),
        ("", "line 1: no column 'form'"),
        ("form,tag\n구상금,NNG,3,4\n", "line 2: more fields than columns"),
        ('form,tag\n"구상금,NNG\n', "check the quotes"),
        ("form,tag\n구상금,NNG\n,NNG\n", "line 3: '' must be one word"),
    ],
)
def test_a_bad_csv_file_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path / "terms.csv", text)
    with pytest.raises(InputError) as caught:
        read_dictionaries([path])
    assert str(caught.value).startswith(path) and said in str(caught.value)


def test_another_encoding_is_named_with_its_cure(tmp_path: Path) -> None:
    path = tmp_path / "legal.txt"
    path.write_bytes("손해배상".encode("cp949"))
    with pytest.raises(InputError, match=r"legal\.txt: dictionaries are UTF-8; save it as UTF-8"):
        read_dictionaries([str(path)])


def test_joined_dictionaries_take_the_later_score() -> None:
    ours = Dictionary((("구상금", "NNG", 0.0), ("갑", "NNP", 0.0)), (("a+", "SL"),))
    user = Dictionary((("구상금", "NNG", 3.0),), (("a+", "SL"), ("b+", "SL")))
    both = ours.joined(user)
    assert both.words == (("구상금", "NNG", 3.0), ("갑", "NNP", 0.0))
    assert both.patterns == (("a+", "SL"), ("b+", "SL"))


def test_the_digest_follows_content_not_order() -> None:
    one, other = ("구상금", "NNG", 0.0), ("갑", "NNP", 0.0)
    assert Dictionary((one, other)).digest() == Dictionary((other, one)).digest()
    digests = [
        Dictionary(),
        Dictionary((one,)),
        Dictionary((("구상금", "NNG", 1.0),)),
        Dictionary((one,), (("a", "SL"),)),
        Dictionary((one,), (("a", "SN"),)),
    ]
    assert len({dictionary.digest() for dictionary in digests}) == len(digests)


def test_an_unknown_term_list_is_named() -> None:
    with pytest.raises(InputError, match=r"segment\.terms: 'finance' is no list; .*legal, medical"):
        built_in(["legal", "finance"], patterns=True)


def test_tag_numbers_are_places_in_the_table_without_regularity_marks() -> None:
    assert all(tag_number(tag) == number for number, tag in enumerate(TAGS))
    assert tag_number("VV-I") == tag_number("VV-R") == TAGS.index("VV")
    assert tag_number("no such tag") == 0
    # The segments store them as bytes.
    assert len(TAGS) == len(set(TAGS)) < 256
