"""One table and one plot over experiments, each figure beside its baselines."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from malmoi.atomic import replacing, write_text
from malmoi.errors import InputError
from malmoi.evaluation.tasks import KINDS

COLUMNS = (
    *("evaluation", "split", "metric", "model", "experiment"),
    *("value", "low", "high", "n", "p", "fingerprint"),
)
INTRINSIC_METRICS = (
    *("bits_per_character", "bits_per_character_gain", "bits_per_eojeol"),
    *("calibration_error", "nsp_auc"),
)
PRETRAINING_METRICS = (
    "mlm_loss",
    "mlm_bits_per_character",
    "mlm_accuracy",
    "nsp_loss",
    "nsp_accuracy",
)
#: How the names of what ``evaluate_intrinsic`` measures begin; tasks have no hyphens in theirs.
INTRINSIC = "intrinsic-"
#: The main measure of each kind of task first, so that tables begin with it.
TASK_METRICS = (
    *("macro_f1", "accuracy", "pearson", "spearman"),
    *("entity_macro_f1", "entity_f1", "character_f1", "klue_character_f1"),
    *("f1", "exact", "klue_exact", "klue_rouge_w"),
)
#: Where a smaller figure is the better one.
LOWER = (
    *("bits_per_character", "bits_per_eojeol", "calibration_error"),
    *("mlm_loss", "mlm_bits_per_character", "nsp_loss"),
)
MODELS = (
    *("trained", "untrained", "unigram", "five_gram"),
    *("tfidf_cosine", "tfidf_context", "static_context", "static"),
    *("tfidf_svm", "tfidf_ridge", "gazetteer", "majority"),
)
#: What is plotted: losses and bits on their own scale would hide the shares beside them.
PLOTTED = (
    *("bits_per_character", "bits_per_character_gain"),
    *("mlm_bits_per_character", "mlm_accuracy", "nsp_accuracy"),
    *("macro_f1", "accuracy", "pearson", "entity_macro_f1", "character_f1", "f1", "exact"),
)
#: A model each, from the first on again where there are more (Okabe and Ito 2008; Tol 2021).
COLOURS = (
    *("#0072b2", "#999999", "#e69f00", "#009e73"),
    *("#56b4e9", "#d55e00", "#cc79a7", "#f0e442"),
    *("#882255", "#44aa99", "#aaaa00", "#000000"),
)

STYLE = """
body { font: 14px/1.4 sans-serif; margin: 2em; }
table { border-collapse: collapse; }
th, td { padding: .25em .7em; border-bottom: 1px solid #ddd; text-align: right; }
th { text-align: left; }
"""


def compare(
    results: Mapping[str, Sequence[str | Path]],
    summaries: Mapping[str, str | Path],
    csv_path: str | Path,
    html_path: str | Path,
    png_path: str | Path,
) -> pd.DataFrame:
    """Gather the evaluations of several experiments into a CSV, an HTML table and a bar plot.

    Args:
        results: the JSON files that ``evaluate_intrinsic``, ``evaluate_pretraining`` and
            ``evaluate_task`` wrote, by experiment, in the order to show.
        summaries: the ``summary.json`` of each experiment's training, for its fingerprint: a hash of its
            settings, its instances, its vocabulary, the weights it began with and the code.
        csv_path: one row per figure, with the columns ``COLUMNS``; ``low`` and ``high`` are
            the ends of the 95 % interval, ``n`` counts documents or items, and ``p`` is
            the corrected chance of the difference between a task's model and this baseline;
            ``fingerprint`` is the beginning that names the folder of the training's checkpoints.
        html_path: the same with a column per experiment, for people.
        png_path: bars with intervals of the test split.

    Raises:
        InputError: there is nothing to compare, or a file is not an evaluation.
    """
    rows: list[dict[str, Any]] = []
    for experiment, paths in results.items():
        own = {"experiment": experiment, "fingerprint": _fingerprint(summaries[experiment])}
        for path in sorted(map(str, paths)):
            rows += [{**row, **own} for row in figures_of(path)]
    if not rows:
        raise InputError("no evaluation to compare; run the evaluation of at least one experiment")
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for column, order in (
        ("evaluation", _tasks_last(table["evaluation"])),
        ("split", ["validation", "test"]),
        ("metric", [*INTRINSIC_METRICS, *PRETRAINING_METRICS, *TASK_METRICS]),
        ("model", models_of(table)),
        ("experiment", list(results)),
    ):
        table[column] = pd.Categorical(table[column], categories=order, ordered=True)
    table = table.sort_values(list(COLUMNS[:5]), ignore_index=True)
    write_text(csv_path, table.to_csv(index=False, lineterminator="\n"))
    write_text(html_path, as_html(table))
    plot(table, png_path)
    return table


def _fingerprint(summary: str | Path) -> str:
    try:
        return str(json.loads(Path(summary).read_text(encoding="utf-8"))["fingerprint"])[:16]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{summary}: no summary of a training ({error}); run pretraining again"
        ) from None


def figures_of(path: str | Path) -> list[dict[str, Any]]:
    """Return the figures of one evaluation file as rows without their experiment.

    Raises:
        InputError: the file is none of the evaluations that ``compare`` gathers.
    """
    try:
        report = json.loads(Path(path).read_text(encoding="utf-8"))
        kind = report.get("kind")
    except (ValueError, AttributeError) as error:
        raise InputError(f"{path}: not an evaluation file; delete it and run again") from error
    rows = []
    if kind == "pretraining":
        for split in ("validation", "test"):
            for model in MODELS[:3]:
                scores = report.get(split, {}).get(model, {})
                for metric in PRETRAINING_METRICS:
                    if scores.get(metric) is not None:
                        low, high = scores["intervals"][metric]
                        at = ("held-out", split, metric, model)
                        n = report[split]["documents"]
                        rows.append(_row(*at, scores[metric], low, high, n))
    elif kind == "intrinsic":
        rows += _intrinsic_figures(report)
    elif kind in KINDS:
        for model, scores in report["models"].items():
            for metric in report["measures"]:
                score = scores[metric]
                chance = report["differences"].get(model, {}).get(metric, {}).get("p_holm")
                at = (report["task"], "test", metric, model)
                n = report["items"]["test"]
                rows.append(_row(*at, score["mean"], score["low"], score["high"], n, chance))
    else:
        raise InputError(f"{path}: not an evaluation file (kind {kind!r}); delete it and run again")
    return rows


def _intrinsic_figures(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the figures of all eojeols, of pairs by kind of negative, and of homographs."""
    found: list[tuple[str, str, str, Mapping[str, float], int]] = []
    n = report["cells"]["all"]["eojeols"]
    for model in report["models"]:
        for metric in ("bits_per_character", "bits_per_eojeol", "exact", "calibration_error"):
            found.append(("eojeols", metric, model, report["models"][model]["all"][metric], n))
    for model, gain in report["gains"].items():
        found.append(("eojeols", "bits_per_character_gain", model, gain, n))
    for kind, part in report["pairs"].items():
        for model, measures in part.get("models", {}).items():
            for metric, figure in measures.items():
                name = f"pairs-{kind.replace('_', '-')}"
                found.append((name, metric, model, figure, part["pairs"]))
    probed = report["homographs"]
    for model, measures in probed["models"].items():
        found.append(("homographs", "accuracy", model, measures["accuracy"], probed["sentences"]))
    return [
        _row(
            f"{INTRINSIC}{name}", "test", metric, model, *map(ends.get, ("value", "low", "high")), n
        )
        for name, metric, model, ends, n in found
    ]


def _row(
    evaluation: str,
    split: str,
    metric: str,
    model: str,
    value: float,
    low: float | None,
    high: float | None,
    n: int,
    p: float | None = None,
) -> dict[str, Any]:
    values = (evaluation, split, metric, model, value, low, high, n, p)
    names = [name for name in COLUMNS if name not in ("experiment", "fingerprint")]
    return dict(zip(names, values, strict=True))


def models_of(table: pd.DataFrame) -> list[str]:
    """Return the models of a table: those always there, encoders by name, what needs no encoder."""
    found = set(table["model"])
    return [
        *(name for name in MODELS[:2] if name in found),
        *sorted(found - set(MODELS)),
        *(name for name in MODELS[2:] if name in found),
    ]


def _tasks_last(evaluations: pd.Series) -> list[str]:
    found = list(dict.fromkeys(evaluations))
    always = [name for name in found if name.startswith(INTRINSIC)]
    return [*always, *sorted(set(found) - set(always), key=lambda name: (name != "held-out", name))]


def as_html(table: pd.DataFrame) -> str:
    """Return a page with a row per figure and model and a column per experiment."""
    cells = table.assign(cell=[_cell(row) for row in table.itertuples()])
    wide = cells.pivot(
        index=["evaluation", "split", "metric", "model"], columns="experiment", values="cell"
    ).sort_index()
    wide.columns = [str(name) for name in wide.columns]
    runs = table[["experiment", "fingerprint"]].drop_duplicates().sort_values("experiment")
    lower = ", ".join(LOWER)
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>Experiments compared</title><style>{STYLE}</style></head>\n<body>\n"
        "<h1>Experiments compared</h1>\n"
        "<p>Figure and 95 % interval over documents or items; for fine-tuning the mean over seeds. "
        f"Smaller is better for {html.escape(lower)}, larger for the others. "
        "mlm_loss compares models of one vocabulary only.</p>\n"
        f"{wide.to_html(na_rep='', border=0)}\n"
        "<p>What each is a training of: settings, instances, vocabulary, first weights and code.</p>\n"
        f"{runs.to_html(index=False, border=0)}\n</body>\n</html>\n"
    )


