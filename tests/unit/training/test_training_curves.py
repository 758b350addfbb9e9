"""The log of a run survives what happens to runs."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from malmoi.training import curves
from malmoi.training.curves import Log, write_log
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

FIGURES = {"mlm_loss": 5.0, "mlm_accuracy": 0.1, "nsp_loss": 0.7, "nsp_accuracy": 0.5}
RUNNING = {"learning_rate": 1e-4, "grad_norm": 0.9, "tokens_per_second": 8e5, "mfu": math.nan}


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return what TensorBoard shows of a folder: step and value of each curve."""
    events = EventAccumulator(str(folder))
    events.Reload()
    shown = {
        name: [(event.step, round(event.value, 6)) for event in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }
    return {name: points for name, points in shown.items() if points}


def filled(path: Path, steps: int = 4) -> Log:
    log = Log(path, 0)
    log.add("held_out", {"step": 0, "phase": "a", **FIGURES})
    for step in range(1, steps + 1):
        row = {"step": step, "phase": "a", "loss": 6 - step / 3, **FIGURES, **RUNNING}
        log.add("train", {**row, "mlm_loss": 5 - step / 3})
    log.add("held_out", {"step": steps, "phase": "a", **FIGURES})
    return log


def test_rows_are_readable_while_the_run_goes_on(tmp_path: Path) -> None:
    log = filled(tmp_path / "new" / "log.jsonl")
    lines = (tmp_path / "new" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert rows[1] == {**log.rows[1], "mfu": None}
    assert [row["step"] for row in rows] == [0, 1, 2, 3, 4, 4]
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
    log.add("train", {"step": 1, "phase": "a", "loss": 5.7, **FIGURES, **RUNNING})
    write_log(log, tmp_path)
    held_out = pd.read_parquet(tmp_path / "held_out.parquet")
    assert len(held_out) == 0
    assert {"step", "mlm_loss", "mlm_accuracy", "nsp_loss", "nsp_accuracy"} <= set(held_out)
    assert (tmp_path / "loss.png").is_file()


def test_tensorboard_shows_each_step_once_after_a_kill(tmp_path: Path) -> None:
    path, folder = tmp_path / "log.jsonl", tmp_path / "tensorboard"
    filled(path)
    shown = scalars(folder)
    assert shown["train/mlm_loss"] == [(step, round(5 - step / 3, 6)) for step in (1, 2, 3, 4)]
    assert shown["held_out/nsp_accuracy"] == [(0, 0.5), (4, 0.5)]
    assert "train/mfu" not in shown
    (events,) = folder.iterdir()
    events.write_bytes(events.read_bytes()[:-5])
    log = Log(path, 2)
    for step in (3, 4):
        log.add("train", {"step": step, "phase": "a", "mlm_loss": 1.0})
    expected = [(1, round(5 - 1 / 3, 6)), (2, round(5 - 2 / 3, 6)), (3, 1.0), (4, 1.0)]
    shown = scalars(folder)
    assert shown["train/mlm_loss"] == expected
    assert shown["held_out/nsp_accuracy"] == [(0, 0.5)]
    Log(path, 0).add("held_out", {"step": 0, "phase": "a", "mlm_loss": 9.0})
    assert scalars(folder) == {"held_out/mlm_loss": [(0, 9.0)]}


def test_the_picture_leaves_out_what_does_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    monkeypatch.setattr(curves.plt, "close", drawn.append)
    train = filled(tmp_path / "log.jsonl").table("train")
    train[["nsp_loss", "nsp_accuracy"]] = math.nan
    nothing = pd.DataFrame({name: [] for name in curves.COLUMNS})
    curves.plot_curves(train, nothing, tmp_path / "loss.png")
    (figure,) = drawn
    legend = figure.axes[1].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["MLM, training"]
    # Not MFU, whose scale would be beside the speed's.
    labels = [axes.get_ylabel() for axes in figure.axes[4:]]
    assert labels == ["gradient norm before clipping"]
