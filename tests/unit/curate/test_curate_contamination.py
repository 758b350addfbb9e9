"""Evaluation items are found in documents whatever the spacing, and common phrases are not."""

import json
import random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from malmoi.atomic import write_parquet
from malmoi.curate.contamination import Contamination
from malmoi.curate.evaluation_sets import read_items
from malmoi.curate.shingles import squeeze
from malmoi.errors import InputError

FIRST = (
    "원고가 매매대금의 잔금을 지급하지 아니한 이상 피고에게 등기를 이전할 의무가 있다고 할 수 없다."
)
SECOND = (
    "환자가 수술의 위험에 관하여 충분한 설명을 듣지 못하였다면 그 동의는 유효하다고 보기 어렵다."
)

RECORDS = [
    {"guid": "a-1", "text": FIRST, "label": "민사"},
    {"guid": "a-2", "text": SECOND, "label": "의료"},
]
ITEMS = [("a-1", FIRST), ("a-2", SECOND)]


def columns(text: str) -> str:
    return "\n".join(f"{char}\tO" for char in text)


def words(text: str) -> str:
    return "\n".join(f"{n}\t{word}\t_\tNOUN" for n, word in enumerate(text.split(), 1))


def table(mark: str, header: bool) -> str:
    rows = [["guid", "text", "label"]] if header else []
    rows += [list(record.values()) for record in RECORDS]
    return "\n".join(mark.join(row) for row in rows)


NESTED = {
    "version": "1",
    "data": [
        {
            "title": "매매",
            "paragraphs": [
                {
                    "context": FIRST,
                    "qas": [{"guid": "q-1", "question": SECOND, "answers": ["의무"]}],
                }
            ],
        }
    ],
}

FORMATS = {
    "lines.jsonl": (
        "\n\n".join(json.dumps(r, ensure_ascii=False) for r in RECORDS),
        ["text"],
        ITEMS,
    ),
    "list.json": (json.dumps(RECORDS), ["text"], ITEMS),
    "nested.json": (json.dumps(NESTED), ["context", "question"], [("1", FIRST), ("q-1", SECOND)]),
    "header.csv": (table(",", True), ["text"], ITEMS),
    "numbered.csv": (table(",", False), ["1"], [("1", FIRST), ("2", SECOND)]),
    "header.tsv": ("## 주석\n" + table("\t", True), ["text"], ITEMS),
    "characters.tsv": (
        f"## 문장 구분자 : \\n\\n\n## a-1\t<원고:PS>가\n{columns(FIRST)}\n\n## a-2\t…\n{columns(SECOND)}\n\n",
        None,
        [("a-1", FIRST), ("a-2", SECOND)],
    ),
    "words.conllu": (
        f"# sent_id = a-1\n# text = x\n{words(FIRST)}\n\n# sent_id = a-2\n{words(SECOND)}\n",
        None,
        [("a-1", FIRST.replace(" ", "")), ("a-2", SECOND.replace(" ", ""))],
    ),
    "lines.txt": (f"{FIRST}\n\n{SECOND}\n", None, [("1", FIRST), ("3", SECOND)]),
}


@pytest.mark.parametrize("name", FORMATS)
def test_items_are_read_from_every_format(tmp_path, name):
    content, fields, expected = FORMATS[name]
    (tmp_path / name).write_text("\ufeff" + content, encoding="utf-8")
    assert list(read_items(tmp_path / name, fields)) == expected


def test_items_are_read_from_parquet(tmp_path):
    write_parquet(tmp_path / "set.parquet", pa.Table.from_pylist(RECORDS))
    assert list(read_items(tmp_path / "set.parquet", ["text"])) == ITEMS


def test_without_fields_every_text_but_the_ids_is_an_item(tmp_path):
    (tmp_path / "set.json").write_text(json.dumps(RECORDS), encoding="utf-8")
    expected = [(r["guid"], r[key]) for r in RECORDS for key in ("text", "label")]
    assert list(read_items(tmp_path / "set.json")) == expected


