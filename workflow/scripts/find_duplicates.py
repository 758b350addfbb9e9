"""Find documents that repeat others, across all shards."""

from malmoi.curate.duplicates import find_duplicates
from malmoi.progress import log_to

log_to(snakemake.log[0])
find_duplicates(
    inputs=list(snakemake.input),
    settings=snakemake.params.cfg["curate"]["dedup"],
    clusters_path=snakemake.output.clusters,
    drops_paths=list(snakemake.output.drops),
    digest_paths=list(snakemake.output.digests),
)
