"""Files made to crash, fill or stall a reader end as ledger reasons, and what is good beside them is read."""

import io
import json
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from malmoi.readers import delimited, files, markdown_text, markup, plain_text
from malmoi.readers.files import records_of

BILLION = "".join(
    f'<!ENTITY {chr(98 + level)} "{("&" + chr(97 + level) + ";") * 10}">' for level in range(12)
)


def found(folder, name, data, **source):
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return [each for _, _, each in records_of(path, name, source)]


def outcome(folder, name, data, **source):
    return [
        each.reason.partition(":")[0] or each.text for each in found(folder, name, data, **source)
    ]


@pytest.mark.parametrize(
    "data",
    [
        f'<!DOCTYPE l [<!ENTITY a "lol">{BILLION}]><l>&m;</l>',
        f'<!DOCTYPE l [<!ENTITY a "lol">{BILLION}]><l b="&m;"/>',
        '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><l>&a;</l>',
        '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]><l>x</l>',
    ],
)
def test_xml_entities(tmp_path, data):
    assert outcome(tmp_path, "a.xml", data) == ["unsafe_member"]


def test_an_external_dtd_is_not_asked_for(tmp_path):
    data = '<?xml version="1.0"?><!DOCTYPE l SYSTEM "http://127.0.0.1:9/x.dtd"><l>글</l>'
    assert outcome(tmp_path, "a.xml", data) == ["글"]


def test_nesting_without_end(tmp_path):
    deep = 1_000_000
    cases = {
        "a.json": ("[" * deep, ["truncated_or_damaged"]),
        "b.json": ('{"a":' * deep, ["truncated_or_damaged"]),
        "a": ("[" * deep, ["truncated_or_damaged"]),
        "b.txt": ('{"a": [' * 1000, ["truncated_or_damaged"]),
        "c.json": ('[{"text": "가"}, ' + '{"a":' * deep, ["가", "truncated_or_damaged"]),
        "d.jsonl": (
            '{"text": "가"}\n' + "[" * deep + '\n{"text": "나"}',
            ["가", "bad_record", "나"],
        ),
        "e.html": ("<div>" * deep + "글", ["truncated_or_damaged"]),
        "f.xml": ("<?xml version='1.0'?>" + "<a>" * deep, ["truncated_or_damaged"]),
        "g.md": (f"---\na: {'[' * 100_000}\n---\n글", ["bad_record"]),
        "h.md": (f"---\n{'- ' * 100_000}\n---\n글", ["bad_record"]),
    }
    for name, (data, expected) in cases.items():
        assert outcome(tmp_path, name, data) == expected, name


def test_lists_that_nest_deeper_than_the_stack():
    from malmoi.readers.record import as_text

    value = ["가"]
    for _ in range(100_000):
        value = [value]
    assert as_text([value, None, ["나", 3]]) == "가\n나\n3"
    while isinstance(value, list):
        value = value[0]


