"""Stage 2 writes every document it was given to its shard or to the ledger, with sections that fit."""

import json

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malmoi import documents, ledger
from malmoi.atomic import write_parquet
from malmoi.errors import InputError
from malmoi.text.normalize import clean, normalize_documents

LOST = (
    ("소송비용은 피고가 부담한다. 원고의 청구를 기각한다.\n" * 9)
    .encode()
    .decode("cp949", "replace")
)
TEXTS = [
    "【주    문】\r\n  기각한다.",
    "연락처 010-1234-5678",
    "메일 a@b.co.kr",
    LOST,
    "\u200b\ufeff",
    "본문",
    "내릴 문서",
]
SETTINGS = {
    "pii": {"email": "drop", "phone": "mask"},
    "repeated_lines": 5,
    "join_broken_lines": True,
}


def _document(number, text, meta='{"label":"가"}'):
    return dict.fromkeys(documents.FIELDS, "") | {
        "doc_id": documents.document_id("s", f"{number}.txt", text),
        "source": "s",
        "title": "제  목",
        "text": text,
        "meta": meta,
        "raw_path": f"{number}.txt",
    }


def _inputs(tmp_path, texts, files=3):
    """Write documents into files, each sorted by id."""
    every = [_document(number, text) for number, text in enumerate(texts)]
    paths = []
    for number in range(files):
        paths.append(tmp_path / f"{number}.parquet")
        part = sorted(every[number::files], key=lambda each: each["doc_id"])
        write_parquet(paths[-1], documents.table(part))
    return paths, [each["doc_id"] for each in every if each["text"] == "내릴 문서"]


def _run(tmp_path, inputs, takedown=(), name="out"):
    outputs = [tmp_path / name / each for each in ("documents", "ledger", "repairs")]
    normalize_documents(inputs, SETTINGS, set(takedown), *outputs)
    return outputs


def test_documents_and_ledger_balance(tmp_path):
    inputs, listed = _inputs(tmp_path, TEXTS * 3)
    output, ledger_path, repairs_path = _run(tmp_path, inputs, listed)
    kept = list(documents.read([output]))
    rows = ledger.read([ledger_path]).to_pylist()
    assert len(rows) == len(TEXTS) * 3
    assert sorted((row["status"], row["reason"]) for row in rows) == sorted(
        [
            ("kept", ""),
            ("kept", ""),
            ("filtered", "pii_email"),
            ("filtered", "mojibake"),
            ("filtered", "empty"),
            ("kept", ""),
            ("takedown", "listed"),
        ]
        * 3
    )
    assert {row["doc_id"]: row["chars_out"] for row in rows if row["status"] == "kept"} == {
        each["doc_id"]: len(each["text"]) for each in kept
    }
    assert sum(row["chars_in"] for row in rows) == 3 * sum(map(len, TEXTS))
    assert {each["text"] for each in kept} == {"【주문】\n기각한다.", "연락처 [전화번호]", "본문"}
    assert {each["title"] for each in kept} == {"제  목"}
    assert {each["meta"] for each in kept} == {'{"label":"가"}'}
    ids = [each["doc_id"] for each in kept]
    assert ids == sorted(ids)
    counted = {(row["kind"], row["rule"]) for row in pq.read_table(repairs_path).to_pylist()}
    # Also of the documents that left.
    assert {("pii", "email"), ("pii", "phone"), ("repair", "lost_line")} <= counted
    assert all(row["count"] > 0 for row in pq.read_table(repairs_path).to_pylist())


def test_the_order_of_the_files_changes_no_byte(tmp_path):
    inputs, _ = _inputs(tmp_path, TEXTS * 3)
    first = _run(tmp_path, inputs, name="first")
    second = _run(tmp_path, inputs[::-1], name="second")
    assert [each.read_bytes() for each in first] == [each.read_bytes() for each in second]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("한 글자만 \ufffd 깨진 문장이 길게 이어진다. ", "kept"),
        ("글\ufffd자 \ufffd 깨\ufffd진 문장. ", "filtered"),
    ],
)
def test_lost_characters_are_counted_and_too_many_of_them_cost_the_document(tmp_path, text, status):
    inputs, _ = _inputs(tmp_path, [text + "가나다라마바사 " * 8], files=1)
    _, ledger_path, repairs_path = _run(tmp_path, inputs)
    assert ledger.read([ledger_path])["status"].to_pylist() == [status]
    rows = pq.read_table(repairs_path).to_pylist()
    counts = {row["rule"]: row["count"] for row in rows}
    assert counts["replacement_character"] == text.count("\ufffd")


@pytest.mark.parametrize(
    ("pii", "named"), [({"phones": "mask"}, "phones"), ({"phone": "hide"}, "hide")]
)
def test_an_unknown_policy_stops_the_job(tmp_path, pii, named):
    with pytest.raises(InputError, match=named):
        normalize_documents([], {"pii": pii}, set(), *[tmp_path / each for each in "dlr"])


PARTS = [
    *("【주    문】\n  기각한다.", "연락처 010-1234-5678로", "\u200b", " \n ", "시ㆍ도\n\n\n지사"),
    *("가\r\n나", "", "°¡³ª´Ù°í", "&lt;개정&gt;", "끝"),
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PARTS), st.booleans()), max_size=8))
def test_sections_are_cleaned_by_themselves_and_their_offsets_fit(parts):
    text, sections = "", []
    for number, (part, named) in enumerate(parts):
        if named:
            sections.append([f"{number}", len(text), len(text) + len(part)])
        text += part + "\n"
    document = _document(0, text, json.dumps({"sections": sections, "label": "가"}))
    cleaned, _ = clean(document, SETTINGS)
    meta = json.loads(cleaned["meta"])
    assert meta["label"] == "가"
    expected = [
        (name, clean(_document(0, text[a:b]), SETTINGS)[0]["text"]) for name, a, b in sections
    ]
    found = [(name, cleaned["text"][a:b]) for name, a, b in meta.get("sections", [])]
    assert found == [(name, part) for name, part in expected if part]
    assert clean(cleaned, SETTINGS)[0] == cleaned


def test_blank_lines_between_sections_stay_and_white_space_does_not():
    text = "머리\n\n첫째\n 1. 가\n\n\n둘째  \n셋째"
    starts = [text.index(word) for word in ("첫째", "둘째", "셋째")]
    ends = [text.index("\n\n\n둘째"), text.index("\n셋째"), len(text)]
    sections = [[name, a, b] for name, a, b in zip("가나다", starts, ends, strict=True)]
    cleaned, _ = clean(_document(0, text, json.dumps({"sections": sections})), SETTINGS)
    assert cleaned["text"] == "머리\n\n첫째\n1. 가\n\n둘째\n셋째"


def test_sections_that_do_not_fit_are_an_error():
    document = _document(0, "가나다", json.dumps({"sections": [["가", 1, 3], ["나", 2, 3]]}))
    with pytest.raises(ValueError, match="'나' from 2 to 3"):
        clean(document, SETTINGS)
