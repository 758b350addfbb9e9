"""Classification tasks made of the corpus's own documents and a label from their metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malmoi import documents
from malmoi.errors import InputError
from malmoi.progress import LOG

SPLITS = ("train", "validation", "test")
#: Columns of a document that can be labels themselves.
COLUMNS = ("kind", "domain")
#: What a task reads of a segments file: the text as the model's own training reads it.
READ = ("doc_id", "group", "split", "text", "meta", *COLUMNS)

#: BERT's fine-tuning settings (Devlin et al. 2019, appendix A.3) where a task names no others.
DEFAULTS: dict[str, Any] = {
    "kinds": None,
    "domains": None,
    "labels": None,
    "max_seq_length": 128,
    "epochs": 4,
    "batch_size": 32,
    "learning_rates": [5e-5],
    "seeds": [0, 1, 2],
}


@dataclass
class Part:
    """The documents of one split in columns of equal length; ``targets`` index ``classes``."""

    doc_ids: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)


@dataclass
class Task:
    """A labelled collection; ``classes`` are the labels of the train split, sorted.

    ``left_out`` counts the documents that passed the filters of kind and domain but carry no label
    (``without_label``) or one that ``labels`` does not name (``other_labels``).
    """

    name: str
    classes: list[str]
    parts: dict[str, Part]
    left_out: dict[str, int]
    groups_in_several_splits: int


def settings_of(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task's settings with the defaults filled in.

    Raises:
        InputError: the task has no name or label, an unknown key, or an empty list.
    """
    name = task.get("name", "without a name")
    for required in ("name", "label"):
        if not task.get(required):
            raise InputError(f"task {name}: give it a {required} under evaluate.tasks")
    unknown = sorted(set(task) - set(DEFAULTS) - {"name", "label"})
    if unknown:
        known = ", ".join(sorted(DEFAULTS))
        raise InputError(
            f"task {name}: unknown key {unknown[0]!r}; known besides name, label: {known}"
        )
    settings = {**DEFAULTS, **{key: value for key, value in task.items() if value is not None}}
    for plural in ("learning_rates", "seeds"):
        if not settings[plural]:
            raise InputError(f"task {name}: {plural} is empty; give at least one")
    return settings


def read_task(paths: Sequence[str | Path], settings: Mapping[str, Any]) -> Task:
    """Collect the documents that carry the task's label from segments files.

    The label is the value of the key ``label`` in the document's ``meta``, else its column ``kind``
    or ``domain`` where ``label`` says so; text, numbers and booleans count, an empty value, a list
    or an object does not. Documents come in the order of their id.

    Raises:
        InputError: no document has the label, a split has none, the train split has fewer than two
            classes, or a held-out split has a class that train lacks.
    """
    name, key = settings["name"], settings["label"]
    wanted = set(map(str, settings["labels"])) if settings["labels"] else None
    left_out = {"without_label": 0, "other_labels": 0}
    rows: list[tuple[str, str, str, str, str]] = []
    seen_keys: set[str] = set()
    for document in documents.read(sorted(map(str, paths)), READ):
        if settings["kinds"] and document["kind"] not in settings["kinds"]:
            continue
        if settings["domains"] and document["domain"] not in settings["domains"]:
            continue
        meta = json.loads(document["meta"] or "{}")
        seen_keys.update(meta)
        label = label_text(meta.get(key, document[key] if key in COLUMNS else None))
        if not label:
            left_out["without_label"] += 1
        elif wanted is not None and label not in wanted:
            left_out["other_labels"] += 1
        else:
            group = document["group"] or document["doc_id"]
            rows.append((document["doc_id"], document["split"], group, document["text"], label))
    rows.sort()
    _check_rows(rows, settings, seen_keys)

    classes = sorted({label for _, split, _, _, label in rows if split == "train"})
    places = {label: place for place, label in enumerate(classes)}
    parts = {split: Part() for split in SPLITS}
    splits_of: dict[str, set[str]] = {}
    for doc_id, split, group, text, label in rows:
        part = parts[split]
        part.doc_ids.append(doc_id)
        part.groups.append(group)
        part.texts.append(text)
        part.targets.append(places[label])
        splits_of.setdefault(group, set()).add(split)
    straddling = sum(len(splits) > 1 for splits in splits_of.values())
    if straddling:
        LOG.warning(
            "task %s: %d groups lie in several splits, so its scores may be too good",
            name,
            straddling,
        )
    return Task(name, classes, parts, left_out, straddling)


def label_text(value: Any) -> str:
    """Return a scalar label as text, or an empty string where there is none."""
    return str(value).strip() if isinstance(value, str | int | float | bool) else ""


def _check_rows(
    rows: Sequence[tuple[str, str, str, str, str]],
    settings: Mapping[str, Any],
    seen_keys: set[str],
) -> None:
    where = f"task {settings['name']}, label {settings['label']!r}"
    if not rows:
        found = ", ".join(sorted(seen_keys)) or "none at all"
        raise InputError(
            f"{where}: no document carries it; keys found in the metadata: {found}. Name one of "
            f"them as the label, or widen kinds, domains and labels"
        )
    labels = {split: {row[4] for row in rows if row[1] == split} for split in SPLITS}
    for split in SPLITS:
        if not labels[split]:
            raise InputError(
                f"{where}: the {split} split has no labelled document; add documents or raise the "
                f"share of {split} in curate.split"
            )
    if len(labels["train"]) < 2:
        raise InputError(
            f"{where}: every document of the train split is {min(labels['train'])!r}, so there is "
            f"nothing to learn; choose a label with at least two values"
        )
    for split in SPLITS[1:]:
        unseen = sorted(labels[split] - labels["train"])
        if unseen:
            raise InputError(
                f"{where}: {unseen[0]!r} occurs in {split} but never in train ({len(unseen)} such "
                f"values); list the values to keep under labels, or add documents of it"
            )
