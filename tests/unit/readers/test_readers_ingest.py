"""A folder of good and bad files becomes documents and a ledger, and never a crash."""

import hashlib
import io
import json
import logging
import zipfile

import pytest
from malmoi import documents, ledger
from malmoi.errors import InputError
from malmoi.fingerprint import shard_of
from malmoi.readers.ingest import _valid_record, ingest
from malmoi.readers.record import Record

SOURCE = {"name": "판례", "domain": "legal", "kind": "decision", "license": "KOGL-0"}

BOMB = '<!DOCTYPE a [<!ENTITY x "하"><!ENTITY y "&x;&x;&x;&x;">]><a>&y;</a>'


def zip_of(members, **options):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return sink.getvalue()


def nested(depth):
    data = zip_of({"바닥.txt": "본문"})
    for _ in range(depth - 1):
        data = zip_of({"안.zip": data})
    return data


def run(folder, files, takedown=(), shards=1, **source):
    raw = folder / "raw"
    raw.mkdir(exist_ok=True)
    for name, data in files.items():
        (raw / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    out = folder / "out"
    shard_paths = [out / f"{number}.parquet" for number in range(shards)]
    digests = [path.with_suffix(".sha256") for path in shard_paths]
    paths = [*shard_paths, *digests, out / "ledger.parquet"]
    ingest(
        SOURCE | source,
        [str(raw / name) for name in files],
        str(raw),
        takedown,
        shard_paths,
        digests,
        paths[-1],
    )
    assert sorted(out.iterdir()) == sorted(paths)
    return list(documents.read(shard_paths)), ledger.read(paths[-1:]).to_pylist(), paths


def reasons(rows):
    return {(row["raw_path"], row["record"]): row["reason"].partition(":")[0] for row in rows}


def test_mixed_folder(tmp_path):
    files = {
        "a.txt": "본문 하나",
        "b.jsonl": '{"text": "둘", "사건번호": "2020다1"}\n{"text": 1e\n{"text": "둘"}\n{"text": "둘"}\n',
        "c.zip": zip_of({"안/문서.md": "# 셋", "../밖.txt": "x", "/abs.txt": "x", "빈.txt": ""}),
        "d.txt": b"\xff\xff\xff\xfe\xfe",
        "e.xml": BOMB,
        "f.zip": zip_of({"x.txt": "본문" * 5000})[:60],
        "g.pdf": b"%PDF-1.4",
        "h.txt": b"",
        "i.html": "<html><body><script>x</script></body></html>",
        "j.png": b"\x89PNG\r\n\x1a\n123",
        "k.xlsx": zip_of({"[Content_Types].xml": "<Types/>"}),
        "l.zip": nested(2),
        "m.zip": nested(3),
        "n.jsonl": '{"text": "잘린 \\ud83d 짝"}\n{"text": "  "}',
    }
    kept, rows, _ = run(tmp_path, files)
    assert reasons(rows) == {
        ("a.txt", ""): "",
        ("b.jsonl", "line 1"): "",
        ("b.jsonl", "line 2"): "bad_record",
        ("b.jsonl", "line 3"): "",
        ("b.jsonl", "line 4"): "",
        ("c.zip!안/문서.md", ""): "",
        ("c.zip!../밖.txt", ""): "unsafe_member",
        ("c.zip!/abs.txt", ""): "unsafe_member",
        ("c.zip!빈.txt", ""): "empty",
        ("d.txt", ""): "undecodable",
        ("e.xml", ""): "unsafe_member",
        ("f.zip", ""): "truncated_or_damaged",
        ("g.pdf", ""): "truncated_or_damaged",
        ("h.txt", ""): "empty",
        ("i.html", ""): "no_text",
        ("j.png", ""): "unsupported_format",
        ("k.xlsx", ""): "unsupported_format",
        ("l.zip!안.zip!바닥.txt", ""): "",
        ("m.zip!안.zip!안.zip", ""): "unsafe_member",
        ("n.jsonl", "line 1"): "",
        ("n.jsonl", "line 2"): "no_text",
    }
    by_path = {each["raw_path"]: each for each in kept}
    assert by_path["c.zip!안/문서.md"]["text"] == "셋"
    assert by_path["n.jsonl"]["text"] == "잘린 \ufffd 짝"
    assert all(len(row["reason"]) <= 120 for row in rows)


def test_documents_and_ledger_agree(tmp_path):
    kept, rows, _ = run(
        tmp_path, {"a.jsonl": '{"text": "같다"}\n' * 3 + '{"text": ""}', "b.txt": "같다"}
    )
    ids = [each["doc_id"] for each in kept]
    assert ids == sorted(set(ids))
    assert len(kept) == 4
    assert {row["doc_id"]: row["chars_out"] for row in rows if row["doc_id"]} == {
        each["doc_id"]: len(each["text"]) for each in kept
    }
    assert {row["stage"] for row in rows} == {"ingest"}
    assert all(each["group"] == each["doc_id"] for each in kept)


def test_fields_reach_the_document(tmp_path):
    line = {
        "본문": "기각한다",
        "사건번호": "2020다1",
        "날짜": "2020. 1. 2.",
        "결과": "승",
        "기타": 1,
    }
    fields = {"text": ["본문"], "date": "날짜", "label": "결과"}
    kept, _, _ = run(tmp_path, {"a.jsonl": json.dumps(line)}, fields=fields, format="jsonl")
    document = kept[0]
    assert document["group"] == "2020다1"
    assert document["date"] == "2020-01-02"
    assert document["kind"] == "decision"
    assert json.loads(document["meta"]) == {"label": "승"}
    assert len(document["raw_sha256"]) == 64


def test_the_same_bytes_twice_and_whatever_the_order(tmp_path):
    files = {
        "b.txt": "나",
        "a.jsonl": '{"text": "가"}\n{"text": "가"}',
        "c.zip": zip_of({"x.txt": "다"}),
    }
    written = []
    for name, order in (("one", list(files)), ("two", sorted(files))):
        folder = tmp_path / name
        folder.mkdir()
        _, _, paths = run(folder, {each: files[each] for each in order}, shards=3)
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]


