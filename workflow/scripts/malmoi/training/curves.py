"""The training log as tables and as a picture."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogFormatter, PercentFormatter, StrMethodFormatter
from torch.utils.tensorboard import SummaryWriter

from malmoi.atomic import replacing, write_parquet, write_text

#: Columns of a table without rows: held-out figures where the validation split is empty.
COLUMNS = ["kind", "step", "phase", "mlm_loss", "mlm_accuracy", "nsp_loss", "nsp_accuracy"]

_LIGHT, _DARK, _LIGHT_RED, _DARK_RED = "#9db4c0", "#253237", "#e0b1a0", "#a23b23"
_POINTS = {"marker": "o", "markersize": 3}


class Log:
    """Rows of a run, kept as JSON lines so that they can be read while it goes on.

    A row has ``kind`` "train" or "held_out" and ``step``, the number of steps done. A figure that does not
    exist is NaN in memory and null in the file. The folder ``tensorboard`` beside the file has the same figures
    for TensorBoard.
    """

    def __init__(self, path: Path, resume_step: int) -> None:
        """Take up the rows of ``resume_step`` steps and forget later ones; 0 begins a new log."""
        self._path, self._resume_step = path, resume_step
        self._events: SummaryWriter | None = None
        self.rows: list[dict] = []
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            rows = [json.loads(line) for line in lines if line.endswith("}")]
            self.rows = [
                {name: math.nan if value is None else value for name, value in row.items()}
                for row in rows
                if row["step"] <= resume_step and resume_step
            ]
        # Whole or not at all: a kill here must not cost the rows of the steps done.
        write_text(path, "".join(_json_line(row) for row in self.rows))

    def add(self, kind: str, row: dict) -> None:
        """Append a row to memory and files."""
        self.rows.append({"kind": kind, **row})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_json_line(self.rows[-1]))
        if self._events is None:
            # Readers of the folder then forget what a run that was killed wrote from that step on.
            self._events = SummaryWriter(
                self._path.parent / "tensorboard",
                purge_step=self._resume_step + 1 if self._resume_step else 0,
            )
        for name, value in row.items():
            if name != "step" and isinstance(value, int | float) and math.isfinite(value):
                self._events.add_scalar(f"{kind}/{name}", value, row["step"])
        # A kill must not cost what the lines have.
        self._events.flush()

    def table(self, kind: str) -> pd.DataFrame:
        """Return the rows of one kind."""
        rows = [row for row in self.rows if row["kind"] == kind]
        return pd.DataFrame(rows, columns=None if rows else COLUMNS).drop(columns="kind")


def write_log(log: Log, folder: Path) -> None:
    """Write ``log.parquet`` (training), ``held_out.parquet`` and ``loss.png``."""
    train, held_out = log.table("train"), log.table("held_out")
    write_parquet(folder / "log.parquet", pa.Table.from_pandas(train, preserve_index=False))
    write_parquet(folder / "held_out.parquet", pa.Table.from_pandas(held_out, preserve_index=False))
    plot_curves(train, held_out, folder / "loss.png")


def summary(log: Log) -> dict[str, Any]:
    """Return tokens and seconds of a whole run, and the last row of each kind (None without held-out ones)."""
    train, held_out = log.table("train"), log.table("held_out")
    return {
        "tokens": int(train["tokens"].sum()),
        "seconds": round(float(train["seconds"].sum()), 1),
        "final_training": json.loads(train.iloc[-1].to_json()),
        "final_held_out": json.loads(held_out.iloc[-1].to_json()) if len(held_out) else None,
    }


def _json_line(row: dict) -> str:
    values = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }
    return json.dumps(values, allow_nan=False) + "\n"


def plot_curves(train: pd.DataFrame, held_out: pd.DataFrame, path: Path) -> None:
    """Draw loss, accuracies, learning rate with gradient norm, and speed over steps.

    Columns without a figure, such as those of next sentences where there were no pairs, are left out.
    """
    figure, grid = plt.subplots(2, 2, figsize=(11, 7), layout="constrained")
    (losses, accuracies), (rates, speeds) = grid
    _draw(losses, train, "mlm_loss", _LIGHT, label="training")
    _draw(losses, held_out, "mlm_loss", _DARK, label="held out", **_POINTS)
    losses.set(ylabel="MLM loss (nats per masked token)")
    for name, light, dark in (("mlm", _LIGHT, _DARK), ("nsp", _LIGHT_RED, _DARK_RED)):
        column, label = f"{name}_accuracy", name.upper()
        _draw(accuracies, train, column, light, label=f"{label}, training")
        _draw(accuracies, held_out, column, dark, label=f"{label}, held out", **_POINTS)
    accuracies.set(ylabel="accuracy", ylim=(0, 1))
    for axes in (losses, accuracies):
        axes.legend(frameon=False, fontsize="small")
    _draw(rates, train, "learning_rate", _DARK)
    rates.set_ylabel("learning rate", color=_DARK)
    rates.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    rates.set_ylim(bottom=0)
    norms = _right(rates, train, "grad_norm", "gradient norm before clipping")
    if norms is not None:
        norms.set_yscale("log")
        norms.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        norms.yaxis.set_minor_formatter(LogFormatter())
    _draw(speeds, train, "tokens_per_second", _DARK)
    speeds.set_ylabel("tokens per second, without padding", color=_DARK)
    speeds.set_ylim(bottom=0)
    speeds.yaxis.set_major_formatter(EngFormatter())
    shares = _right(speeds, train, "mfu", "MFU")
    if shares is not None:
        # On a scale of its own length it would lie on the speed, to which it is nearly proportional.
        shares.set_ylim(0, 1)
        shares.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    for axes in grid.flat:
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
        axes.spines["top"].set_visible(False)
        axes.spines["right"].set_visible(False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=140, metadata={"Software": None})
    plt.close(figure)


def _draw(axes: Axes, table: pd.DataFrame, name: str, colour: str, **style: object) -> None:
    """Draw a column over steps, if it has any figure."""
    found = int(table[name].notna().sum())
    if found:
        # A line through one point is invisible.
        style = {**style, **_POINTS} if found == 1 else style
        axes.plot(table["step"], table[name], color=colour, **style)


def _right(axes: Axes, table: pd.DataFrame, name: str, label: str) -> Axes | None:
    """Draw a column with a scale of its own on the right, if it has any figure."""
    if table[name].isna().all():
        return None
    right = axes.twinx()
    _draw(right, table, name, _LIGHT_RED, linewidth=1)
    right.set_ylabel(label, color=_DARK_RED)
    right.spines["top"].set_visible(False)
    return right
