"""Fine-tune a model on one classification task and set its scores beside three baselines.

The baselines are the same network untrained (same procedure, same seeds), TF-IDF of characters with
a linear SVM, and the majority class. The train split fits, validation chooses the learning rate and
the epoch; nothing is chosen by test.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from malmoi.atomic import write_json, write_text
from malmoi.evaluation.finetuning import Encoded, Run, check_length, encode, fine_tune
from malmoi.evaluation.intervals import figure, interval, numbered
from malmoi.evaluation.tasks import SPLITS, Part, Task, read_task, settings_of
from malmoi.progress import LOG, track

BASELINES = ("untrained", "tfidf_svm", "majority")
METRICS = ("accuracy", "macro_f1")


def evaluate_classification(
    model_dir: str | Path,
    inputs: Sequence[str | Path],
    task: Mapping[str, Any],
    output_json: str | Path,
    predictions_csv: str | Path,
    threads: int | None = None,
) -> dict[str, Any]:
    """Score a model on a task made of the corpus's own labels; write scores and predictions.

    Args:
        model_dir: a Hugging Face folder with an encoder and its tokenizer.
        inputs: segments files.
        task: an entry of ``evaluate.tasks``; see ``tasks.DEFAULTS`` for what it may leave out.
        output_json: for each model accuracy and macro-F1 on test, the mean over seeds with a 95 %
            bootstrap interval over document groups and seeds, and the paired differences to each
            baseline. Macro-F1 is over the classes of train.
        predictions_csv: ``doc_id, group, model, seed, label, prediction``, one row per test
            document and run.
        threads: CPU threads of torch; its own choice where None. On a CPU the same seeds and
            threads give the same files.

    Raises:
        InputError: the task cannot be posed on these documents, or its texts do not fit the model.
    """
    if threads:
        torch.set_num_threads(threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    settings = settings_of(task)
    check_length(model_dir, settings["max_seq_length"], settings["name"])
    data = read_task(inputs, settings)
    parts = data.parts
    encoded = {
        split: encode(model_dir, parts[split].texts, settings["max_seq_length"]) for split in SPLITS
    }
    truncated = {split: encoded[split].truncated for split in SPLITS}
    LOG.info(
        "task %s: %d classes, documents %s, cut to %d tokens: %s",
        data.name,
        len(data.classes),
        {split: len(parts[split].targets) for split in SPLITS},
        settings["max_seq_length"],
        truncated,
    )
    targets = {split: np.array(parts[split].targets, dtype=np.int64) for split in SPLITS}
    majority = int(np.bincount(targets["train"]).argmax())

    runs = {
        name: _fine_tunings(model_dir, encoded, targets, data, settings, name == "trained")
        for name in ("trained", "untrained")
    }
    predictions: dict[str, list[tuple[int | None, np.ndarray]]] = {
        name: [(run.seed, run.predictions) for run in runs[name]] for name in runs
    }
    predictions["tfidf_svm"] = [(None, linear_svm(parts["train"], parts["test"].texts))]
    predictions["majority"] = [(None, np.full(len(targets["test"]), majority))]

    models, differences = scores(
        targets["test"],
        parts["test"].groups,
        {name: [predicted for _, predicted in found] for name, found in predictions.items()},
        len(data.classes),
        settings["seeds"][0],
    )
    bar = float(np.mean(targets["validation"] == majority))
    for name, found in runs.items():
        models[name]["learning_rate"] = found[0].learning_rate
        models[name]["failed_runs"] = sum(run.validation_accuracy <= bar for run in found)
        for run, row in zip(found, models[name]["runs"], strict=True):
            row.update(_run_row(run))
    report = {
        "kind": "classification",
        "task": data.name,
        "label": settings["label"],
        "settings": settings,
        "classes": data.classes,
        "documents": {split: len(parts[split].targets) for split in SPLITS},
        "test_groups": len(set(parts["test"].groups)),
        "groups_in_several_splits": data.groups_in_several_splits,
        "left_out": data.left_out,
        "truncated": truncated,
        "models": models,
        "differences": differences,
    }
    write_json(output_json, report)
    write_text(predictions_csv, _predictions_text(data, predictions))
    return report


def linear_svm(train: Part, texts: Sequence[str]) -> np.ndarray:
    """Return the classes (int64) that a linear SVM on TF-IDF of character 2- to 4-grams predicts.

    It reads whole texts, also where the encoder's are cut.
    """
    features = TfidfVectorizer(
        analyzer="char", ngram_range=(2, 4), lowercase=False, sublinear_tf=True, dtype=np.float32
    )
    model = make_pipeline(features, LinearSVC(random_state=0))
    return np.asarray(model.fit(train.texts, train.targets).predict(texts), dtype=np.int64)


def scores(
    targets: np.ndarray,
    groups: Sequence[str],
    predictions: Mapping[str, Sequence[np.ndarray]],
    classes: int,
    seed: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return each model's scores and the differences of ``trained`` to each other model.

    ``predictions`` maps a model to one array (int64 [N]) per run; models with as many runs as
    ``trained`` are resampled with the same draws of runs. In a resample macro-F1 passes over a
    class that only the draw has lost, which would otherwise pull the whole interval down.
    """
    numbers, count = numbered(list(groups))
    labels = np.arange(classes)
    tables = {
        name: np.stack([_outcomes(targets, run, numbers, count, classes) for run in runs])
        for name, runs in predictions.items()
    }
    most_runs = max(len(runs) for runs in predictions.values())
    names = list(predictions)

    def statistic(weights: np.ndarray, run_weights: np.ndarray) -> np.ndarray:
        figures = {
            name: _weighted_scores(table, weights, run_weights if len(table) > 1 else np.ones(1))
            for name, table in tables.items()
        }
        others = [figures["trained"] - figures[name] for name in names if name != "trained"]
        return np.concatenate([figures[name] for name in names] + others)

    low, high = interval(count, statistic, seed, runs=most_runs)
    point: list[float] = []
    rows: dict[str, list[dict[str, float | None]]] = {}
    for name, runs in predictions.items():
        values = [
            (
                float(accuracy_score(targets, run)),
                float(f1_score(targets, run, labels=labels, average="macro", zero_division=0)),
            )
            for run in runs
        ]
        rows[name] = [dict(zip(METRICS, map(figure, pair), strict=True)) for pair in values]
        point += np.mean(values, axis=0).tolist()
    means = dict(zip(names, zip(point[::2], point[1::2], strict=True), strict=True))
    for name in names[1:]:
        point += np.subtract(means[names[0]], means[name]).tolist()

    triples = [
        {"mean": figure(p), "low": figure(lo), "high": figure(hi)}
        for p, lo, hi in zip(point, low, high, strict=True)
    ]
    models = {
        name: {**dict(zip(METRICS, triples[2 * at : 2 * at + 2], strict=True)), "runs": rows[name]}
        for at, name in enumerate(names)
    }
    differences = {
        name: dict(zip(METRICS, triples[2 * at : 2 * at + 2], strict=True))
        for at, name in enumerate(names[1:], start=len(names))
    }
    return models, differences


