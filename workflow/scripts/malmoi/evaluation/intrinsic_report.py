"""The intrinsic figures of a model as a table and as a plot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from malmoi.atomic import replacing, write_text

COLUMNS = ("part", "cell", "metric", "model", "value", "low", "high", "n")

_COLOURS = {
    "trained": "#0072b2",
    "five_gram": "#e69f00",
    "unigram": "#f0e442",
    "untrained": "#999999",
    "tfidf_cosine": "#009e73",
    "tfidf_context": "#cc79a7",
    "static_context": "#56b4e9",
    "static": "#d55e00",
    "majority": "#000000",
}


def rows_of(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row with ``COLUMNS`` per figure; ``n`` counts characters, pairs or sentences."""

    def row(
        part: str, cell: str, metric: str, model: str, found: Mapping[str, Any], n: int
    ) -> dict[str, Any]:
        ends = [found[name] for name in ("value", "low", "high")]
        return dict(zip(COLUMNS, (part, cell, metric, model, *ends, n), strict=True))

    for cell, sizes in report["cells"].items():
        for model, cells in report["models"].items():
            for metric, found in cells[cell].items():
                yield row("eojeols", cell, metric, model, found, sizes["characters"])
    for model, found in report["gains"].items():
        n = report["cells"]["all"]["characters"]
        yield row("eojeols", "all", "bits_per_character_gain", model, found, n)
    for kind, part in report["pairs"].items():
        for model, measures in part.get("models", {}).items():
            for metric, found in measures.items():
                yield row("pairs", kind, metric, model, found, part["pairs"])
    probed = report["homographs"]
    for model, found in probed.get("models", {}).items():
        yield row("homographs", "all", "accuracy", model, found["accuracy"], probed["sentences"])


def write_table(report: Mapping[str, Any], path: str | Path) -> None:
    """Write the figures as CSV with ``COLUMNS``."""
    table = pd.DataFrame(rows_of(report), columns=list(COLUMNS))
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def draw(report: Mapping[str, Any], path: str | Path) -> None:
    """Draw bits per character by class of characters, and accuracy of pairs and homographs, as PNG."""
    table = pd.DataFrame(rows_of(report), columns=list(COLUMNS))
    bits = table[(table["metric"] == "bits_per_character") & ~table["cell"].str.contains(":")]
    shares = table[
        ((table["part"] == "pairs") & (table["metric"] == "nsp_accuracy"))
        | (table["part"] == "homographs")
    ]
    figure = Figure(figsize=(12, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _bars(left, bits, "bits per character (lower is better)")
    _bars(right, shares, "share right (higher is better)")
    shown = {*bits["model"], *shares["model"]}
    handles = [Patch(color=_COLOURS[name], label=name) for name in _COLOURS if name in shown]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    with replacing(path) as temporary:
        # A software version in the file would make equal plots differ.
        figure.savefig(temporary, format="png", dpi=120, metadata={"Software": None})


def _bars(axes: Axes, table: pd.DataFrame, label: str) -> None:
    names = table["cell"].where(table["part"] != "homographs", "homographs")
    cells = list(dict.fromkeys(names))
    for number, cell in enumerate(cells):
        part = table[names == cell].dropna().set_index("model")
        models = [model for model in _COLOURS if model in part.index]
        width = 0.8 / max(1, len(models))
        for at, model in enumerate(models):
            value, low, high = part.loc[model, ["value", "low", "high"]].astype(float)
            ends = [[max(0.0, value - low)], [max(0.0, high - value)]]
            place = number - 0.4 + width * (at + 0.5)
            axes.bar(place, value, width, yerr=ends, capsize=1.5, color=_COLOURS[model])
    axes.set_xticks(range(len(cells)), cells, rotation=20)
    axes.set_ylabel(label)
    axes.spines[["top", "right"]].set_visible(False)
