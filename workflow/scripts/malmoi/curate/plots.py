"""The plots of the curation report: one function per plot, a table in, a PNG out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from malmoi.atomic import replacing

#: Bars of one plot; the rest are put together.
MOST = 24

_DARK, _LIGHT = "#253237", "#9db4c0"
_STAGES = {
    "ingest": "#a23b23",
    "normalize": "#d98c5f",
    "filter": "#5f8ca3",
    "deduplicate": "#253237",
}


@contextmanager
def _figure(path: str | Path, height: float) -> Iterator[Axes]:
    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    yield axes
    with replacing(path) as temporary:
        # A software version in the file would make equal plots differ.
        figure.savefig(temporary, format="png", dpi=120, metadata={"Software": None})


def _height(bars: int) -> float:
    return 1.2 + 0.24 * max(3, bars)


def _nothing(axes: Axes) -> None:
    axes.text(0.5, 0.5, "none", ha="center", va="center", transform=axes.transAxes)
    axes.set_axis_off()


def _largest(values: pd.Series) -> pd.Series:
    """Return the largest values, smallest first as bars are drawn upwards, the others summed below them."""
    ranked = values.sort_values(ascending=False, kind="stable")
    if len(ranked) > MOST:
        rest = pd.Series({f"{len(ranked) - MOST} others": ranked.iloc[MOST:].sum()})
        ranked = pd.concat([ranked.iloc[:MOST], rest])
    return ranked.iloc[::-1]


def sources(table: pd.DataFrame, path: str | Path) -> None:
    """Draw the characters read and kept of each source, with the share that is left."""
    shown = table.sort_values("chars_read", ascending=False, kind="stable").head(MOST).iloc[::-1]
    with _figure(path, _height(len(shown))) as axes:
        if not shown["chars_read"].sum():
            _nothing(axes)
            return
        read = axes.barh(shown["source"], shown["chars_read"], color=_LIGHT, label="read")
        axes.barh(shown["source"], shown["chars_kept"], color=_DARK, label="kept")
        kept = [f"{share:.1%}" for share in shown["chars_kept"] / shown["chars_read"].clip(lower=1)]
        axes.bar_label(read, kept, padding=3, fontsize="small")
        axes.set(xscale="symlog", xlabel="characters")
        axes.margins(x=0.1)
        axes.legend(
            **{"frameon": False, "fontsize": "small", "ncols": 2, "borderaxespad": 0},
            **{"loc": "lower right", "bbox_to_anchor": (1, 1)},
        )


def drops(table: pd.DataFrame, path: str | Path) -> None:
    """Draw the documents dropped for each reason, coloured by stage."""
    held = table["status"] == "contaminated"
    reasons = table["reason"].where(~held, "holds " + table["reason"])
    keys = table["stage"].astype(str) + ": " + reasons
    shown = _largest(table["documents"].groupby(keys).sum())
    with _figure(path, _height(len(shown))) as axes:
        if shown.empty:
            _nothing(axes)
            return
        colours = [_STAGES.get(name.partition(":")[0], _LIGHT) for name in shown.index]
        bars = axes.barh(shown.index, shown, color=colours)
        axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize="small")
        axes.set(xscale="symlog", xlabel="documents dropped")
        axes.margins(x=0.1)


def lengths(by_source: Mapping[str, pd.Series], path: str | Path) -> None:
    """Draw how long the kept documents are, a line per source."""
    largest = sorted(by_source, key=lambda name: (-int(by_source[name].sum()), name))[:10]
    with _figure(path, 4) as axes:
        if not largest:
            _nothing(axes)
            return
        longest = max(int(by_source[name].max()) for name in largest)
        edges = np.logspace(1, max(2.0, np.log10(longest) + 0.05), 40)
        for name in largest:
            axes.hist(by_source[name], bins=edges, histtype="step", label=name)
        axes.set(xscale="log", xlabel="characters of a kept document", ylabel="documents")
        axes.set_yscale("symlog")
        axes.legend(frameon=False, fontsize="small")


def duplicates(table: pd.DataFrame, path: str | Path) -> None:
    """Draw how many clusters of duplicates there are of each size."""
    with _figure(path, 3.5) as axes:
        if table.empty:
            _nothing(axes)
            return
        axes.stem(table["documents"], table["clusters"], linefmt=_LIGHT, markerfmt="o", basefmt=" ")
        axes.set(xscale="log", xlabel="documents of a cluster, the kept one included")
        axes.set_yscale("symlog")
        axes.set_ylabel("clusters")
        axes.set_ylim(bottom=0)


def counts(table: pd.DataFrame, path: str | Path) -> None:
    """Draw how often each rule changed something."""
    shown = _largest(table["count"].groupby(table["rule"]).sum())
    with _figure(path, _height(len(shown))) as axes:
        if shown.empty:
            _nothing(axes)
            return
        bars = axes.barh(shown.index, shown, color=_DARK)
        axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize="small")
        axes.set(xscale="symlog", xlabel="changes")
        axes.margins(x=0.1)
