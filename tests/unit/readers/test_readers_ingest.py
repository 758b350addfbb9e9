"""A folder of good and bad files becomes documents and a ledger, and never a crash."""

import io
import json
import logging
import zipfile

import pytest
from malmoi import documents, ledger
from malmoi.errors import InputError
from malmoi.readers.ingest import READERS, ingest

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


def run(folder, files, **source):
    raw = folder / "raw"
    raw.mkdir(exist_ok=True)
    for name, data in files.items():
        (raw / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    out = folder / "out"
    paths = (out / "documents.parquet", out / "ledger.parquet")
    ingest(SOURCE | source, [str(raw / name) for name in files], str(raw), *paths)
    return list(documents.read(paths[:1])), ledger.read(paths[1:]).to_pylist(), paths


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
        _, _, paths = run(folder, {each: files[each] for each in order})
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


def test_mistakes_of_the_config_stop_the_job(tmp_path):
    with pytest.raises(InputError, match="docx"):
        run(tmp_path, {"a.txt": "본문"}, format="docx")
    with pytest.raises(InputError, match=r"b\.csv.*'내용'.*'본문'"):
        run(tmp_path, {"b.csv": "본문\n가"}, fields={"text": "내용"})
    with pytest.raises(InputError, match="no such file"):
        ingest(SOURCE, [tmp_path / "none"], tmp_path, tmp_path / "d", tmp_path / "l")
    with pytest.raises(InputError, match="not inside"):
        (tmp_path / "c.txt").write_text("가")
        ingest(SOURCE, [tmp_path / "c.txt"], tmp_path / "raw", tmp_path / "d", tmp_path / "l")


def test_a_label_column_that_is_not_there_is_told(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("malmoi"), "propagate", True)
    run(tmp_path, {"a.jsonl": '{"text": "가"}'}, fields={"label": "결가"})
    assert "fields.label is '결가'" in caplog.text


def test_a_library_that_fails_costs_one_file(tmp_path, monkeypatch):
    def broken(data, name, fields):
        raise KeyError("unforeseen")
        yield

    monkeypatch.setitem(READERS, "markdown", broken)
    kept, rows, _ = run(tmp_path, {"a.md": "# 하나", "b.txt": "둘"})
    assert [each["text"] for each in kept] == ["둘"]
    assert rows[0]["reason"] == "truncated_or_damaged: KeyError: 'unforeseen'"


def test_a_hwpx_that_unpacks_to_too_much(tmp_path):
    data = zip_of({"Contents/section0.xml": " " * 2_000_000})
    _, rows, _ = run(tmp_path, {"a.hwpx": data}, max_file_mb=1)
    assert set(reasons(rows).values()) == {"too_large"}


def test_no_files_and_a_single_file(tmp_path):
    assert run(tmp_path, {})[:2] == ([], [])
    file = tmp_path / "혼자.txt"
    file.write_text("본문", encoding="utf-8")
    ingest(SOURCE, [file], file, tmp_path / "d", tmp_path / "l")
    assert [each["raw_path"] for each in documents.read([tmp_path / "d"])] == ["혼자.txt"]
