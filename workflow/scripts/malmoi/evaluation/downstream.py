"""Fine-tune a model on one task and set its scores beside baselines.

The baselines are the same network untrained and further encoders (same procedure, same seeds), and what
needs no encoder: see ``malmoi.evaluation.baselines``. The train split fits, validation chooses the
learning rate and the epoch; nothing is chosen by test.
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
from huggingface_hub import snapshot_download

from malmoi.atomic import write_json, write_text
from malmoi.evaluation.answers import Answers
from malmoi.evaluation.baselines import majority, without_encoder
from malmoi.evaluation.entities import Tokens, alignment_ceiling
from malmoi.evaluation.finetuning import Kind, Run, check_length, fine_tune, tokenizer_of
from malmoi.evaluation.intervals import figure
from malmoi.evaluation.scores import scores
from malmoi.evaluation.tasks import SPLITS, Task, read_task, settings_of
from malmoi.evaluation.texts import Choice, Classification, Regression
from malmoi.pretrained import CONFIG, TOKENIZER
from malmoi.progress import LOG, track

CLASSES: dict[str, type] = {
    "classification": Classification,
    "regression": Regression,
    "tokens": Tokens,
    "qa": Answers,
    "choice": Choice,
}


def evaluate_task(
    model_dir: str | Path,
    inputs: Sequence[str | Path],
    task: Mapping[str, Any],
    output_json: str | Path,
    predictions_csv: str | Path,
    encoders: Sequence[Mapping[str, str]] = (),
    threads: int | None = None,
) -> dict[str, Any]:
    """Score a model on a task; write scores and predictions.

    Args:
        model_dir: a Hugging Face folder with an encoder and its tokenizer.
        inputs: segments files, where the task is made of a label of the corpus's documents.
        task: an entry of ``evaluate.tasks``; see ``tasks.DEFAULTS`` for what it may leave out.
        output_json: for each model its measures on test, the mean over seeds with a 95 % bootstrap
            interval over groups and seeds, and the paired differences to each baseline with corrected
            p-values. A run that on validation is no better than ``majority`` is among ``failed_runs``,
            and among the mean.
        predictions_csv: ``id, group, model, seed, label, prediction``, one row per test item and run.
        encoders: further baselines, ``{name, model, revision}``: a folder or a Hub id. One that cannot
            be had is named under ``skipped``.
        threads: CPU threads of torch; its own choice where None. On a CPU the same seeds and
            threads give the same files.

    Raises:
        InputError: the task cannot be posed on these items, or its texts do not fit the model.
    """
    if threads:
        torch.set_num_threads(threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    settings = settings_of(task)
    check_length(model_dir, settings["max_seq_length"], settings["name"])
    data = read_task(inputs, settings)
    kind: Kind = CLASSES[data.kind](data)
    test = data.parts["test"]
    sizes = {split: len(data.parts[split].targets) for split in SPLITS}
    LOG.info("task %s: %s, items %s", data.name, data.kind, sizes)

    validation = data.parts["validation"]
    sums = kind.columns(validation.targets, majority(data, validation)).sum(0)
    bar = float(kind.figures(sums, sums)[kind.measures.index(kind.main)])
    predictions: dict[str, list[tuple[int | None, Sequence[Any]]]] = {}
    details: dict[str, dict[str, Any]] = {}
    skipped: dict[str, str] = {}
    arms = [("trained", model_dir, True), ("untrained", model_dir, False)]
    for encoder in encoders:
        try:
            arms.append((encoder["name"], folder_of(encoder), True))
        except OSError as error:
            skipped[encoder["name"]] = (
                f"{type(error).__name__}: it is not here and cannot be fetched"
            )
            LOG.warning("task %s: baseline %s is skipped: %s", data.name, encoder["name"], error)
    for name, folder, pretrained in arms:
        check_length(folder, settings["max_seq_length"], settings["name"])
        runs, details[name] = _fine_tunings(name, folder, kind, data, settings, pretrained, bar)
        predictions[name] = [(run.seed, run.predictions) for run in runs]
    for name, found in without_encoder(data).items():
        predictions[name] = [(None, found)]

    models, differences = scores(
        kind,
        test.targets,
        test.groups,
        {name: [predicted for _, predicted in found] for name, found in predictions.items()},
        settings["seeds"][0],
    )
    for name, extra in details.items():
        rows = extra.pop("runs")
        models[name].update(extra)
        for row, further in zip(models[name]["runs"], rows, strict=True):
            row.update(further)
    report = {
        "kind": data.kind,
        "task": data.name,
        "main": kind.main,
        "measures": list(kind.measures),
        "settings": settings,
        "labels": data.labels,
        "items": sizes,
        "test_groups": len(set(test.groups)),
        "groups_in_several_splits": data.groups_in_several_splits,
        "test_items_seen_in_train": data.seen_in_train,
        "left_out": data.left_out,
        "models": models,
        "differences": differences,
        "skipped": skipped,
    }
    write_json(output_json, report)
    write_text(predictions_csv, _predictions_text(kind, data, predictions))
    return report


def folder_of(encoder: Mapping[str, str]) -> Path:
    """Return the folder of an encoder, fetched from the Hub where it is named by id and commit.

    Raises:
        OSError: it is neither in the Hub's cache nor to be had now.
    """
    if Path(encoder["model"]).is_dir():
        return Path(encoder["model"])
    wanted = [CONFIG, *TOKENIZER, "*.safetensors", "*.safetensors.index.json"]
    try:
        return Path(
            snapshot_download(encoder["model"], revision=encoder["revision"], allow_patterns=wanted)
        )
    except (OSError, ValueError) as error:
        raise OSError(f"{encoder['model']}: {error}") from error


def _fine_tunings(
    name: str,
    folder: str | Path,
    kind: Kind,
    data: Task,
    settings: Mapping[str, Any],
    pretrained: bool,
    bar: float,
) -> tuple[list[Run], dict[str, Any]]:
    """Return a run per seed, all at the learning rate that did best for the first, and what is told of them."""
    tokenizer = tokenizer_of(folder)
    encoded = {
        split: kind.encode(tokenizer, part, settings["max_seq_length"])
        for split, part in data.parts.items()
    }
    main = kind.measures.index(kind.main)

    def run(seed: int, learning_rate: float) -> Run:
        return fine_tune(
            folder,
            kind,
            encoded,
            data.parts,
            pretrained=pretrained,
            seed=seed,
            learning_rate=learning_rate,
            epochs=settings["epochs"],
            batch_size=settings["batch_size"],
        )

    label = f"{data.name}, {name}"
    first, *others = settings["seeds"]
    rates = settings["learning_rates"]
    tried = [run(first, rate) for rate in track(rates, f"{label}, learning rates", unit="runs")]
    best = max(
        tried,
        key=lambda found: (
            found.validation[main],
            -np.nan_to_num(found.validation_loss, nan=np.inf),
        ),
    )
    rest = track(others, f"{label}, seeds", unit="runs")
    runs = [best, *(run(seed, best.learning_rate) for seed in rest)]
    details: dict[str, Any] = {
        "learning_rate": best.learning_rate,
        "learning_rates": {
            str(found.learning_rate): figure(found.validation[main]) for found in tried
        },
        "failed_runs": sum(bool(found.validation[main] <= bar) for found in runs),
        "truncated": {split: found.truncated for split, found in encoded.items()},
        "runs": [
            {
                "seed": found.seed,
                "epoch": found.epoch,
                "train_loss": figure(found.train_loss),
                "validation_loss": figure(found.validation_loss),
                **{
                    f"validation_{measure}": figure(value)
                    for measure, value in zip(kind.measures, found.validation, strict=True)
                },
            }
            for found in runs
        ],
    }
    if isinstance(kind, Tokens):
        ceiling = alignment_ceiling(kind, tokenizer, data.parts["test"])
        details["wordpiece_ceiling"] = dict(zip(kind.measures, map(figure, ceiling), strict=True))
    LOG.info("%s: %s at %g, %s", label, kind.main, best.learning_rate, best.validation[main])
    return runs, details


def _predictions_text(
    kind: Kind,
    data: Task,
    predictions: Mapping[str, Sequence[tuple[int | None, Sequence[Any]]]],
) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["id", "group", "model", "seed", "label", "prediction"])
    part = data.parts["test"]
    for name, found in predictions.items():
        for seed, predicted in found:
            for place, target in enumerate(part.targets):
                shown = [
                    kind.shown(value, part.texts[place]) for value in (target, predicted[place])
                ]
                number = "" if seed is None else seed
                writer.writerow([part.ids[place], part.groups[place], name, number, *shown])
    return buffer.getvalue()
