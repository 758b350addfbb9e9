"""Labelled collections that models are fine-tuned on: the corpus's own documents, or files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malmoi import documents
from malmoi.errors import InputError
from malmoi.evaluation.task_files import COLUMNS, Record, read_records
from malmoi.progress import LOG
from malmoi.sampling import key

SPLITS = ("train", "validation", "test")
KINDS = ("classification", "regression", "tokens", "qa", "choice")
#: Columns of a document that can be labels themselves.
DOCUMENT_LABELS = ("kind", "domain")
#: What a task reads of a segments file: the text as the model's own training reads it.
READ = ("doc_id", "group", "split", "text", "meta", *DOCUMENT_LABELS)
#: One group in so many of train validates where a task names no file that does.
VALIDATION_PART = 10

#: BERT's fine-tuning settings (Devlin et al. 2019, appendix A.3) where a task names no others.
DEFAULTS: dict[str, Any] = {
    "kind": "classification",
    "label": None,
    "kinds": None,
    "domains": None,
    "labels": None,
    "train": None,
    "validation": None,
    "test": None,
    "columns": {},
    "max_seq_length": 128,
    "epochs": 4,
    "batch_size": 32,
    "learning_rates": [2e-5, 3e-5, 5e-5],
    "seeds": [0, 1, 2, 3, 4],
}


@dataclass
class Part:
    """The items of one split in columns of equal length.

    ``texts`` holds a tuple per item: the text; two texts; a question and its context (qa); a question
    and each of its answers (choice). ``targets`` holds what is to be found: the index of a class or of
    the right answer; a number; the index of a tag for each character that is not white space (tokens);
    or ``(start, text)`` of each accepted answer (qa).
    """

    ids: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    texts: list[tuple[str, ...]] = field(default_factory=list)
    targets: list[Any] = field(default_factory=list)


@dataclass
class Task:
    """A labelled collection; ``labels`` are the classes of the train split, or the BIO tags of
    its types, sorted.

    ``left_out`` counts items that passed the filters of kind and domain but carry no label
    (``without_label``) or one that ``labels`` does not name (``other_labels``); ``seen_in_train`` counts
    test items whose texts also are in train, white space aside.
    """

    name: str
    kind: str
    labels: list[str]
    parts: dict[str, Part]
    left_out: dict[str, int]
    groups_in_several_splits: int
    seen_in_train: int


def settings_of(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task's settings with the defaults filled in.

    Raises:
        InputError: the task has no name, neither a label nor files, an unknown key, a kind that what it
            is made of does not have, or an empty list.
    """
    name = task.get("name", "without a name")
    unknown = sorted(set(task) - set(DEFAULTS) - {"name"})
    if unknown:
        known = ", ".join(sorted(DEFAULTS))
        raise InputError(f"task {name}: unknown key {unknown[0]!r}; known besides name: {known}")
    settings = {**DEFAULTS, **{key: value for key, value in task.items() if value is not None}}
    settings["columns"] = {**COLUMNS, **settings["columns"]}
    if not settings.get("name"):
        raise InputError("evaluate.tasks: a task has no name; give it one")
    if bool(settings["label"]) == bool(settings["train"] and settings["test"]):
        raise InputError(
            f"task {name}: give it either a label of the corpus's documents, or files for train and test"
        )
    if settings["kind"] not in KINDS:
        raise InputError(f"task {name}: kind {settings['kind']!r} is not one of {', '.join(KINDS)}")
    if settings["label"] and settings["kind"] != "classification":
        raise InputError(
            f"task {name}: labels of documents are classes; for {settings['kind']} name files for train "
            "and test"
        )
    for plural in ("learning_rates", "seeds"):
        if not settings[plural]:
            raise InputError(f"task {name}: {plural} is empty; give at least one")
    return settings


def read_task(paths: Sequence[str | Path], settings: Mapping[str, Any]) -> Task:
    """Collect a task's items from segments files, or from its own files where it names them.

    Of documents, the label is the value of the key ``label`` in ``meta``, else the column ``kind`` or
    ``domain`` where ``label`` says so; text, numbers and booleans count, an empty value, a list or an
    object does not. Documents come in the order of their id, items of files in theirs. Where files
    name no validation, one group in ten of train validates.

    Raises:
        InputError: no document has the label, a file is not as its kind needs it, a split is empty, the
            train split has fewer than two classes, or a held-out split has one that train lacks.
    """
    left_out = {"without_label": 0, "other_labels": 0}
    seen_keys: set[str] = set()
    if settings["label"]:
        records = {split: [] for split in SPLITS}
        for split, record in _labelled_documents(paths, settings, left_out, seen_keys):
            records[split].append(record)
    else:
        records = _records_of_files(settings)
    wanted = set(map(str, settings["labels"] or ()))
    if wanted and settings["kind"] == "classification":
        for split, found in records.items():
            records[split] = [record for record in found if record.target in wanted]
            left_out["other_labels"] += len(found) - len(records[split])
    labels = _labels_of(settings["kind"], records["train"])
    _check(records, labels, settings, seen_keys)

    parts = {split: Part() for split in SPLITS}
    splits_of: dict[str, set[str]] = {}
    places = {label: place for place, label in enumerate(labels)}
    for split, part in parts.items():
        for record in records[split]:
            part.ids.append(record.id)
            part.groups.append(record.group)
            part.texts.append(record.texts)
            part.targets.append(_indexed(record.target, settings["kind"], places))
            splits_of.setdefault(record.group, set()).add(split)
    straddling = sum(len(splits) > 1 for splits in splits_of.values())
    known = {_spaceless(texts) for texts in parts["train"].texts}
    seen = sum(_spaceless(texts) in known for texts in parts["test"].texts)
    for count, what in (
        (straddling, "groups lie in several splits"),
        (seen, "test items are in train"),
    ):
        if count:
            LOG.warning(
                "task %s: %d %s, so its scores may be too good", settings["name"], count, what
            )
    return Task(settings["name"], settings["kind"], labels, parts, left_out, straddling, seen)


