"""The real documents, segmented by the workflow itself: what this area's parts measure on."""

from __future__ import annotations

from pathlib import Path

from malmoi.morphology.segments import segment_documents

from benchmarks import workflow

CONFIG = Path(__file__).parents[1] / "curation" / "config.yaml"

#: Enough documents left out to count rare tokens on.
SPLIT = {"validation": 0.01, "test": 0.03}


def segments(data: Path, work: Path) -> list[Path]:
    """Return the segments files of decisions, statutes and medical text: 130 MB, a 33rd of it ``test``.

    The first call takes ten minutes on two cores; later ones, of other areas too, run what edits to the code
    have touched.
    """
    config = workflow.read_config(CONFIG, data)
    config["curate"]["split"] = SPLIT
    shards = [f"{number:04d}" for number in range(config["corpus"]["shards"])]
    targets = [f"results/segments/{shard}.parquet" for shard in shards]
    results = workflow.run(config, work.parent / "corpus", targets)
    return [results / "segments" / f"{shard}.parquet" for shard in shards]


def kiwi_segments(data: Path, work: Path) -> list[Path]:
    """Return the same documents segmented without malmoi's dictionaries and patterns: Kiwi's own morphemes.

    The first call takes as long again; later ones read the stage's cache.
    """
    folder = work.parent / "corpus_kiwi"
    folder.mkdir(exist_ok=True)
    outputs = []
    for segmented in segments(data, work):
        name = segmented.stem
        outputs.append(folder / segmented.name)
        segment_documents(
            input_path=segmented.parents[1] / "curated" / segmented.name,
            settings={"terms": [], "patterns": False, "spacing": "none", "input": "raw"},
            dictionaries=[],
            cache_path=folder / f"{name}.cache",
            workers=2,
            output_path=outputs[-1],
            changes_path=folder / f"{name}.changes",
            ledger_path=folder / f"{name}.ledger",
        )
    return outputs