def test_sizes_are_bounded(tmp_path):
    files = {
        "a.txt": "가" * 400_000,
        "bomb.zip": zip_of({"x.txt": "가" * 2_000_000}),
        "two.zip": zip_of({"x.txt": "x" * 600_000, "y.txt": "y" * 600_000}),
    }
    kept, rows, _ = run(tmp_path, files, max_file_mb=1)
    assert not kept
    assert set(reasons(rows).values()) == {"too_large"}


def test_a_lying_archive_is_stopped(tmp_path):
    data = bytearray(zip_of({"x.txt": "x" * 3_000_000}))
    real, small = (3_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")
    data = data.replace(real, small)
    _, rows, _ = run(tmp_path, {"a.zip": bytes(data)}, max_file_mb=1)
    assert set(reasons(rows).values()) <= {"too_large", "truncated_or_damaged"}


def test_locked_and_cp949_named_members(tmp_path):
    name = "판결문.txt".encode("cp949")
    data = zip_of({"x" * len(name): "본문"}).replace(b"x" * len(name), name)
    locked = bytearray(zip_of({"b.txt": "본문"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.find(signature) + offset] |= 1
    kept, rows, _ = run(tmp_path, {"a.zip": data, "b.zip": bytes(locked)})
    assert [each["raw_path"] for each in kept] == ["a.zip!판결문.txt"]
    assert reasons(rows)[("b.zip!b.txt", "")] == "locked"


def test_one_table_without_the_column_does_not_stop_the_others(tmp_path):
    files = {"a.csv": "내용\n가나다", "b.csv": "본문\n가"}
    kept, rows, _ = run(tmp_path, files, fields={"text": "내용"})
    assert [each["text"] for each in kept] == ["가나다"]
    assert reasons(rows)[("b.csv", "")].startswith("no_column")


def test_mistakes_of_the_config_stop_the_job(tmp_path):
    with pytest.raises(InputError, match=r"docx.*not one of auto, text"):
        run(tmp_path, {"a.txt": "본문"}, format="docx")
    with pytest.raises(InputError, match=r"fields\.sections"):
        run(tmp_path, {"a.txt": "본문"}, fields={"sections": "부분"})
    with pytest.raises(InputError, match=r"b\.csv: .*'내용'.*'본문'"):
        run(tmp_path, {"b.csv": "본문\n가"}, fields={"text": "내용"})
    (tmp_path / "c.txt").write_text("가")
    for name, root, told in (("none", ".", "no such file"), ("c.txt", "raw", "not inside")):
        out = [tmp_path / "out" / each for each in ("d", "s", "l")]
        with pytest.raises(InputError, match=told):
            ingest(SOURCE, [tmp_path / name], tmp_path / root, [], out[:1], out[1:2], out[2])
    assert not list((tmp_path / "out").iterdir())


def test_a_label_column_that_is_not_there_is_told(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("malmoi"), "propagate", True)
    run(tmp_path, {"a.jsonl": '{"text": "가"}'}, fields={"label": "결가"})
    assert "fields.label is '결가'" in caplog.text


def test_a_hwpx_that_unpacks_to_too_much(tmp_path):
    data = zip_of({"Contents/section0.xml": " " * 2_000_000})
    _, rows, _ = run(tmp_path, {"a.hwpx": data}, max_file_mb=1)
    assert set(reasons(rows).values()) == {"too_large"}


def test_no_files_are_no_documents(tmp_path):
    assert run(tmp_path, {}, shards=2)[:2] == ([], [])


def test_each_shard_is_sorted_and_has_its_digest(tmp_path):
    texts = [f"문서 {number}" for number in range(40)]
    lines = "\n".join(json.dumps({"text": text}) for text in texts)
    _, rows, paths = run(tmp_path, {"a.jsonl": lines, "b.txt": "하나 더"}, shards=3)
    assert len(rows) == 41
    found = []
    for number in range(3):
        ids = [each["doc_id"] for each in documents.read([paths[number]])]
        assert ids == sorted(ids)
        assert {shard_of(each, 3) for each in ids} == {number}
        digest = hashlib.sha256(paths[number].read_bytes()).hexdigest()
        assert paths[3 + number].read_text() == digest + "\n"
        found += ids
    assert sorted(found) == sorted(row["doc_id"] for row in rows)


def test_a_new_file_leaves_the_other_shards_alone(tmp_path):
    files = {f"{number}.txt": f"문서 {number}" for number in range(20)}
    _, _, paths = run(tmp_path, files, shards=4)
    before = [path.read_bytes() for path in paths[:4]]
    run(tmp_path, files | {"더.txt": "하나 더"}, shards=4)
    after = [path.read_bytes() for path in paths[:4]]
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


def test_what_is_taken_down_is_neither_opened_nor_kept(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("malmoi"), "propagate", True)
    files = {
        "a.jsonl": '{"text": "가"}\n{"text": "나"}',
        "b.txt": "남는다",
        "c.zip": zip_of({"x.txt": "다", "y.jsonl": '{"text": "라"}\n{"text": "마"}'}),
        "d.zip": zip_of({"안.zip": zip_of({"1.txt": "바", "2.txt": "사"}), "3.txt": "아"}),
        "e!1.txt": "자",
        "e": "차",
    }
    listed = ["a.jsonl", "c.zip!y.jsonl", "d.zip!안.zip", "e", "c.zip!없다.txt"]
    kept, rows, _ = run(tmp_path, files, takedown=listed)
    assert {each["text"] for each in kept} == {"남는다", "다", "아", "자"}
    taken = [row for row in rows if row["status"] == "takedown"]
    assert [row["raw_path"] for row in taken] == listed[:4]
    assert {(row["reason"], row["doc_id"], row["chars_in"]) for row in taken} == {("listed", "", 0)}
    assert len(rows) == len(kept) + len(taken)
    assert "takedown of c.zip!없다.txt matches no file" in caplog.text
    assert caplog.text.count("matches no file") == 1
    # Not even looked at.
    (tmp_path / "raw" / "a.jsonl").unlink()
    out = [tmp_path / each for each in ("d", "s", "l")]
    missing = [tmp_path / "raw" / "a.jsonl"]
    ingest(SOURCE, missing, tmp_path / "raw", ["a.jsonl"], out[:1], out[1:2], out[2])
    assert ledger.read(out[2:]).to_pylist()[0]["status"] == "takedown"


def test_sections_reach_meta(tmp_path):
    data = "# 제목\n\n첫 줄\n\n## 이유\n\n본문\n\n## 결론\n\n기각한다\n"
    kept, _, _ = run(tmp_path, {"a.md": data, "b.txt": "없다"}, fields={"label": "없음"})
    by_path = {each["raw_path"]: each for each in kept}
    assert "sections" not in json.loads(by_path["b.txt"]["meta"])
    sections = json.loads(by_path["a.md"]["meta"])["sections"]
    assert [name for name, _, _ in sections] == ["이유", "결론"]
    text = by_path["a.md"]["text"]
    assert "본문" in text[sections[0][1] : sections[0][2]]
    assert text[sections[1][1] : sections[1][2]].endswith("기각한다")


def test_sections_stay_right_where_surrogates_are_mended():
    halves = "가\ud83d\ude00나\ud83d"
    text = f"{halves}\n둘째\udc00\n끝"
    first, second = len(halves), len(text) - 2
    record = Record(text=text, sections=[("ㄱ\ud83d", 0, first), ("ㄴ", first + 1, second)])
    mended = _valid_record(record)
    assert mended.text == "가\U0001f600나\ufffd\n둘째\ufffd\n끝"
    assert [mended.text[start:end] for _, start, end in mended.sections] == [
        "가\U0001f600나\ufffd",
        "둘째\ufffd",
    ]
    assert mended.sections[0][0] == "ㄱ\ufffd"
