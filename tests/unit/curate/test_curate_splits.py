"""Splits depend on the group alone, and what repeats another document leaves before them."""

import json
import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi import documents, ledger
from malmoi.atomic import write_parquet
from malmoi.curate import duplicates, splits
from malmoi.curate.splits import split_documents, split_of

SHARES = {"validation": 0.2, "test": 0.1}
SETTINGS = {**SHARES, "sections": True, "section_containment": 0.6}


@pytest.fixture
def curated(tmp_path, write_documents):
    """Split records; return the curated documents and the ledger rows."""

    def run(records: list[dict], drops: dict[str, str] | None = None, name="curated", **changed):
        inputs = write_documents(f"{name}/filtered.parquet", records)
        rows = [
            {"doc_id": doc_id, "relation": how} for doc_id, how in sorted((drops or {}).items())
        ]
        dropped = tmp_path / name / "drops.parquet"
        write_parquet(dropped, pa.Table.from_pylist(rows, schema=duplicates.DROPS))
        out, rows = tmp_path / name / "out.parquet", tmp_path / name / "ledger.parquet"
        split_documents(inputs, dropped, SETTINGS | changed, 20, out, rows)
        return list(documents.read([out])), ledger.read([rows]).to_pylist()

    return run


def test_shares_are_met_within_chance():
    groups = 20_000
    found = [split_of(f"2020다{number}", 20, **SHARES) for number in range(groups)]
    for name, share in {**SHARES, "train": 0.7}.items():
        # Five standard deviations: a right split fails once in two million seeds.
        allowed = 5 * math.sqrt(groups * share * (1 - share))
        assert abs(found.count(name) - groups * share) < allowed


@given(st.text(), st.integers(0, 2**32), st.floats(0, 0.4), st.floats(0, 0.4))
def test_a_larger_test_share_keeps_the_smaller_one(group, seed, validation, test):
    first = split_of(group, seed, validation, test)
    assert first in ("train", "validation", "test")
    assert first == split_of(group, seed, validation, test)
    if first == "test":
        assert split_of(group, seed, validation, test + 0.1) == "test"
    if first != "train":
        assert split_of(group, seed, validation + 0.1, test) == first


def test_another_seed_gives_another_split():
    names = [str(number) for number in range(200)]
    assert [split_of(n, 1, **SHARES) for n in names] != [split_of(n, 2, **SHARES) for n in names]


def test_a_group_never_straddles_splits_and_additions_move_nothing(curated, make_document):
    records = [
        make_document(f"문서 {number}", number, group=f"사건 {number % 60}" if number % 3 else "")
        for number in range(240)
    ]
    before, _ = curated(records[:150], name="before")
    after, _ = curated(records[::-1], name="after")

    split = {record["doc_id"]: record["split"] for record in after}
    assert set(split.values()) == {"train", "validation", "test"}
    assert all(split[record["doc_id"]] == record["split"] for record in before)
    by_group: dict[str, set[str]] = {}
    for record in after:
        by_group.setdefault(record["group"] or record["doc_id"], set()).add(record["split"])
    assert all(len(found) == 1 for found in by_group.values())
    alone = {record["split"] for record in after if not record["group"]}
    assert len(alone) == 3, "documents without a group are no group together"


def test_only_the_kept_document_of_a_cluster_goes_on(curated, make_document):
    records = [make_document(f"문서 {number}", number) for number in range(5)]
    kept, exact, near, *alone = (record["doc_id"] for record in records)
    out, rows = curated(records, {exact: "exact", near: "near"})

    assert [record["doc_id"] for record in out] == [kept, *alone]
    assert [{k: v for k, v in record.items() if k != "split"} for record in out] == [
        records[0],
        *records[3:],
    ]
    outcomes = [(row["doc_id"], row["status"], row["reason"], row["chars_out"]) for row in rows]
    assert outcomes == [
        (kept, "kept", "", 4),
        (exact, "duplicate", "exact", 0),
        (near, "duplicate", "near", 0),
        *((doc_id, "kept", "", 4) for doc_id in alone),
    ]
    assert {row["chars_in"] for row in rows} == {4}


def test_a_repeated_section_leaves_its_document_and_the_ledger_says_so(
    curated, make_prose, make_document
):
    lines = make_prose(1, 8).split("\n")
    # Its name counts for nothing: with it a section of so few words would hold too much of its own.
    parts = [("판시사항", lines[2][:12]), ("판례내용", "\n".join(lines))]
    text, sections = "", []
    for name, part in parts:
        sections.append([name, len(text), len(text) + len(f"{name}\n\n{part}")])
        text += f"{name}\n\n{part}\n\n"
    meta = {"court": "대법원", "sections": sections}
    record = make_document(text.strip()) | {"meta": json.dumps(meta, ensure_ascii=False)}
    other = make_document("고친 데 없는 문서", 1)

    out, rows = curated([record, other])
    shortened = f"판례내용\n\n{parts[1][1]}"
    assert [each["text"] for each in out] == [shortened, other["text"]]
    assert json.loads(out[0]["meta"]) == {
        "court": "대법원",
        "sections": [["판례내용", 0, len(shortened)]],
    }
    assert [(row["status"], row["reason"], row["chars_in"], row["chars_out"]) for row in rows] == [
        ("kept", "repeated_section", len(record["text"]), len(shortened)),
        ("kept", "", len(other["text"]), len(other["text"])),
    ]

    out, rows = curated([record], name="whole", sections=False)
    assert (out[0]["text"], rows[0]["reason"]) == (record["text"], "")


def test_the_files_are_the_same_bytes_each_time(tmp_path, curated, make_document):
    records = [make_document(f"문서 {number}", number) for number in range(30)]
    curated(records, name="a")
    curated(records, name="b")
    for name in ("out.parquet", "ledger.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_empty_shard_keeps_the_schema(tmp_path, curated):
    assert curated([]) == ([], [])
    assert pa.parquet.read_schema(tmp_path / "curated" / "out.parquet") == splits.SCHEMA
