"""The audit as a table and as a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from malmoi.atomic import replacing, write_text

_COLOURS = {"ratio": "#0072b2", "loss": "#56b4e9", "counts": "#999999"}
_NAMES = {"ratio": "loss against a reference", "loss": "loss", "counts": "piece counts (bar)"}


def write_table(report: Mapping[str, Any], path: str | Path) -> None:
    """Write the checks as CSV: ``name``, ``passed``, ``value``, ``limit``, ``says``."""
    table = pd.DataFrame(report["checks"])[["name", "passed", "value", "limit", "says"]]
    write_text(path, table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def draw(report: Mapping[str, Any], path: str | Path) -> None:
    """Draw exposure by how often canaries were planted, and the ROC curves of membership, as PNG."""
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    _exposure(left, report["exposure"], report["settings"]["candidates"])
    for name, points in report["membership"]["roc"].items():
        area = report["membership"]["attacks"][name]["auc"]["value"]
        label = f"{_NAMES[name]}: {area:.3f}"
        right.plot(*zip(*points, strict=True), color=_COLOURS[name], label=label)
    right.plot([0, 1], [0, 1], color="#cccccc", linestyle=":")
    right.set(xlabel="unseen documents taken for members", ylabel="members found")
    right.legend(title="area", loc="lower right", fontsize=8)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    with replacing(path) as temporary:
        # A software version in the file would make equal plots differ.
        figure.savefig(temporary, format="png", dpi=120, metadata={"Software": None})


def _exposure(axes: Axes, exposure: Sequence[Mapping[str, Any]] | None, candidates: int) -> None:
    if not exposure:
        axes.text(0.5, 0.5, "no canaries planted", ha="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    counts = [str(row["count"]) for row in exposure]
    for name in exposure[0]["formats"]:
        bits = [row["formats"][name] for row in exposure]
        axes.plot(counts, bits, color="#bbbbbb", marker=".", label=name.replace("_", " "))
    axes.plot(
        counts,
        [row["bits"] for row in exposure],
        color="#0072b2",
        marker="o",
        label="all",
    )
    # The mean of the null distribution.
    axes.axhline(1.44, color="#d55e00", linestyle=":", label="chance")
    axes.set(xlabel="times planted", ylabel=f"exposure, bits (first of {candidates + 1}: most)")
    axes.legend(fontsize=8)
