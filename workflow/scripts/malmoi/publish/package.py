"""Put together what is published: model, tokenizer, card, evidence and checksums in one folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malmoi.atomic import replacing_folder, write_json
from malmoi.errors import InputError
from malmoi.progress import LOG
from malmoi.publish import card, corpus, gates
from malmoi.publish.finish import finish_package
from malmoi.publish.measures import BASELINES, read_evaluations, read_json, settings
from malmoi.publish.provenance import provenance
from malmoi.publish.segmentation import copy_segmentation

#: Files of a model folder that are published where they are there; everything else stays behind.
MODEL_FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "special_tokens_map.json",
    "added_tokens.json",
)

#: Documents that the tokenizer gate compares where the settings do not say.
PARITY_DOCUMENTS = 1000


def build_package(
    target: str | Path,
    *,
    experiment: str,
    model: str | Path,
    summary: str | Path,
    ledger: str | Path,
    manifests: Sequence[str | Path],
    training: Sequence[str | Path],
    evaluation: Sequence[str | Path],
    audit: str | Path,
    vocabulary: str | Path,
    segments: Sequence[str | Path],
    tokens: Sequence[str | Path],
    sources: Sequence[Mapping[str, Any]],
    takedown: Mapping[str, Any],
    publish: Mapping[str, Any],
    config: Mapping[str, Any],
    libraries: Mapping[str, str],
    template: str | Path = card.TEMPLATE,
) -> None:
    """Write the package folder ``target`` once every gate is passed or overridden.

    ``model`` is a Hugging Face folder, ``summary`` (CSV) and ``ledger`` (Parquet) those of the whole run,
    ``manifests`` the instance manifests, ``training`` files among which are ``summary.json`` and
    ``loss.png``, ``evaluation`` the JSON files of the evaluation, ``audit`` that of the memorisation audit,
    ``vocabulary`` the measures of the vocabulary (CSV), ``segments`` and ``tokens`` the shards. ``sources`` is
    the config's ``corpus.sources``, ``takedown`` what must not be there: ids of ``documents``, and ``files`` by
    source.
    Of ``publish`` these keys are read: ``title``, ``description``, ``license``, ``license_name``,
    ``license_link``, ``tags``, ``limits``, ``citation``, ``parity_documents``, ``override_gates``.
    ``config`` is kept in ``provenance.json``; it also gives the card its settings.
    ``libraries`` are the versions that the stages' environments pin.

    Raises:
        InputError: a file that belongs into the package is missing, or a gate failed.
    """
    model, by_name = Path(model), {Path(path).name: Path(path) for path in training}
    summary, ledger, vocabulary = Path(summary), Path(ledger), Path(vocabulary)
    audit = Path(audit)
    evaluation = [Path(path) for path in evaluation]
    segments, tokens = [Path(path) for path in segments], [Path(path) for path in tokens]
    for name in ("summary.json", "loss.png"):
        if name not in by_name:
            raise InputError(f"{name} is not among the training files; run pretraining again")
    trained = read_json(by_name["summary.json"])
    by_phase = {
        str(content["phase"]): content for content in (read_json(Path(path)) for path in manifests)
    }
    rows = corpus.source_rows(corpus.count_tokens(tokens), sources)
    title = str(publish.get("title") or experiment)
    with replacing_folder(target) as folder:
        _copy_model(model, folder)
        shutil.copyfile(by_name["loss.png"], folder / "loss.png")
        segmentation = copy_segmentation(folder, config.get("segment", {}), segments)
        origin = provenance(
            config=config,
            training=trained,
            manifests=by_phase,
            # The measures of the vocabulary lie beside those of other tokenizers, so their file tells nothing.
            files=[summary, *map(Path, manifests), *evaluation, *_there(audit)],
            libraries=libraries,
        )
        write_json(folder / "provenance.json", origin)
        loading = gates.loads(folder)
        memorisation = gates.memorisation(folder, audit)
        documents = int(publish.get("parity_documents") or PARITY_DOCUMENTS)
        measures = read_evaluations(evaluation)
        domains = sorted({str(row["domain"]) for row in rows if row["domain"]})
        base = _base_model(config.get("pretrain") or {})
        model_config = read_json(folder / "config.json")
        architecture = str(model_config["architectures"][0])
        pieces = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        finish_package(
            folder,
            template=Path(template),
            content={
                "metadata": card.metadata(
                    title=title,
                    architecture=architecture,
                    settings=publish,
                    domains=domains,
                    base_model=base.name if base and base.revision else None,
                    measures=measures,
                ),
                "title": title,
                "description": publish.get("description"),
                "domains": domains,
                "base": base,
                "architecture": architecture,
                "family": card.family_of(architecture),
                "task": card.task_of(architecture),
                "parameters": loading.evidence.get("parameters", trained.get("parameters", "")),
                "model_config": model_config,
                "licence": publish.get("license_name") or publish.get("license") or "",
                "sources": rows,
                **corpus.balance(summary, ledger),
                "preprocessing": corpus.preprocessing(origin["config"]),
                "vocabulary": corpus.vocabulary_measures(vocabulary),
                "instances": _instances(by_phase),
                "trained": {"device": "", **trained},
                "training": list(settings(_shown(trained))),
                "training_settings": list(settings(_shown(config.get("pretrain", {})))),
                "measures": measures,
                "audit": memorisation.evidence,
                "baselines": [
                    name for name in BASELINES if any(name in row.baselines for row in measures)
                ],
                "segmentation": segmentation,
                "limits": list(publish.get("limits") or []),
                "citation": card.citation(experiment, title, publish, origin),
                "config_fingerprint": origin["config_fingerprint"],
                "training_fingerprint": str(trained.get("fingerprint", "")),
            },
            results=[
                loading,
                gates.tokenizer_parity(folder, segments, tokens, documents),
                gates.licences(sources, [row["name"] for row in rows], publish.get("license")),
                gates.takedown(takedown, corpus.token_documents(tokens), ledger),
                memorisation,
            ],
            overridden=list(publish.get("override_gates") or []),
            scanned={"vocab.txt": [piece.removeprefix("##") for piece in pieces]},
        )
    LOG.info("package of %s is in %s", experiment, target)


def _there(path: Path) -> list[Path]:
    return [path] if path.is_file() else []


def _copy_model(model: Path, folder: Path) -> None:
    weights = sorted(path.name for path in model.glob("*.safetensors"))
    if not weights:
        raise InputError(f"{model} holds no safetensors file; export the model again")
    for name in ("config.json", "vocab.txt", "tokenizer.json", "tokenizer_config.json"):
        if not (model / name).is_file():
            raise InputError(f"{model} holds no {name}; export model and tokenizer again")
    chosen = [*weights, *(name for name in MODEL_FILES if (model / name).is_file())]
    for name in chosen:
        shutil.copyfile(model / name, folder / name)
    left = sorted(path.name for path in model.iterdir() if path.name not in chosen)
    if left:
        LOG.info("left out of the package: %s", ", ".join(left))


def _instances(by_phase: Mapping[str, Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    return [
        {
            "phase": phase,
            "split": split,
            "max_seq_length": manifest["max_seq_length"],
            "instances": content["instances"],
            "tokens": content["tokens"],
        }
        for phase, manifest in by_phase.items()
        for split, content in manifest["splits"].items()
    ]


@dataclass(frozen=True)
class _Base:
    """The model that training started from; ``revision`` is its commit on the Hub, empty for a folder."""

    name: str
    revision: str


def _base_model(pretrain: Mapping[str, Any]) -> _Base | None:
    start = pretrain.get("init")
    if not start:
        return None
    name, revision = str(start["model"]), str(start.get("revision") or "")
    # Of a local folder only the last name is shown: a home folder is nobody's business.
    return _Base(name if revision else Path(name).name, revision)


def _shown(value: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what the card shows elsewhere or what is only for machines."""
    return {key: part for key, part in value.items() if key not in ("fingerprint", "init")}
