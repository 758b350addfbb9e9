"""The plots of vocabularies: measures in, a PNG out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from malmoi.atomic import replacing
from malmoi.fonts import drawable, families

#: One colour and marker each, first come first served: the first is the vocabulary that the report is about.
_COLOURS = (
    *("#253237", "#a23b23", "#5f8ca3", "#d98c5f", "#6b8e5a", "#8a6d9e"),
    *("#9db4c0", "#c9a227", "#7a5c46", "#4f7f78"),
)
_MARKERS = "osD^vP*X<>"


@contextmanager
def _figure(path: str | Path) -> Iterator[Axes]:
    # Tokenizers are named by their folders.
    with matplotlib.rc_context({"font.family": families()}):
        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        yield axes
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize="small")
        with replacing(path) as temporary:
            # A software version in the file would make equal plots differ.
            figure.savefig(temporary, format="png", dpi=120, metadata={"Software": None})


def _style(number: int) -> dict[str, str]:
    return {
        "color": _COLOURS[number % len(_COLOURS)],
        "marker": _MARKERS[number % len(_MARKERS)],
    }


def _plane(axes: Axes) -> None:
    axes.set(xlabel="tokens per eojeol", ylabel="F1 of morpheme boundaries")
    axes.grid(color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)


def boundaries(table: pd.DataFrame, path: str | Path) -> None:
    """Draw each tokenizer by its length and its boundaries, the share of [UNK] in the legend.

    ``table``: ``tokenizer``, ``tokens_per_eojeol``, ``f1``, ``unk_share``; a row each.
    """
    with _figure(path) as axes:
        _plane(axes)
        for number, row in enumerate(table.itertuples()):
            label = f"{drawable(row.tokenizer)} ({row.unk_share:.3%} [UNK])"
            place = [row.tokens_per_eojeol], [row.f1]
            axes.plot(*place, linestyle="", markersize=9, label=label, **_style(number))


def coverage(table: pd.DataFrame, path: str | Path) -> None:
    """Draw what share of held-out tokens the pieces most used in training make up, a line per tokenizer.

    ``table``: ``tokenizer``, ``pieces``, ``token_share``.
    """
    with _figure(path) as axes:
        for number, (name, part) in enumerate(table.groupby("tokenizer", sort=False)):
            axes.plot(
                part["pieces"],
                part["token_share"],
                markersize=4,
                label=drawable(name),
                **_style(number),
            )
        axes.set(
            xscale="log", xlabel="pieces most used in training", ylabel="share of held-out tokens"
        )
        axes.grid(color="#e6e6e6", linewidth=0.6)


def frontier(table: pd.DataFrame, path: str | Path) -> None:
    """Draw a sweep: a line over the sizes of each kind of vocabulary, a ring around what is on the frontier.

    ``table``: ``boundaries``, ``learner``, ``size``, ``tokens_per_eojeol``, ``f1``, ``frontier`` (bool).
    """
    with _figure(path) as axes:
        _plane(axes)
        kinds = table.sort_values("size", kind="stable").groupby(
            ["boundaries", "learner"], sort=True
        )
        for number, ((boundary, learner), part) in enumerate(kinds):
            places = part["tokens_per_eojeol"], part["f1"]
            axes.plot(*places, markersize=5, label=f"{boundary}, {learner}", **_style(number))
        best = table[table["frontier"]]
        axes.plot(
            best["tokens_per_eojeol"],
            best["f1"],
            linestyle="",
            marker="o",
            markersize=13,
            markerfacecolor="none",
            markeredgecolor="#a23b23",
            label="on the frontier, with its size",
        )
        for row in best.itertuples():
            place = row.tokens_per_eojeol, row.f1
            shift = {"xytext": (6, -11), "textcoords": "offset points"}
            axes.annotate(f"{row.size:,}", place, fontsize="xx-small", **shift)
