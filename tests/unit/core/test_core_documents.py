"""Document ids and shards are stable, and documents come back as they were written."""

import random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi import documents
from malmoi.atomic import write_parquet
from malmoi.fingerprint import shard_of

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]))


@given(st.tuples(TEXT, TEXT, TEXT, st.integers(0, 9)))
def test_an_id_is_32_hexadecimal_digits_of_what_it_is_made_of(parts):
    source, path, text, occurrence = parts
    found = documents.document_id(source, path, text, occurrence)
    assert len(found) == 32
    assert int(found, 16) >= 0
    assert found == documents.document_id(source, path, text, occurrence)
    others = [(source + "x", path, text), (source, path + "x", text), (source, path, text + "x")]
    assert found not in {documents.document_id(*other, occurrence) for other in others}
    assert found != documents.document_id(source, path, text, occurrence + 1)


def test_an_id_takes_text_that_is_not_valid_unicode():
    assert documents.document_id("s", "p", "\ud800") != documents.document_id("s", "p", "\ud801")


@given(TEXT, st.integers(1, 5000))
def test_a_shard_is_one_of_the_shards(text, shards):
    assert 0 <= shard_of(documents.document_id("s", "p", text), shards) < shards


def test_shards_are_of_like_size():
    found = [shard_of(documents.document_id("s", "p", str(number)), 16) for number in range(16_000)]
    # 1000 a shard, standard deviation 31: six of them is once in thirty million runs.
    assert all(abs(found.count(shard) - 1000) < 6 * 31 for shard in range(16))


@given(st.lists(TEXT, max_size=10))
def test_documents_come_back_as_written(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("documents") / "documents.parquet"
    records = [
        {
            **dict.fromkeys(documents.FIELDS, text),
            "doc_id": documents.document_id("s", "p", text, n),
        }
        for n, text in enumerate(texts)
    ]
    write_parquet(path, documents.table(records))
    assert list(documents.read([path])) == records


def test_a_document_with_a_field_too_few_or_too_many_is_refused():
    whole = dict.fromkeys(documents.FIELDS, "")
    with pytest.raises(ValueError, match="missing: text"):
        documents.table([whole, {name: "" for name in documents.FIELDS if name != "text"}])
    with pytest.raises(ValueError, match="unknown: split"):
        documents.table([{**whole, "split": "train"}])


def record(doc_id):
    return dict.fromkeys(documents.FIELDS, "가") | {"doc_id": doc_id}


def test_sorted_files_are_read_as_one_sorted_file(tmp_path):
    ids = [f"{number:032x}" for number in range(1000)]
    for part in range(3):
        with documents.writing(tmp_path / f"{part}.parquet") as add:
            for doc_id in ids[part::3]:
                add(record(doc_id))
    found = documents.merged(tmp_path / f"{part}.parquet" for part in (2, 0, 1))
    assert [each["doc_id"] for each in found] == ids


def test_a_file_written_row_by_row_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "documents.parquet"
    with pytest.raises(ValueError, match="fields"), documents.writing(path) as add:
        add(record("a"))
        add({"doc_id": "b"})
    assert not list(tmp_path.iterdir())
    with documents.writing(path) as add:
        add(record("a"))
    assert list(documents.read([path])) == [record("a")]
    with documents.writing(path):
        pass
    assert list(documents.read([path])) == []


def test_reading_a_file_row_by_row_lets_go_of_what_was_read(tmp_path):
    path = tmp_path / "documents.parquet"
    draw = random.Random(0)
    with documents.writing(path) as add:
        for number in range(2_000):
            text = "".join(chr(draw.randrange(0xAC00, 0xD7A4)) for _ in range(2_000))
            add(record(f"{number:032x}") | {"text": text})
    assert path.stat().st_size > 6_000_000
    before, most = pa.total_allocated_bytes(), 0
    for number, _ in enumerate(documents.read([path])):
        if number % 256 == 0:
            most = max(most, pa.total_allocated_bytes() - before)
    # All of it and more was held when batches were iterated.
    assert most < 0.8 * path.stat().st_size
