"""A takedown list says what it says, or names the line that says nothing."""

import pytest
from malmoi import takedown
from malmoi.errors import InputError
from malmoi.fingerprint import shard_of

ID = "0123456789abcdef" * 2


def test_a_list_names_documents_and_files(tmp_path):
    path = tmp_path / "takedown.txt"
    path.write_text(
        f"\ufeff# withdrawn in 2030\n\n{ID}\n  notes:ward 3/환자.txt \nnotes:a.zip!b.txt\nlaw:x.md\n",
        encoding="utf-8",
    )
    found = takedown.read(path)
    assert found.documents == {ID}
    assert found.files == {"notes": {"ward 3/환자.txt", "a.zip!b.txt"}, "law": {"x.md"}}


def test_every_document_is_in_one_shard():
    ids = {f"{number:08x}{ID[8:]}" for number in range(100)}
    listed = takedown.Takedown(documents=ids)
    shards = [listed.in_shard(shard, 3) for shard in range(3)]
    assert sorted(each for shard in shards for each in shard) == sorted(ids)
    assert all(shard_of(each, 3) == shard for shard in range(3) for each in shards[shard])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"notes/a.txt\n", "line 1: 'notes/a.txt' is neither a doc_id"),
        (f"{ID}\n{ID[:-1]}\n".encode(), "line 2"),
        ("환자".encode("cp949"), "not UTF-8"),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path, content, message):
    path = tmp_path / "takedown.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        takedown.read(path)


def test_a_missing_list_is_told(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        takedown.read(tmp_path / "takedown.txt")