def label_text(value: Any) -> str:
    """Return a scalar label as text, or an empty string where there is none."""
    return str(value).strip() if isinstance(value, str | int | float | bool) else ""


def _labelled_documents(
    paths: Sequence[str | Path],
    settings: Mapping[str, Any],
    left_out: dict[str, int],
    seen_keys: set[str],
) -> list[tuple[str, Record]]:
    """Return the split and the record of each document with a label, by id."""
    found = []
    for document in documents.read(sorted(map(str, paths)), READ):
        if settings["kinds"] and document["kind"] not in settings["kinds"]:
            continue
        if settings["domains"] and document["domain"] not in settings["domains"]:
            continue
        meta = json.loads(document["meta"] or "{}")
        seen_keys.update(meta)
        own = document[settings["label"]] if settings["label"] in DOCUMENT_LABELS else None
        label = label_text(meta.get(settings["label"], own))
        if not label:
            left_out["without_label"] += 1
            continue
        group = document["group"] or document["doc_id"]
        record = Record(document["doc_id"], group, (document["text"],), label)
        found.append((document["split"], record))
    return sorted(found, key=lambda pair: pair[1].id)


def _records_of_files(settings: Mapping[str, Any]) -> dict[str, list[Record]]:
    records = {
        split: list(read_records(settings[split], settings["kind"], settings["columns"], split))
        if settings[split]
        else []
        for split in SPLITS
    }
    if not settings["validation"]:
        for record in records.pop("train"):
            chosen = key(0, "validation", record.group) % VALIDATION_PART == 0
            records.setdefault("validation" if chosen else "train", []).append(record)
        records.setdefault("train", [])
    return records


def _labels_of(kind: str, records: Iterable[Record]) -> list[str]:
    if kind == "classification":
        return sorted({record.target for record in records})
    if kind == "tokens":
        types = {tag[2:] for record in records for tag in record.target if tag != "O"}
        return ["O", *(f"{mark}-{name}" for name in sorted(types) for mark in "BI")]
    return []


def _indexed(target: Any, kind: str, places: Mapping[str, int]) -> Any:
    if kind == "classification":
        return places[target]
    return [places[tag] for tag in target] if kind == "tokens" else target


def _spaceless(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("".join(text.split()) for text in texts)


def _check(
    records: Mapping[str, Sequence[Record]],
    labels: Sequence[str],
    settings: Mapping[str, Any],
    seen_keys: set[str],
) -> None:
    kind, key = settings["kind"], settings["label"]
    where = f"task {settings['name']}" + (f", label {key!r}" if key else "")
    if key and not any(records.values()):
        found = ", ".join(sorted(seen_keys)) or "none at all"
        raise InputError(
            f"{where}: no document carries it; keys found in the metadata: {found}. Name one of "
            f"them as the label, or widen kinds, domains and labels"
        )
    for split in SPLITS:
        if not records[split]:
            cure = (
                f"add documents or raise the share of {split} in curate.split"
                if key
                else f"name a file with items of it under {split}"
            )
            raise InputError(f"{where}: the {split} split has no labelled item; {cure}")
    if kind == "tokens" and labels == ["O"]:
        raise InputError(f"{where}: train has no entity, so there is nothing to learn")
    if kind == "classification" and len(labels) < 2:
        raise InputError(
            f"{where}: every item of the train split is {labels[0]!r}, so there is nothing to "
            f"learn; choose a label with at least two values"
        )
    if kind == "regression" and len({record.target for record in records["train"]}) < 2:
        raise InputError(
            f"{where}: every number of the train split is the same; there is nothing to learn"
        )
    if kind in ("classification", "tokens"):
        for split in SPLITS[1:]:
            unseen = sorted(set(_labels_of(kind, records[split])) - set(labels))
            if unseen:
                raise InputError(
                    f"{where}: {unseen[0]!r} occurs in {split} but never in train ({len(unseen)} such "
                    f"values); list the values to keep under labels, or add items of it"
                )
