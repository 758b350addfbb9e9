"""A file or folder is there whole or not at all."""

import json
import stat

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi import atomic


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "deep" / "file.txt"
    atomic.write_text(target, "old")
    with pytest.raises(RuntimeError), atomic.replacing(target) as temporary:
        temporary.write_text("half")
        assert target.read_text() == "old"
        raise RuntimeError
    assert [path.name for path in target.parent.iterdir()] == ["file.txt"]
    assert target.read_text() == "old"


def test_a_failed_folder_leaves_the_old_folder_and_nothing_else(tmp_path):
    target = tmp_path / "model"
    with atomic.replacing_folder(target) as temporary:
        (temporary / "old").touch()
    with pytest.raises(RuntimeError), atomic.replacing_folder(target) as temporary:
        (temporary / "half").touch()
        raise RuntimeError
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == [
        "model",
        "model/old",
    ]


def test_a_new_folder_holds_nothing_of_the_old_one(tmp_path):
    for name in ("old", "new"):
        with atomic.replacing_folder(tmp_path / "model") as temporary:
            (temporary / name).touch()
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_block_that_wrote_nothing_fails_and_keeps_the_old_file(tmp_path):
    atomic.write_text(tmp_path / "file", "old")
    with pytest.raises(FileNotFoundError), atomic.replacing(tmp_path / "file"):
        pass
    assert (tmp_path / "file").read_text() == "old"


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path):
    for name in (".a[1].txt.12.tmp", ".b.txt.12.tmp", ".a[1].txt.mine", ".a[1].txt.12.tmp.txt"):
        (tmp_path / name).touch()
    (tmp_path / ".model.7.tmp").mkdir()
    (tmp_path / ".model.7.old").mkdir()
    (tmp_path / ".model.7.tmp" / "weights").touch()
    atomic.write_text(tmp_path / "a[1].txt", "new")
    with atomic.replacing_folder(tmp_path / "model"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".a[1].txt.12.tmp.txt",
        ".a[1].txt.mine",
        ".b.txt.12.tmp",
        "a[1].txt",
        "model",
    ]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_text_is_written_as_it_is(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("text") / "file.txt"
    atomic.write_text(path, text)
    assert path.read_bytes() == text.encode("utf-8")


def test_json_is_sorted_and_readable(tmp_path):
    value = {"나": 1, "가": {"b": [1, 2], "a": None}}
    atomic.write_json(tmp_path / "a.json", value)
    atomic.write_json(tmp_path / "b.json", dict(reversed(value.items())))
    assert json.loads((tmp_path / "a.json").read_text()) == value
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert "가" in (tmp_path / "a.json").read_text()


def test_parquet_comes_back_and_is_the_same_bytes_each_time(tmp_path):
    table = pa.table({"text": ["가", None, ""], "number": [1, 2, 3]})
    for name in ("a", "b"):
        atomic.write_parquet(tmp_path / name, table)
    assert pq.read_table(tmp_path / "a").equals(table)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_files_can_be_read_by_whoever_the_umask_lets(tmp_path):
    (tmp_path / "plain").touch()
    atomic.write_text(tmp_path / "file", "text")
    mode = stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode
