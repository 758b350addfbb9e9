"""Read what a run measured out of its JSON files, as rows a table can show."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malmoi.errors import InputError

HELD_OUT = ("validation", "test")

#: What the model is held against, in the order of the card's columns.
BASELINES = (
    *("untrained", "unigram", "five_gram", "tfidf_cosine", "tfidf_context", "static"),
    *("tfidf_svm", "tfidf_ridge", "gazetteer", "majority"),
)

#: How the Hub names the kinds of task.
TASK_TYPES = {
    "classification": "text-classification",
    "regression": "sentence-similarity",
    "tokens": "token-classification",
    "qa": "question-answering",
    "choice": "multiple-choice",
}


@dataclass(frozen=True)
class Measure:
    """One measured figure of the model, with its 95 % interval and the same figure of baselines."""

    evaluation: str
    task_type: str
    split: str
    metric: str
    value: float
    low: float | None
    high: float | None
    baselines: dict[str, float]


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        InputError: the file is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(
            f"{path} is not JSON ({error}); run the step that writes it again"
        ) from None


def read_evaluations(paths: Sequence[Path]) -> list[Measure]:
    """Return the figures of evaluation files by file name; files that are not JSON are passed over.

    Each file is an object whose ``kind`` says how it is read: ``pretraining`` (a split, a model and a
    metric, intervals beside them), ``intrinsic`` (all eojeols, pairs, homographs) or a key of ``TASK_TYPES``
    (a model and a metric on the test split).

    Raises:
        InputError: a file is not JSON or of an unknown kind.
    """
    readers = {"pretraining": _pretraining, "intrinsic": _intrinsic}
    readers |= dict.fromkeys(TASK_TYPES, _task)
    found: list[Measure] = []
    for path in sorted(paths, key=lambda path: path.name):
        if path.suffix != ".json":
            continue
        content = read_json(path)
        kind = content.get("kind") if isinstance(content, Mapping) else None
        if kind not in readers:
            raise InputError(
                f"{path} is an evaluation of kind {kind!r}; the card knows {', '.join(readers)}"
            )
        found += readers[kind](path.stem, content)
    return found


def _pretraining(name: str, content: Mapping[str, Any]) -> Iterator[Measure]:
    for split in HELD_OUT:
        models = content.get(split, {})
        trained = models.get("trained", {})
        for metric, interval in sorted(trained.get("intervals", {}).items()):
            if _is_number(trained.get(metric)):
                baselines = {
                    model: models[model][metric]
                    for model in BASELINES
                    if _is_number(models.get(model, {}).get(metric))
                }
                low, high = interval
                yield Measure(
                    name, "fill-mask", split, metric, trained[metric], low, high, baselines
                )


def _intrinsic(name: str, content: Mapping[str, Any]) -> Iterator[Measure]:
    parts = {"eojeols": {model: cells["all"] for model, cells in content["models"].items()}}
    for kind, pairs in content["pairs"].items():
        parts[f"pairs-{kind.replace('_', '-')}"] = pairs.get("models", {})
    parts["homographs"] = content["homographs"]["models"]
    for part, models in parts.items():
        for metric, figures in sorted(models.get("trained", {}).items()):
            if _is_number(figures.get("value")):
                baselines = {
                    model: models[model][metric]["value"]
                    for model in BASELINES
                    if _is_number(models.get(model, {}).get(metric, {}).get("value"))
                }
                ends = (figures["value"], figures["low"], figures["high"])
                yield Measure(f"{name}-{part}", "fill-mask", "test", metric, *ends, baselines)


def _task(_name: str, content: Mapping[str, Any]) -> Iterator[Measure]:
    models = content["models"]
    for metric, figures in sorted(models["trained"].items()):
        if isinstance(figures, Mapping) and _is_number(figures.get("mean")):
            baselines = {
                model: models[model][metric]["mean"]
                for model in BASELINES
                if _is_number(models.get(model, {}).get(metric, {}).get("mean"))
            }
            yield Measure(
                content["task"],
                TASK_TYPES[content["kind"]],
                "test",
                metric,
                figures["mean"],
                figures["low"],
                figures["high"],
                baselines,
            )


def settings(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the scalars of nested objects and lists as (dotted name, text), for a table of settings."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from settings(part, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for number, part in enumerate(value, start=1):
            yield from settings(part, f"{name}.{number}")
    elif value is not None:
        yield name, figure(value)


def figure(value: Any) -> str:
    """Return a number as a reader wants it: thousands apart, fractions to four significant digits."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{int(value):,}" if value.is_integer() and abs(value) < 1e15 else f"{value:.4g}"
    return str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
