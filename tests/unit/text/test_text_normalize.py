"""Stage 2 writes every document it was given to its shard or to the ledger."""

import pytest
from malmoi import documents, ledger
from malmoi.atomic import write_parquet
from malmoi.errors import InputError
from malmoi.text.normalize import normalize_documents

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
]


def _inputs(tmp_path):
    paths = []
    for number, text in enumerate(TEXTS * 3):
        raw_path = f"{number}.txt"
        document = dict.fromkeys(documents.FIELDS, "") | {
            "doc_id": documents.document_id("s", raw_path, text),
            "source": "s",
            "title": "제  목",
            "text": text,
            "meta": '{"label":"가"}',
            "raw_path": raw_path,
        }
        paths.append(tmp_path / f"{number}.parquet")
        write_parquet(paths[-1], documents.table([document]))
    return paths


def _run(tmp_path, inputs, name, shards=2):
    settings = {"pii": {"email": "drop", "phone": "mask", "resident_number": "mask"}}
    outputs, ledgers = [], []
    for shard in range(shards):
        outputs.append(tmp_path / name / f"{shard}.parquet")
        ledgers.append(tmp_path / name / f"ledger-{shard}.parquet")
        normalize_documents(inputs, shard, shards, settings, outputs[-1], ledgers[-1])
    return outputs, ledgers


def test_documents_and_ledger_balance(tmp_path):
    inputs = _inputs(tmp_path)
    outputs, ledgers = _run(tmp_path, inputs, "out")
    kept = list(documents.read(outputs))
    rows = ledger.read(ledgers).to_pylist()
    assert len(rows) == len(TEXTS) * 3
    assert sorted(row["reason"] for row in rows) == sorted(
        ["", "", "pii_email", "mojibake", "empty", ""] * 3
    )
    assert {row["doc_id"]: row["chars_out"] for row in rows if row["status"] == "kept"} == {
        each["doc_id"]: len(each["text"]) for each in kept
    }
    assert sum(row["chars_in"] for row in rows) == 3 * sum(map(len, TEXTS))
    assert {each["text"] for each in kept} == {"【주문】\n기각한다.", "연락처 [전화번호]", "본문"}
    assert {each["title"] for each in kept} == {"제  목"}
    assert {each["meta"] for each in kept} == {'{"label":"가"}'}


def test_shards_hold_their_documents_in_order_and_the_same_bytes(tmp_path):
    inputs = _inputs(tmp_path)
    first, _ = _run(tmp_path, inputs, "first")
    second, _ = _run(tmp_path, inputs[::-1], "second")
    for shard, (one, other) in enumerate(zip(first, second, strict=True)):
        ids = [each["doc_id"] for each in documents.read([one])]
        assert ids == sorted(ids)
        assert all(documents.shard_of(doc_id, 2) == shard for doc_id in ids)
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(
    ("pii", "named"), [({"phones": "mask"}, "phones"), ({"phone": "hide"}, "hide")]
)
def test_an_unknown_policy_stops_the_job(tmp_path, pii, named):
    with pytest.raises(InputError, match=named):
        normalize_documents([], 0, 1, {"pii": pii}, tmp_path / "d", tmp_path / "l")
