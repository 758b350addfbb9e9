"""A checkpoint is whole or it is not there."""

import json
import os
from pathlib import Path

import pytest
from malmoi.errors import InputError
from malmoi.training import checkpoint


def save(root: Path, step: int, keep: int = 2, content: bytes = b"weights") -> Path:
    """Write a partial folder as two ranks would and publish it."""
    partial = root / checkpoint.partial_name(step)
    (partial / "deeper").mkdir(parents=True)
    (partial / "rank_0.pt").write_bytes(content)
    (partial / "deeper" / "rank_1.pt").write_bytes(content * 2)
    checkpoint.publish(root, step, {"ranks": 2}, keep)
    return root / checkpoint.name_of(step)


def test_a_published_checkpoint_lists_its_files(tmp_path: Path) -> None:
    folder = save(tmp_path, 5)
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    found = checkpoint.newest(tmp_path)
    assert found is not None
    assert (found["name"], found["step"], found["ranks"]) == ("step-00000005", 5, 2)
    assert sorted(found["files"]) == ["deeper/rank_1.pt", "rank_0.pt"]
    assert found["files"]["rank_0.pt"]["size"] == 7


def test_without_a_checkpoint_there_is_none(tmp_path: Path) -> None:
    assert checkpoint.newest(tmp_path) is None
    assert checkpoint.newest(tmp_path / "missing") is None


def test_a_save_cut_short_is_no_checkpoint(tmp_path: Path) -> None:
    save(tmp_path, 5)
    (tmp_path / checkpoint.partial_name(10)).mkdir()
    (tmp_path / checkpoint.partial_name(10) / "rank_0.pt").write_bytes(b"half")
    reports: list[str] = []
    found = checkpoint.newest(tmp_path, reports.append)
    assert found is not None and found["step"] == 5
    assert not reports
    checkpoint.drop_partial(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000005"]


@pytest.mark.parametrize(
    ("damage", "report"),
    [
        ("truncated", "is damaged and passed over: rank_0.pt differs"),
        ("changed", "is damaged and passed over: rank_0.pt differs"),
        ("missing", "is damaged and passed over: deeper/rank_1.pt differs"),
        ("no manifest", "is unreadable and passed over"),
        ("torn manifest", "is unreadable and passed over"),
        ("foreign manifest", "is unreadable and passed over"),
    ],
)
def test_a_damaged_checkpoint_is_reported_and_the_older_one_taken(
    damage: str, report: str, tmp_path: Path
) -> None:
    save(tmp_path, 5)
    newest = save(tmp_path, 10)
    if damage == "truncated":
        os.truncate(newest / "rank_0.pt", 3)
    elif damage == "changed":
        (newest / "rank_0.pt").write_bytes(b"weightz")
    elif damage == "missing":
        (newest / "deeper" / "rank_1.pt").unlink()
    elif damage == "no manifest":
        (newest / checkpoint.MANIFEST).unlink()
    elif damage == "torn manifest":
        os.truncate(newest / checkpoint.MANIFEST, 20)
    else:
        (newest / checkpoint.MANIFEST).write_text(json.dumps(["files"]))
    reports: list[str] = []
    found = checkpoint.newest(tmp_path, reports.append)
    assert found is not None and found["step"] == 5
    assert len(reports) == 1
    assert str(newest) in reports[0] and report in reports[0]


def test_only_the_newest_stay(tmp_path: Path) -> None:
    for step in (5, 10, 15, 20):
        save(tmp_path, step)
    assert checkpoint.complete_names(tmp_path) == ["step-00000015", "step-00000020"]
    save(tmp_path, 100_000_000, keep=1)
    assert checkpoint.complete_names(tmp_path) == ["step-100000000"]


def test_a_damaged_later_checkpoint_gives_way_to_new_ones(tmp_path: Path) -> None:
    for step in (5, 10):
        save(tmp_path, step)
    for name in checkpoint.complete_names(tmp_path):
        os.truncate(tmp_path / name / "rank_0.pt", 3)
    # Everything was damaged, so training began anew; what it saves must not be what is removed.
    save(tmp_path, 3)
    found = checkpoint.newest(tmp_path)
    assert found is not None and found["step"] == 3
    assert checkpoint.complete_names(tmp_path) == ["step-00000003"]


def test_a_checkpoint_of_the_same_step_is_replaced(tmp_path: Path) -> None:
    save(tmp_path, 5)
    save(tmp_path, 5, content=b"other")
    found = checkpoint.newest(tmp_path)
    assert found is not None and found["files"]["rank_0.pt"]["size"] == 5


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    message = f"another process .*{os.getpid()}.* is training"
    with checkpoint.hold(tmp_path / "run"), pytest.raises(InputError, match=message):
        checkpoint.hold(tmp_path / "run")
    checkpoint.hold(tmp_path / "run").close()
