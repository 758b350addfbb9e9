"""Put together what is published: model, tokenizer, card, evidence and checksums in one folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from malmoi.atomic import replacing_folder, write_json, write_text
from malmoi.errors import InputError
from malmoi.progress import LOG, track
from malmoi.publish import card, checksums, gates
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
    manifests: Sequence[str | Path],
    training: Sequence[str | Path],
    evaluation: Sequence[str | Path],
    segments: Sequence[str | Path],
    tokens: Sequence[str | Path],
    sources: Sequence[Mapping[str, Any]],
    publish: Mapping[str, Any],
    config: Mapping[str, Any],
    template: str | Path = card.TEMPLATE,
) -> None:
    """Write the package folder ``target`` once every gate is passed or overridden.

    ``model`` is a Hugging Face folder, ``summary`` the ledger summary (CSV), ``manifests`` the instance
    manifests, ``training`` files among which are ``summary.json`` and ``loss.png``, ``evaluation`` the
    JSON files of the evaluation, ``segments`` and ``tokens`` the shards. ``sources`` is the config's
    ``corpus.sources``. Of ``publish`` these keys are read: ``title``, ``description``, ``license``,
    ``license_name``, ``license_link``, ``tags``, ``limits``, ``parity_documents``, ``override_gates``.
    ``config`` is kept in ``provenance.json``; it also gives the card its settings of training.

    Raises:
        InputError: a file that belongs into the package is missing, or a gate failed.
    """
    model, by_name = Path(model), {Path(path).name: Path(path) for path in training}
    evaluation = [Path(path) for path in evaluation]
    segments, tokens = [Path(path) for path in segments], [Path(path) for path in tokens]
    for name in ("summary.json", "loss.png"):
        if name not in by_name:
            raise InputError(f"{name} is not among the training files; run pretraining again")
    trained = read_json(by_name["summary.json"])
    by_phase = {
        str(content["phase"]): content for content in (read_json(Path(path)) for path in manifests)
    }
    corpus = _corpus(segments, sources)
    title = str(publish.get("title") or experiment)
    overridden = list(publish.get("override_gates") or [])
    with replacing_folder(target) as folder:
        _copy_model(model, folder)
        shutil.copyfile(by_name["loss.png"], folder / "loss.png")
        segmentation = copy_segmentation(folder, config.get("segment", {}), segments)
        origin = provenance(
            config=config,
            training=trained,
            manifests=by_phase,
            files=[Path(summary), *map(Path, manifests), *evaluation],
        )
        write_json(folder / "provenance.json", origin)
        loading = gates.loads(folder)
        documents = int(publish.get("parity_documents") or PARITY_DOCUMENTS)
        results = [
            loading,
            gates.tokenizer_parity(folder, segments, tokens, documents),
            gates.licences(sources, [row["name"] for row in corpus], publish.get("license")),
        ]
        measures = read_evaluations(evaluation)
        domains = sorted({str(row["domain"]) for row in corpus if row["domain"]})
        base_model = _base_model(config)
        content = {
            "metadata": card.metadata(
                title=title,
                settings=publish,
                domains=domains,
                base_model=base_model,
                measures=measures,
            ),
            "title": title,
            "description": publish.get("description"),
            "domains": domains,
            "base_model": base_model,
            "architecture": loading.evidence.get("architecture", ""),
            "parameters": loading.evidence.get("parameters", trained.get("parameters", "")),
            "model_config": read_json(folder / "config.json"),
            "licence": publish.get("license_name") or publish.get("license") or "",
            "sources": corpus,
            **_balance(Path(summary)),
            "instances": _instances(by_phase),
            "training": list(settings(_shown(trained))),
            "training_settings": list(settings(_shown(config.get("pretrain", {})))),
            "measures": measures,
            "baselines": [
                name for name in BASELINES if any(name in row.baselines for row in measures)
            ],
            "overridden": overridden,
            "segmentation": segmentation,
            "limits": list(publish.get("limits") or []),
            "config_fingerprint": origin["config_fingerprint"],
            "training_fingerprint": str(trained.get("fingerprint", "")),
        }
        # The card names the gates' outcome and is itself looked at by one of them.
        draft = card.render(Path(template), gates=[], **content)
        texts = {
            "README.md": draft,
            "provenance.json": (folder / "provenance.json").read_text(encoding="utf-8"),
        }
        results.append(gates.personal_data(_pieces(folder), texts))
        decided = gates.decide(results, overridden)
        write_json(folder / "gates.json", decided)
        write_text(folder / "README.md", card.render(Path(template), gates=decided, **content))
        checksums.write(folder)
    LOG.info("package of %s is in %s", experiment, target)


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


def _pieces(folder: Path) -> list[str]:
    return (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()


def _corpus(segments: Sequence[Path], sources: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a row per source, in config order: documents and characters counted from the shards."""
    counts: dict[str, list[int]] = {}
    for shard in track(sorted(segments), "corpus table", len(segments), "shards"):
        for batch in pq.ParquetFile(shard).iter_batches(columns=["source", "text"]):
            lengths = pc.utf8_length(batch["text"]).to_pylist()
            for source, characters in zip(batch["source"].to_pylist(), lengths, strict=True):
                count = counts.setdefault(source, [0, 0])
                count[0] += 1
                count[1] += characters
    stated = {str(source["name"]): source for source in sources}
    return [
        {
            "name": name,
            "domain": stated.get(name, {}).get("domain") or "",
            "license": stated.get(name, {}).get("license") or "",
            "documents": counts.get(name, [0, 0])[0],
            "characters": counts.get(name, [0, 0])[1],
        }
        for name in [*stated, *sorted(set(counts) - set(stated))]
    ]


def _balance(summary: Path) -> dict[str, Any]:
    """Return what the first stage of the ledger was given, and every drop in pipeline order."""
    frame = pd.read_csv(summary, keep_default_na=False)
    first = frame[frame["stage"] == frame["stage"].iloc[0]] if len(frame) else frame
    dropped = frame[frame["status"] != "kept"]
    return {
        "given": {
            "documents": int(first["documents"].sum()),
            "characters": int(first["chars_in"].sum()),
        },
        "drops": [
            {
                "stage": row.stage,
                "status": row.status,
                "reason": row.reason,
                "documents": int(row.documents),
                "characters": int(row.chars_in),
            }
            for row in dropped.itertuples()
        ],
    }


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


def _base_model(config: Mapping[str, Any]) -> str | None:
    start = str((config.get("pretrain") or {}).get("init") or "scratch")
    if start == "scratch":
        return None
    # Of a local folder only the last name is shown: a home folder is nobody's business.
    return Path(start).name if start.startswith(("/", "~", ".")) else start


def _shown(value: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what the card shows elsewhere or what is only for machines."""
    return {key: part for key, part in value.items() if key not in ("fingerprint", "init")}