def _outcomes(
    targets: np.ndarray, predicted: np.ndarray, numbers: np.ndarray, groups: int, classes: int
) -> np.ndarray:
    """Return hits, gold and predicted documents per group and class (float64 [3, G, C])."""
    table = np.zeros((3, groups, classes))
    right = targets == predicted
    np.add.at(table[0], (numbers[right], targets[right]), 1)
    np.add.at(table[1], (numbers, targets), 1)
    np.add.at(table[2], (numbers, predicted), 1)
    return table


def _weighted_scores(table: np.ndarray, weights: np.ndarray, run_weights: np.ndarray) -> np.ndarray:
    """Return accuracy and macro-F1 over drawn groups and runs; ``table`` is [runs, 3, G, C]."""
    right, gold, predicted = np.moveaxis(np.einsum("g,rkgc->rkc", weights, table), 1, 0)
    lost = (gold + predicted == 0) & (table[:, 1:].sum((1, 2)) > 0)
    f1 = np.where(lost, np.nan, 2 * right / np.maximum(gold + predicted, 1))
    per_run = np.column_stack([right.sum(1) / gold.sum(1), np.nanmean(f1, axis=1)])
    return run_weights @ per_run / run_weights.sum()


def _fine_tunings(
    model_dir: str | Path,
    encoded: dict[str, Encoded],
    targets: dict[str, np.ndarray],
    data: Task,
    settings: Mapping[str, Any],
    pretrained: bool,
) -> list[Run]:
    """Return one run per seed, all at the learning rate that did best for the first seed."""

    def run(seed: int, learning_rate: float) -> Run:
        return fine_tune(
            model_dir,
            encoded,
            targets,
            len(data.classes),
            pretrained=pretrained,
            seed=seed,
            learning_rate=learning_rate,
            epochs=settings["epochs"],
            batch_size=settings["batch_size"],
        )

    label = f"{data.name}, {'trained' if pretrained else 'untrained'}"
    first, *others = settings["seeds"]
    rates = settings["learning_rates"]
    tried = [run(first, rate) for rate in track(rates, f"{label}, learning rates", unit="runs")]
    best = max(tried, key=lambda found: (found.validation_macro_f1, -found.validation_loss))
    rest = track(others, f"{label}, seeds", unit="runs")
    return [best, *(run(seed, best.learning_rate) for seed in rest)]


def _run_row(run: Run) -> dict[str, Any]:
    return {
        "seed": run.seed,
        "epoch": run.epoch,
        "train_loss": figure(run.train_loss),
        "validation_loss": figure(run.validation_loss),
        "validation_accuracy": figure(run.validation_accuracy),
        "validation_macro_f1": figure(run.validation_macro_f1),
    }


def _predictions_text(
    data: Task, predictions: Mapping[str, Sequence[tuple[int | None, np.ndarray]]]
) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["doc_id", "group", "model", "seed", "label", "prediction"])
    part = data.parts["test"]
    for name, found in predictions.items():
        for seed, predicted in found:
            for place, target in enumerate(part.targets):
                writer.writerow(
                    [
                        part.doc_ids[place],
                        part.groups[place],
                        name,
                        "" if seed is None else seed,
                        data.classes[target],
                        data.classes[predicted[place]],
                    ]
                )
    return buffer.getvalue()
