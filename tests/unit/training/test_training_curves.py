"""The log of a run survives what happens to runs."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from malmoi.training.curves import Log, write_log

FIGURES = {"mlm_loss": 5.0, "mlm_accuracy": 0.1, "nsp_loss": 0.7, "nsp_accuracy": 0.5}


def filled(path: Path, steps: int = 4) -> Log:
    log = Log(path, 0)
    log.add("held_out", {"step": 0, "phase": "a", **FIGURES})
    for step in range(1, steps + 1):
        row = {"step": step, "phase": "a", "loss": 6 - step / 3, **FIGURES}
        log.add("train", {**row, "mlm_loss": 5 - step / 3})
    log.add("held_out", {"step": steps, "phase": "a", **FIGURES})
    return log


def test_rows_are_readable_while_the_run_goes_on(tmp_path: Path) -> None:
    log = filled(tmp_path / "new" / "log.jsonl")
    lines = (tmp_path / "new" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == log.rows
    assert log.table("train")["step"].tolist() == [1, 2, 3, 4]
    assert log.table("held_out")["step"].tolist() == [0, 4]


def test_a_run_taken_up_again_forgets_what_comes_after_its_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    rows = filled(path).rows
    log = Log(path, 2)
    assert log.rows == [row for row in rows if row["step"] <= 2]
    log.add("train", {"step": 3, "loss": 1.0})
    assert Log(path, 4).rows == log.rows


def test_a_run_begun_anew_begins_a_new_log(tmp_path: Path) -> None:
    filled(tmp_path / "log.jsonl")
    assert Log(tmp_path / "log.jsonl", 0).rows == []
    assert (tmp_path / "log.jsonl").read_text() == ""


@pytest.mark.parametrize("cut", [1, 2, 30])
def test_a_torn_last_line_is_survived(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    rows = filled(path).rows
    path.write_bytes(path.read_bytes()[:-cut])
    whole = rows if cut == 1 else rows[:-1]
    log = Log(path, 4)
    assert log.rows == whole
    log.add("train", {"step": 5, "loss": 1.0})
    assert Log(path, 5).rows == [*whole, {"kind": "train", "step": 5, "loss": 1.0}]


def test_a_kill_while_the_log_is_cut_back_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.jsonl"
    rows = filled(path).rows
    write = Path.write_text

    def half(self: Path, text: str, *arguments: object, **named: object) -> int:
        write(self, text[: len(text) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(KeyboardInterrupt):
        Log(path, 3)
    monkeypatch.undo()
    assert Log(path, 4).rows == rows


def test_a_number_that_is_none_is_kept(tmp_path: Path) -> None:
    Log(tmp_path / "log.jsonl", 0).add("train", {"step": 1, "grad_norm": math.nan})
    assert math.isnan(Log(tmp_path / "log.jsonl", 1).rows[0]["grad_norm"])


def test_tables_and_picture_are_written_with_the_same_bytes_each_time(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write_log(filled(tmp_path / f"{folder}.jsonl"), tmp_path / folder)
    names = ["held_out.parquet", "log.parquet", "loss.png"]
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    train = pd.read_parquet(tmp_path / "one" / "log.parquet")
    assert train["step"].tolist() == [1, 2, 3, 4]
    assert "kind" not in train
    assert (tmp_path / "one" / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_without_held_out_documents_has_its_log_too(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.jsonl", 0)
    log.add("train", {"step": 1, "phase": "a", "loss": 5.7, **FIGURES})
    write_log(log, tmp_path)
    held_out = pd.read_parquet(tmp_path / "held_out.parquet")
    assert len(held_out) == 0
    assert {"step", "mlm_loss", "mlm_accuracy", "nsp_loss", "nsp_accuracy"} <= set(held_out)
    assert (tmp_path / "loss.png").is_file()
