"""The training log as tables and as a picture."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
import pyarrow as pa

from malmoi.atomic import replacing, write_parquet, write_text

#: Columns of a table without rows: held-out figures where the validation split is empty.
COLUMNS = ["kind", "step", "phase", "mlm_loss", "mlm_accuracy", "nsp_loss", "nsp_accuracy"]


class Log:
    """Rows of a run, kept as JSON lines so that they can be read while it goes on.

    A row has ``kind`` "train" or "held_out" and ``step``, the number of steps done.
    """

    def __init__(self, path: Path, resume_step: int) -> None:
        self._path = path
        self.rows: list[dict] = []
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            rows = [json.loads(line) for line in lines if line.endswith("}")]
            self.rows = [row for row in rows if row["step"] <= resume_step and resume_step]
        # Whole or not at all: a kill here must not cost the rows of the steps done.
        write_text(path, "".join(json.dumps(row) + "\n" for row in self.rows))

    def add(self, kind: str, row: dict) -> None:
        """Append a row to memory and file."""
        self.rows.append({"kind": kind, **row})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(self.rows[-1]) + "\n")

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


def plot_curves(train: pd.DataFrame, held_out: pd.DataFrame, path: Path) -> None:
    """Draw MLM loss and NSP accuracy over steps, training beside held-out documents."""
    figure, (losses, accuracies) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    losses.plot(train["step"], train["mlm_loss"], color="#9db4c0", label="training")
    losses.plot(
        held_out["step"], held_out["mlm_loss"], color="#253237", marker="o", ms=3, label="held out"
    )
    losses.set(xlabel="step", ylabel="MLM loss (nats per masked token)")
    accuracies.plot(train["step"], train["nsp_accuracy"], color="#e0b1a0", label="NSP, training")
    for name, colour in (("nsp", "#a23b23"), ("mlm", "#253237")):
        accuracies.plot(
            held_out["step"],
            held_out[f"{name}_accuracy"],
            color=colour,
            marker="o",
            ms=3,
            label=f"{name.upper()}, held out",
        )
    accuracies.set(xlabel="step", ylabel="accuracy", ylim=(0, 1))
    for axes in (losses, accuracies):
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize="small")
        axes.spines[["top", "right"]].set_visible(False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=140, metadata={"Software": None})
    plt.close(figure)