def test_a_line_no_document_has(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_LONGEST_LINE", 1000)
    line = "가" * 1001
    cases = {
        "a.txt": (f"첫 줄\n{line}\n끝", ["too_large"]),
        "b.jsonl": (f'{{"text": "{line}"}}\n{{"text": "나"}}', ["too_large", "나"]),
        "c.csv": (f"text\n{line}\n나\n", ["too_large", "나"]),
        "d.xml": (f"<?xml version='1.0'?><a title='{line}'/>", ["too_large"]),
        "e.txt": ("가나다라\n" * 1000, ["가나다라\n" * 1000]),
    }
    for name, (data, expected) in cases.items():
        assert outcome(tmp_path, name, data) == expected, name


def test_front_matter_whose_aliases_stand_for_gigabytes(tmp_path):
    levels = "".join(
        f"{chr(98 + level)}: &{chr(98 + level)} [{','.join(['*' + chr(97 + level)] * 9)}]\n"
        for level in range(20)
    )
    assert outcome(tmp_path, "a.md", f"---\na: &a [x]\n{levels}제목: *u\n---\n글") == ["bad_record"]
    long = "a: b\n" * 300_000
    assert outcome(tmp_path, "b.md", f"---\n{long}---\n글") == ["bad_record"]


def test_parquet_that_stands_for_more_than_it_holds(tmp_path):
    def parquet(array, **options):
        sink = io.BytesIO()
        pq.write_table(pa.table({"text": array}), sink, **options)
        return sink.getvalue()

    big = parquet(pa.array(["a" * 3_000_000]), compression="zstd", use_dictionary=False)
    assert outcome(tmp_path, "a.parquet", big, max_file_mb=1) == ["too_large"]
    # A dictionary of one text, and rows that are a run of its number.
    told = pa.DictionaryArray.from_arrays(pa.array([0] * 2000, pa.int32()), pa.array(["가" * 2000]))
    reasons = outcome(tmp_path, "b.parquet", parquet(told), max_file_mb=1)
    assert reasons[-1] == "too_large" and len(reasons) < 600
    assert outcome(tmp_path, "c.parquet", parquet(pa.array(["가".encode("cp949")]))) == ["가"]
    assert outcome(tmp_path, "d.parquet", parquet(pa.array(["가"]))[:-10]) == [
        "truncated_or_damaged"
    ]


def test_records_without_text_are_not_listed_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_MOST_FAILURES", 100)
    rows = outcome(tmp_path, "a.csv", "text,b\n" + "하나\n" * 5000)
    assert rows == ["bad_record"] * 102
    good = outcome(tmp_path, "b.csv", "text,b\n" + "글,1\n" * 5 + "하나\n" * 400)
    assert len(good) == 405


def test_values_too_many_to_decode_as_a_whole(tmp_path, monkeypatch):
    from malmoi.readers import json_records

    monkeypatch.setattr(json_records, "_MOST_VALUES", 1000)
    assert outcome(tmp_path, "a.json", '{"a": [' + "[], " * 1000 + "[]]}") == ["too_large"]
    # A list of objects is decoded one by one.
    items = json.dumps([{"text": "가", "n": [1, 2, 3]}] * 500)
    assert outcome(tmp_path, "b.json", items) == ["가"] * 500
    assert outcome(tmp_path, "c.json", items[:-40])[-1] == "truncated_or_damaged"
    digits = f'[{{"text": "가"}}, {{"text": {"1" * 5000}}}]'
    assert outcome(tmp_path, "d.json", digits) == ["가", "truncated_or_damaged"]


def test_wide_xml(tmp_path, monkeypatch):
    monkeypatch.setattr(markup, "_MOST_TAGS", 100)
    assert outcome(tmp_path, "a.xml", f"<?xml version='1.0'?><a>{'<b/>' * 100}</a>") == [
        "too_large"
    ]


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "[",
            "[a](http://",
            "![a](",
            "**a ",
            "__a ",
            "<!--",
            "--><!--",
            "> ",
            "- ",
            "`",
            "\\",
            "# ",
            "|",
        ),
        *("| - ", "a[b]", "\t", "<a ", "&"),
    ],
)
def test_markdown_in_time_that_grows_with_its_length(piece):
    def seconds(length):
        began = time.process_time()
        markdown_text.plain(piece * (length // len(piece)) + " x")
        return time.process_time() - began

    assert seconds(200_000) < 1.0


@pytest.mark.parametrize("piece", ["<!--", "-->" + "<!--" * 9, "<a ", "<br ", "<sup>1", "&#", "</"])
def test_markup_in_time_that_grows_with_its_length(piece):
    began = time.process_time()
    markup.without_tags(piece * (500_000 // len(piece)))
    assert time.process_time() - began < 1.0


def test_comments_that_nothing_closes_stay():
    assert markup.without_comments("가<!-- 나 -->다<!-- 라") == "가다<!-- 라"


def test_a_file_without_a_text_column_is_one_row(tmp_path):
    data = "번호,내용\n1,가\n"
    (record,) = found(tmp_path, "a.csv", data)
    assert record.reason.startswith("no_column: there is no column 'text'")
    assert "'번호', '내용'" in record.reason
    assert outcome(tmp_path, "a.csv", data, fields={"text": "본문"}) == ["no_column"]
    assert outcome(tmp_path, "b.json", '{"a": 1}') == ["no_column"]


def test_a_file_with_nothing_in_it_has_a_row_of_its_own(tmp_path):
    for name, data in {
        "a.csv": "text,b\n",
        "b.json": "[]",
        "c.json": "{}",
        "d.csv": "\n ,\n",
    }.items():
        (reason,) = outcome(tmp_path, name, data)
        assert reason in ("empty", "no_text"), name


def test_quotes_and_controls_in_csv():
    rows = list(delimited.read('text,b\n"열고 닫지 않음,1\n둘,2\n'.encode(), "a.csv", {}))
    assert rows[0].reason.startswith("bad_record")


def test_text_with_half_a_surrogate_pair_does_not_stop_the_reader(tmp_path):
    (record,) = found(tmp_path, "a.json", '[{"text": "잘린 \\ud83d 짝"}]')
    assert record.text == "잘린 \ud83d 짝"
    assert found(tmp_path, "b.txt", b"\xed\xa0\x80" * 20)[0].reason.startswith("undecodable")


def test_titles_from_names(tmp_path):
    for raw_path, title in {
        "폴더/가.나.txt": "가.나",
        "a.zip!나.txt": "나",
        "a.tar.gz!b/다.txt": "다",
        "라.txt.gz": "라",
        "왜!.txt": "왜!",
    }.items():
        (record,) = plain_text.read("글".encode(), raw_path, {})
        assert record.title == title
