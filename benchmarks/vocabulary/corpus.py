"""The real documents, segmented by the workflow itself: what this area's parts measure on."""

from __future__ import annotations

from pathlib import Path

from benchmarks import workflow

CONFIG = Path(__file__).parents[1] / "curation" / "config.yaml"

#: Enough documents left out to count rare tokens on.
SPLIT = {"validation": 0.01, "test": 0.03}


def segments(data: Path, work: Path) -> list[Path]:
    """Return the segments files of decisions, statutes and medical text: 130 MB, a 33rd of it ``test``.

    The first call takes five minutes on two cores; later ones run what edits to the code have touched.
    """
    config = workflow.read_config(CONFIG, data)
    config["curate"]["split"] = SPLIT
    shards = [f"{number:04d}" for number in range(config["corpus"]["shards"])]
    targets = [f"results/segments/{shard}.parquet" for shard in shards]
    results = workflow.run(config, work / "corpus", targets)
    return [results / "segments" / f"{shard}.parquet" for shard in shards]
