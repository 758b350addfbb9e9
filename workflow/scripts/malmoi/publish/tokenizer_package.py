"""The tokenizer alone as a package, for who wants the vocabulary and no model."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from malmoi.atomic import replacing_folder, write_json
from malmoi.errors import InputError
from malmoi.progress import LOG
from malmoi.publish import card, corpus, gates
from malmoi.publish.finish import finish_package
from malmoi.publish.provenance import provenance
from malmoi.publish.segmentation import copy_segmentation

TEMPLATE = card.TEMPLATE.with_name("card_tokenizer.md.jinja")

FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.txt")


def build_tokenizer_package(
    target: str | Path,
    *,
    tokenizer: str | Path,
    vocabulary: str | Path,
    summary: str | Path,
    ledger: str | Path,
    segments: Sequence[str | Path],
    tokens: Sequence[str | Path],
    sources: Sequence[Mapping[str, Any]],
    takedown: Mapping[str, Any],
    publish: Mapping[str, Any],
    config: Mapping[str, Any],
    libraries: Mapping[str, str],
) -> None:
    """Write the package folder ``target`` once every gate is passed or overridden.

    ``tokenizer`` is the folder that ``transformers`` loads; the rest is as for
    :func:`malmoi.publish.package.build_package`. The gate of the model's loading has no part in it: that of
    the tokenizer's parity loads the package.

    Raises:
        InputError: a file is missing, or a gate failed.
    """
    tokenizer, vocabulary = Path(tokenizer), Path(vocabulary)
    segments, tokens = [Path(path) for path in segments], [Path(path) for path in tokens]
    rows = corpus.source_rows(corpus.count_tokens(tokens), sources)
    domains = sorted({str(row["domain"]) for row in rows if row["domain"]})
    title = f"{publish['title']}: tokenizer"
    with replacing_folder(target) as folder:
        for name in FILES:
            if not (tokenizer / name).is_file():
                raise InputError(f"{tokenizer} holds no {name}; learn the vocabulary again")
            shutil.copyfile(tokenizer / name, folder / name)
        segmentation = copy_segmentation(folder, config["segment"], segments)
        origin = provenance(
            config=config,
            training={},
            manifests={},
            files=[Path(summary)],
            libraries=libraries,
        )
        write_json(folder / "provenance.json", origin)
        pieces = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        finish_package(
            folder,
            template=TEMPLATE,
            content={
                "metadata": card.tokenizer_metadata(settings=publish, domains=domains),
                "title": title,
                "domains": domains,
                "licence": publish.get("license_name") or publish.get("license") or "",
                "pieces": len(pieces),
                "sources": rows,
                **corpus.balance(Path(summary), Path(ledger)),
                "preprocessing": corpus.preprocessing(origin["config"]),
                "vocabulary": corpus.vocabulary_measures(vocabulary),
                "segmentation": segmentation,
                "citation": card.citation("tokenizer", title, publish, origin),
                "config_fingerprint": origin["config_fingerprint"],
            },
            results=[
                gates.tokenizer_parity(folder, segments, tokens, publish["parity_documents"]),
                gates.licences(sources, [row["name"] for row in rows], publish.get("license")),
                gates.takedown(takedown, corpus.token_documents(tokens), Path(ledger)),
            ],
            overridden=publish["override_gates"],
            scanned={"vocab.txt": [piece.removeprefix("##") for piece in pieces]},
        )
    LOG.info("package of the tokenizer is in %s", target)