@pytest.mark.parametrize(
    ("name", "content", "fields", "message"),
    [
        ("set.docx", b"", None, "end in one of"),
        ("set.jsonl", b'{"text": "a"}\n{"text"\n', None, "line 2"),
        ("set.json", b'{"text": ', None, "cannot be read as .json"),
        ("set.json", b"[" * 100_000, None, "cannot be read as .json"),
        ("set.parquet", b"PAR1", None, "cannot be read as .parquet"),
        ("set.txt", FIRST.encode("cp949"), None, "not UTF-8"),
        ("set.jsonl", b'{"text": "a"}', ["sentence"], "nothing found in sentence"),
        ("set.txt", b"\n\n", None, "nothing found"),
    ],
)
def test_a_set_that_cannot_be_read_is_named_with_the_cure(tmp_path, name, content, fields, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as raised:
        list(read_items(tmp_path / name, fields))
    assert str(tmp_path / name) in str(raised.value)


def test_a_missing_set_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.jsonl: no such file"):
        list(read_items(tmp_path / "gone.jsonl"))
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(InputError, match=r"folder\.jsonl: Is a directory"):
        list(read_items(tmp_path / "folder.jsonl"))


@pytest.fixture
def sets(tmp_path):
    """Return a function that makes one set of texts to ask documents for."""

    def make(*texts: str, ngram: int = 10, share: float = 0.45) -> Contamination:
        path = tmp_path / "dev.txt"
        path.write_text("\n".join(texts), encoding="utf-8")
        return Contamination([{"name": "dev", "path": path}], ngram, share)

    return make


def ask(contamination: Contamination, text: str) -> str | None:
    return contamination.item_in(text)


@pytest.mark.parametrize("ngram", [8, 10, 13, 16])
def test_an_item_is_found_among_other_text(sets, make_prose, ngram):
    found = sets(FIRST, SECOND, ngram=ngram)
    assert ask(found, f"{make_prose(1, 5)} {SECOND} {make_prose(2, 5)}") == "dev: 2"
    assert ask(found, make_prose(1, 10)) is None
    assert ask(found, "") is None


@examples(max_examples=40)
@given(data=st.data())
def test_spacing_hides_no_item(tmp_path_factory, data):
    spaced = "".join(
        char + data.draw(st.sampled_from(["", "", " ", "\n", "\u00a0"])) for char in squeeze(FIRST)
    )
    path = tmp_path_factory.mktemp("sets") / "dev.txt"
    path.write_text(f"{SECOND}\n{FIRST}\n", encoding="utf-8")
    found = Contamination([{"name": "dev", "path": path}], 10, 0.45)
    assert ask(found, f"그러므로 {spaced} 따라서") == "dev: 2"


def test_other_quotation_marks_and_dots_hide_no_item(sets):
    found = sets("‘도로ㆍ하천’의 점용허가를 받은 자는, 그 허가의 조건(기간)을 지켜야 한다.")
    assert (
        ask(found, '"도로·하천"의 점용허가를 받은 자는 그 허가의 조건 [기간]을 지켜야 한다')
        == "dev: 1"
    )


def test_an_item_with_every_tenth_word_changed_is_found(sets, make_prose):
    for seed in range(20):
        changed = make_prose(seed, 4).split()
        found = sets(" ".join(changed))
        draw = random.Random(seed)
        for place in draw.sample(range(len(changed)), len(changed) // 10):
            changed[place] = "다르게"
        assert ask(found, f"{make_prose(90, 3)} {' '.join(changed)}") == "dev: 1"


def test_half_a_long_item_is_found_and_a_quarter_is_not(sets, make_prose):
    item = make_prose(3, 6).replace("\n", " ")
    found = sets(item)
    assert ask(found, item[len(item) // 2 :]) == "dev: 1"
    assert ask(found, item[: len(item) // 4]) is None


def test_a_short_item_is_found_whole_only(sets):
    found = sets("호스트가 매우 친절하고 숙소도 깨끗했어요.")
    assert ask(found, "후기: 호스트가 매우 친절하고 숙소도 깨끗했어요. 또 갈게요.") == "dev: 1"
    assert ask(found, "후기: 호스트가 매우 친절하고 숙소도 넓었습니다.") is None


def test_a_set_phrase_in_common_is_no_item(sets):
    found = sets(
        "폭력행위 등 처벌에 관한 법률 위반(공동공갈)으로 구속 기소된 이 씨의 항소심 첫 공판이 열렸다."
    )
    assert (
        ask(found, "피고인은 폭력행위 등 처벌에 관한 법률 위반(공동공갈)죄로 처벌받았다.") is None
    )


def test_half_a_surrogate_pair_in_a_set_does_no_harm(tmp_path):
    (tmp_path / "dev.jsonl").write_text(json.dumps({"text": f"\ud800{FIRST}"}), encoding="utf-8")
    found = Contamination([{"name": "dev", "path": tmp_path / "dev.jsonl"}], 10, 0.45)
    assert ask(found, FIRST) == "dev: 1"


def test_the_item_a_document_holds_most_of_is_named(sets):
    found = sets(f"{FIRST} {SECOND}", SECOND)
    assert ask(found, SECOND) == "dev: 2"


def test_several_sets_are_told_apart(tmp_path):
    for name, text in (("one", FIRST), ("two", SECOND)):
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    entries = [{"name": name, "path": str(tmp_path / f"{name}.txt")} for name in ("one", "two")]
    assert ask(Contamination(entries, 10, 0.45), SECOND) == "two: 1"


def test_texts_too_short_to_look_for_are_counted_in_the_log(sets, caplog):
    with caplog.at_level("INFO", logger="malmoi"):
        sets(FIRST, "네, 알겠습니다.", "상고기각")
    assert "dev: 1 texts and 0 numbers to look for, 2 texts too short" in caplog.text


def test_a_set_of_short_texts_alone_is_refused(sets):
    with pytest.raises(InputError, match="all 2 texts are too short"):
        sets("네, 알겠습니다.", "상고기각")


@pytest.mark.parametrize("ngram", [7, 17])
def test_a_length_that_cannot_be_looked_for_is_refused(sets, ngram):
    with pytest.raises(InputError, match="choose 8 to 16"):
        sets(FIRST, ngram=ngram)


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_document_of_an_items_number_holds_it_whatever_its_text(tmp_path, ending, make_prose):
    path = tmp_path / f"dev.{ending}"
    # Numbers are numbers in one file and text in the other; the second item has none.
    path.write_text(
        {
            "jsonl": '{"id": 17, "case": "2015다1", "text": "상고기각"}\n'
            '{"id": 18, "case": "", "text": "상고기각"}\n',
            "csv": "id,case,text\n17,2015다1,상고기각\n18,,상고기각\n",
        }[ending],
        encoding="utf-8",
    )
    entry = {"name": "dev", "path": path, "fields": ["text"]}
    found = Contamination(
        [entry | {"identifiers": {"serial": "id", "group": "case"}}], ngram=10, share=0.45
    )

    def held(group: str, **meta: object) -> str | None:
        text = make_prose(1, 5)
        return found.item_of({"group": group, "text": text, "meta": json.dumps(meta)})

    assert held("2014다9", serial="17") == held("", serial=17) == "dev: serial 17"
    assert held("2015다1") == "dev: group 2015다1"
    assert held("", serial="1") is held("2014다9") is held("", serial="") is None


def test_a_number_that_no_item_has_is_named_with_its_file(tmp_path):
    path = tmp_path / "dev.jsonl"
    path.write_text(json.dumps(RECORDS[0]), encoding="utf-8")
    entry = {"name": "dev", "path": path, "identifiers": {"group": "case"}}
    with pytest.raises(InputError, match=r"dev\.jsonl: nothing found in case; check its name"):
        Contamination([entry], ngram=10, share=0.45)
