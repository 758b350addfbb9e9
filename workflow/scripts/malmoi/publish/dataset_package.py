"""The corpus as a data set: cleaned text of those sources whose licence lets it be passed on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from malmoi.atomic import replacing_folder, write_json, writing_rows
from malmoi.errors import InputError
from malmoi.progress import LOG, track
from malmoi.publish import card, corpus, gates
from malmoi.publish.finish import finish_package
from malmoi.publish.provenance import provenance

TEMPLATE = card.TEMPLATE.with_name("card_dataset.md.jinja")

#: Titles, dates, groups and ``meta`` stay at home: personal data is taken out of the text alone.
COLUMNS = ("doc_id", "source", "domain", "kind", "split", "text")

SCHEMA = pa.schema([pa.field(name, pa.string(), nullable=False) for name in (*COLUMNS, "license")])

SPLITS = ("train", "validation", "test")


def build_dataset_package(
    target: str | Path,
    *,
    documents: Sequence[str | Path],
    summary: str | Path,
    ledger: str | Path,
    sources: Sequence[Mapping[str, Any]],
    licences: Collection[str],
    takedown: Mapping[str, Any],
    publish: Mapping[str, Any],
    config: Mapping[str, Any],
    libraries: Mapping[str, str],
) -> None:
    """Write the package folder ``target`` once every gate is passed or overridden.

    ``documents`` are the curated shards (Parquet). Of sources whose ``license`` is one of ``licences``, word
    for word, each document becomes a row of ``data/SPLIT-SHARD.parquet`` with its text as it was
    before segmentation; other sources are named in the card alone. The rest is as for
    :func:`malmoi.publish.package.build_package`.

    Raises:
        InputError: no document may be passed on, or a gate failed.
    """
    allowed = {
        str(source["name"]): str(source["license"])
        for source in sources
        if source["license"] and source["license"] in licences
    }
    title = f"{publish['title']}: corpus"
    with replacing_folder(target) as folder:
        counts, present = _write(folder / "data", [Path(path) for path in documents], allowed)
        if not counts:
            stated = ", ".join(sorted({str(source["license"]) for source in sources}))
            raise InputError(
                "no document may be passed on: publish.dataset_licences names none of the sources' "
                f"licences ({stated}) that has documents"
            )
        origin = provenance(
            config=config,
            training={},
            manifests={},
            files=[*map(Path, documents), Path(summary)],
            libraries=libraries,
        )
        write_json(folder / "provenance.json", origin)
        data = sorted((folder / "data").iterdir())
        rows = corpus.source_rows(counts, sources)
        published = [row for row in rows if row["name"] in counts]
        domains = sorted({str(row["domain"]) for row in published if row["domain"]})
        stated = sorted({str(row["license"]) for row in published})
        splits = [name for name in SPLITS if any(row.get(name) for row in published)]
        finish_package(
            folder,
            template=TEMPLATE,
            content={
                "metadata": card.dataset_metadata(
                    title=title,
                    settings=publish,
                    domains=domains,
                    licences=stated,
                    splits=splits,
                    documents=sum(row["documents"] for row in published),
                ),
                "title": title,
                "domains": domains,
                "licences": stated,
                "splits": splits,
                "sources": published,
                "left_out": [row for row in rows if row["name"] not in counts],
                **corpus.balance(Path(summary), Path(ledger)),
                "preprocessing": corpus.preprocessing(origin["config"]),
                "citation": card.citation("corpus", title, publish, origin),
                "config_fingerprint": origin["config_fingerprint"],
            },
            results=[
                gates.licences(sources, present, ", ".join(stated)),
                gates.takedown(takedown, _column(data, "doc_id"), Path(ledger)),
            ],
            overridden=publish["override_gates"],
            scanned={path.name: _column([path], "text") for path in data},
            repo_type="dataset",
        )
    LOG.info("package of the corpus is in %s", target)


def _write(
    folder: Path, shards: Sequence[Path], allowed: Mapping[str, str]
) -> tuple[dict[str, Counter[str]], set[str]]:
    """Write the rows of allowed sources; return their counts by source, and every source of the shards."""
    counts: dict[str, Counter[str]] = {}
    present: set[str] = set()
    for shard in track(sorted(shards), "data set", len(shards), "shards"):
        with ExitStack() as files:
            add = {}
            for row in _rows(shard):
                present.add(row["source"])
                if row["source"] not in allowed:
                    continue
                split = row["split"]
                if split not in add:
                    name = f"{split}-{shard.stem}.parquet"
                    writer = writing_rows(folder / name, SCHEMA, rows_per_group=4096)
                    add[split] = files.enter_context(writer)
                add[split]({**row, "license": allowed[row["source"]]})
                count = counts.setdefault(row["source"], Counter())
                count.update({split: 1, "documents": 1, "characters": len(row["text"])})
    return counts, present


def _rows(shard: Path) -> Iterator[dict[str, str]]:
    for batch in pq.ParquetFile(shard).iter_batches(batch_size=256, columns=list(COLUMNS)):
        yield from batch.to_pylist()


def _column(files: Sequence[Path], name: str) -> Iterator[str]:
    for path in files:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=256, columns=[name]):
            yield from batch[name].to_pylist()