def _cell(row: Any) -> str:
    if pd.isna(row.low) or pd.isna(row.high):
        return f"{row.value:.3f}"
    return f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"


def plot(table: pd.DataFrame, png_path: str | Path) -> None:
    """Draw the test figures: a panel per evaluation and metric, a group of bars per experiment."""
    shown = table[(table["split"] == "test") & table["metric"].isin(PLOTTED)]
    panels = list(shown.groupby(["evaluation", "metric"], observed=True, sort=True))
    experiments = list(table["experiment"].cat.categories)
    columns = min(3, max(1, len(panels)))
    lines = max(1, -(-len(panels) // columns))
    width = max(4.0, 1.2 * len(experiments) + 2)
    models = models_of(shown)
    colours = {name: COLOURS[at % len(COLOURS)] for at, name in enumerate(models)}
    with matplotlib.rc_context({"font.size": 9}):
        figure = Figure(figsize=(width * columns, 3.2 * lines), dpi=120, layout="constrained")
        axes = figure.subplots(lines, columns, squeeze=False).ravel()
        for axis, ((evaluation, metric), part) in zip(axes, panels, strict=False):
            _panel(axis, part, experiments, colours)
            better = "lower" if metric in LOWER else "higher"
            axis.set_title(f"{evaluation}\n{metric} ({better} is better)")
        for axis in axes[len(panels) :]:
            axis.set_visible(False)
        handles = [Patch(color=colours[name], label=name) for name in models]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(5, len(models) or 1))
        with replacing(png_path) as temporary:
            # A software version or date in the file would make equal plots differ.
            figure.savefig(temporary, format="png", metadata={"Software": None})


def _panel(
    axis: Any, part: pd.DataFrame, experiments: Sequence[str], colours: Mapping[str, str]
) -> None:
    models = models_of(part)
    bar = 0.8 / len(models)
    for at, model in enumerate(models):
        rows = part[part["model"] == model]
        places = [experiments.index(name) - 0.4 + bar * (at + 0.5) for name in rows["experiment"]]
        value, low, high = (rows[name].to_numpy(dtype=float) for name in ("value", "low", "high"))
        below, above = (value - low).clip(min=0), (high - value).clip(min=0)
        axis.bar(
            places,
            value,
            bar,
            yerr=[below, above],
            capsize=2,
            color=colours[model],
        )
    axis.set_xticks(range(len(experiments)), experiments)
