"""Sum up the shards of one phase."""

from pathlib import Path

from malmoi.instances.manifest import write_manifest
from malmoi.progress import log_to

log_to(snakemake.log[0])


def named(paths: list[str]) -> list[tuple[str, str]]:
    """Return instance files as the manifest names them, each with its statistics."""
    folder = Path(snakemake.output[0]).parent
    return [
        (Path(path).relative_to(folder).with_suffix(".arrow").as_posix(), path) for path in paths
    ]


write_manifest(
    snakemake.wildcards.phase,
    {
        "train": named(snakemake.input.train),
        "validation": named([snakemake.input.validation]),
        "test": named([snakemake.input.test]),
    },
    snakemake.output[0],
)
